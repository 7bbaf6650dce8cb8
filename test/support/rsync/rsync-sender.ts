/** A BBB server with one recording that goes to a PILOS host over rsync, and what arrives there. */
import { createHash, randomBytes } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach } from 'vitest';
import { mostWhole } from '../../../hook/spool/rsync/prepare.ts';
import type { Meeting } from '../bbb/bbb-meeting.ts';
import { type BbbTree, type BbbTreeRunOptions, createBbbTree } from '../bbb/bbb-tree.ts';
import { compareTrees } from '../files/compare-trees.ts';
import { importSpool } from '../pilos/import-spool.ts';
import type { ProgramResult, RunningProgram } from '../program/run-program.ts';
import { letDeliveryBe } from '../program/traces.ts';
import { type HostKey, type RsyncHost, sizeOf } from './rsync-host.ts';

/** Bytes of a recording that is sent in place and renamed in a second run, and not whole in one. */
export const largeSize = mostWhole + 100_000;

export interface SenderOptions {
  key?: HostKey;
  /** `spool_dir`, instead of what follows from the key. */
  spool?: string;
  /** Sub directory that the meeting chooses: `instance1` by default. */
  subDir?: string;
  /** Bytes of a file that cannot be compressed, in the recording. */
  size?: number;
  /** `extra_rsync_opts` */
  rsync?: string[];
  retry?: { attempts: number; max_seconds: number };
  /** The programs of the PATH, beside `rsync`, that the hook finds; the system's by default. */
  programs?: Record<string, string>;
}

export interface Sender {
  tree: BbbTree;
  meeting: Meeting;
  /** On the PILOS host: the archive's directory, the archive, and what is there while it is being sent. */
  directory: string;
  archive: string;
  partial: string;
  /** A PATH with an rsync that counts how often it is started. */
  path: string;
  start(options?: BbbTreeRunOptions): RunningProgram;
  deliver(options?: BbbTreeRunOptions): Promise<ProgramResult>;
  /** The timer's `deliver`, which sees what PILOS has imported. */
  confirm(): Promise<ProgramResult>;
  /** As BBB does when a recording is rebuilt, here some minutes after the last delivery. */
  rebuild(): void;
  /** How often rsync was started. */
  rsyncRuns(): number;
  /** Names in `work_dir/tmp`. */
  temporaryFiles(): string[];
  /** What PILOS does with the directory, as `name: what differs from the published files`. */
  import(): Promise<string[]>;
}

/** Call it once at the top of a test file; what it returns makes a sender, gone after the test. */
export function useSenders(host: RsyncHost): (options?: SenderOptions) => Sender {
  const trees: BbbTree[] = [];
  afterEach(() => {
    for (const tree of trees.splice(0)) tree.remove();
  });
  return (options = {}) => {
    const sender = createSender(host, options);
    trees.push(sender.tree);
    return sender;
  };
}

function createSender(host: RsyncHost, options: SenderOptions): Sender {
  const { key = 'ordinary', subDir = 'instance1', size = 0, rsync = [] } = options;
  const tree = createBbbTree({
    spool: options.spool ?? host.address(key),
    pilos: { extra_rsync_opts: rsync, retry: options.retry ?? { attempts: 1, max_seconds: 60 } },
  });
  const files = size === 0 ? {} : { 'video/large.bin': randomBytes(size) };
  const meeting = tree.addMeeting({ subDir, files });
  const path = preparePath(tree, options.programs);
  tree.giveTo(host.bbbUser);
  const directory = join(host.spool, subDir);
  const partial = join(directory, `${meeting.id}-presentation`);
  const start = (run: BbbTreeRunOptions = {}) =>
    tree.start(['-m', meeting.id, '-f', 'presentation'], { ...run, env: { PATH: path, ...run.env } });
  return {
    ...{ tree, meeting, directory, partial, path, start },
    archive: `${partial}.tar`,
    deliver: (run) => start(run).result,
    confirm: () => tree.run(['deliver'], { env: { PATH: path } }),
    rebuild: () => {
      const metadata = join(meeting.published('presentation'), 'metadata.xml');
      appendFileSync(join(meeting.published('presentation'), 'shapes.svg'), '<!-- rebuilt -->');
      writeFileSync(metadata, readFileSync(metadata));
      letDeliveryBe(tree, meeting.id, 'presentation', { minutes: 10 });
    },
    rsyncRuns: () => sizeOf(join(tree.root, 'rsync-runs')),
    temporaryFiles: () => readdirSync(join(tree.workDir, 'tmp')),
    import: () => importInto(directory, tree, meeting),
  };
}

/** A PATH with an rsync that counts how often it is started. */
function preparePath(tree: BbbTree, programs: Record<string, string> | undefined): string {
  const directory = join(tree.root, 'bin');
  const runs = join(tree.root, 'rsync-runs');
  mkdirSync(directory);
  writeFileSync(runs, '');
  chmodSync(runs, 0o666);
  for (const [name, target] of Object.entries(programs ?? {})) symlinkSync(target, join(directory, name));
  if (programs !== undefined) return directory;
  const counting = ['#!/bin/sh', `printf . >>${runs}`, 'exec /usr/bin/rsync "$@"', ''];
  writeFileSync(join(directory, 'rsync'), counting.join('\n'), { mode: 0o755 });
  return `${directory}:/usr/sbin:/usr/bin:/sbin:/bin`;
}

async function importInto(directory: string, tree: BbbTree, meeting: Meeting): Promise<string[]> {
  const store = join(tree.root, 'store', createHash('sha1').update(String(Math.random())).digest('hex'));
  mkdirSync(store, { recursive: true });
  const archives = await importSpool(directory, store);
  return archives.flatMap(({ archive, reason, formats }) => {
    const [found, ...others] = formats;
    const isRight = reason === null && found?.id === meeting.id && others.length === 0;
    if (!isRight) return [`${archive}: ${reason ?? 'not the recording'}`];
    const differences = compareTrees(meeting.published('presentation'), found.storedIn);
    return [`${archive}: ${differences.length === 0 ? 'as published' : JSON.stringify(differences)}`];
  });
}

/** With a `-no-del` key a warning says what it costs a large one; this checks it and leaves the rest of stderr. */
export function withoutResumeWarning(result: ProgramResult, key: HostKey): ProgramResult {
  if (!key.endsWith('-no-del')) return result;
  const warning =
    /^.*a cut transfer cannot be resumed there; remove '-no-del' from authorized_keys there, or .* in rsyncd\.conf\n/;
  if (!warning.test(result.stderr)) throw new Error(`no warning in ${result.stderr}`);
  return { ...result, stderr: result.stderr.replace(warning, '') };
}

/** Resolves when the file has so many bytes; rejects after half a minute. */
export async function whenArrived(file: string, bytes: number): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (sizeOf(file) < bytes) {
    if (Date.now() > deadline) throw new Error(`only ${sizeOf(file)} of ${bytes} bytes of ${file} arrived`);
    await sleep(5);
  }
}

/** Processes of a user, as `pid command`. */
export function processesOf(uid: number): string[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((pid) => {
      try {
        const isTheirs = new RegExp(`^Uid:\\t${uid}\\t`, 'm').test(
          readFileSync(`/proc/${pid}/status`, 'utf8'),
        );
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ').trim();
        return isTheirs && command !== '' ? [`${pid} ${command}`] : [];
      } catch {
        return []; // It ended between the listing and the look.
      }
    });
}
