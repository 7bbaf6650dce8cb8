/** A Debian of its own, in which packages are installed for real and nothing of this machine is touched. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { validateJsonDocument } from './json-document.ts';
import { type ProgramResult, runOrThrow, runProgram } from './run-program.ts';

const cacheDirectory = join(import.meta.dirname, '../../../dist/.test-cache');
const usualSuite = 'bookworm';
/** Beside what every Debian has; all that the package depends on, so that no network is needed later. */
const usualPackages = ['apt', 'ruby', 'logrotate'];
const maximumAge = 30 * 24 * 3_600_000;

interface DebianRootOptions {
  suite?: string;
  /** Of another processor than this machine's, it runs under qemu-user-static. */
  architecture?: 'amd64' | 'arm64' | undefined;
}

export interface DebianRoot {
  path: string;
  /** Runs a program in it as root, with nobody there to answer questions. */
  run(command: string, ...args: string[]): Promise<ProgramResult>;
  /** The same; throws when it does not end with 0. */
  runOrThrow(command: string, ...args: string[]): Promise<ProgramResult>;
  remove(): Promise<void>;
}

/**
 * A fresh, minimal Debian; its archive is kept in dist/.test-cache, since making it takes a minute. Without a
 * network, this machine's own system stands in, under an overlay that takes every change.
 *
 * @param more Debian packages
 */
export async function createDebianRoot(
  more: readonly string[] = [],
  { suite = usualSuite, architecture }: DebianRootOptions = {},
): Promise<DebianRoot> {
  const directory = mkdtempSync(join(tmpdir(), 'debian-root-'));
  const path = join(directory, 'root');
  mkdirSync(path);
  const { archive, problem } = await provideArchive(suite, [...usualPackages, ...more], architecture);
  if (archive === undefined && (suite !== usualSuite || architecture !== undefined))
    throw new Error(`no root of ${suite}: ${problem}`);
  if (archive !== undefined)
    await runOrThrow('tar', ['--extract', '--numeric-owner', '--file', archive, '--directory', path]);
  else await mountOverlay(directory, path);
  const run = async (command: string, ...args: string[]) => {
    const result = await runProgram('unshare', enter(path, command, args), inside);
    validateJsonDocument([command, ...args], result);
    return result;
  };
  return {
    path,
    run,
    runOrThrow: async (command, ...args) => {
      const result = await run(command, ...args);
      if (result.status === 0) return result;
      throw new Error(`${command} ended with ${result.status}: ${result.stderr || result.stdout}`);
    },
    remove: async () => {
      if (archive === undefined) {
        await runOrThrow('umount', [path]);
        await runOrThrow('umount', [directory]);
      }
      rmSync(directory, { recursive: true });
    },
  };
}

const inside = {
  env: {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: '/root',
    DEBIAN_FRONTEND: 'noninteractive',
  },
  timeoutMilliseconds: 300_000,
};

/** With namespaces of its own: what is mounted or still running goes with the command. */
function enter(root: string, command: string, args: string[]): string[] {
  const script = 'mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && exec chroot "$0" "$@"';
  return ['--mount', '--pid', '--fork', '--kill-child', 'sh', '-c', script, root, command, ...args];
}

/** Unpacks a Debian of some release with these packages. @throws Error when it cannot be made */
export async function unpackDebian(
  suite: string,
  include: readonly string[],
  directory: string,
): Promise<void> {
  const { archive, problem } = await provideArchive(suite, include);
  if (archive === undefined) throw new Error(`no root of ${suite}: ${problem}`);
  await runOrThrow('tar', ['--extract', '--numeric-owner', '--file', archive, '--directory', directory]);
}

async function provideArchive(
  suite: string,
  packages: readonly string[],
  architecture?: string,
): Promise<{ archive?: string; problem?: string }> {
  const name = ['debian', suite, ...(architecture === undefined ? [] : [architecture]), ...packages];
  const archive = join(cacheDirectory, `${name.join('-')}.tar`);
  if (existsSync(archive) && Date.now() - statSync(archive).mtimeMs < maximumAge) return { archive };
  mkdirSync(cacheDirectory, { recursive: true });
  rmSync(archive, { force: true });
  const options = ['--mode=root', '--variant=essential', '--format=tar', '--dpkgopt=force-unsafe-io'];
  if (architecture !== undefined) options.push(`--architectures=${architecture}`);
  const what = [`--include=${packages.join(',')}`, '--skip=cleanup/apt/lists', suite, `${archive}.new`];
  // Test files run side by side: the second one waits, and finds it made.
  const script = '[ -e "$0" ] || { mmdebstrap "$@" && mv "$0.new" "$0"; }';
  const { status, stderr } = await runProgram(
    'flock',
    [`${archive}.lock`, 'sh', '-c', script, archive, ...options, ...what],
    { timeoutMilliseconds: 1_140_000 },
  );
  if (status === 0) return { archive };
  rmSync(`${archive}.new`, { force: true });
  const last = stderr.trimEnd().split('\n').at(-1);
  process.stdout.write(`debian-root: a fresh ${suite} cannot be made: ${last}\n`);
  return { problem: last ?? '' };
}

/** Changes go to memory: the upper side of an overlay cannot be an overlay, which a container's disk often is. */
async function mountOverlay(directory: string, path: string): Promise<void> {
  await runOrThrow('mount', ['-t', 'tmpfs', 'tmpfs', directory]);
  for (const name of ['root', 'upper', 'work']) mkdirSync(join(directory, name));
  const layers = `lowerdir=/,upperdir=${directory}/upper,workdir=${directory}/work`;
  await runOrThrow('mount', ['-t', 'overlay', 'overlay', '-o', layers, path]);
}
