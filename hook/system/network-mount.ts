/**
 * File systems whose server may be gone. Whoever touches one then may never come back, and no signal ends him: so a
 * process of its own asks whether it answers, and is left behind when it does not.
 */
import { lstatSync, readlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { EXIT, ExpectedError } from '../errors.ts';
import { findMount, type Mount } from './mounts.ts';
import { quietly } from './paths.ts';
import { readMounts } from './proc.ts';

const networkTypes =
  /^(?:nfs4?|cifs|smb3|ceph|glusterfs|lustre|beegfs|gpfs|9p|virtiofs|afs|autofs|fuse(?:\..+)?)$/;

/** Seconds for an answer; a server that is only busy takes less. */
const patience = 10;
/** Until the child says that it begins: on a busy machine starting it may take longer than the answer. */
const startPatience = 60;
/** As the kernel has it: path_resolution(7). */
const mostLinks = 40;

/** The first network file system on the way to `path`. Links are followed, and nothing on a network is touched. */
export function findNetworkMount(path: string, mounts: readonly Mount[] = readMounts()): Mount | undefined {
  let names = path.split('/');
  let place = '/';
  for (let links = 0; names.length > 0 && links <= mostLinks; ) {
    const name = names.shift() ?? '';
    if (name === '' || name === '.') continue;
    const next = name === '..' ? dirname(place) : `${place === '/' ? '' : place}/${name}`;
    const mount = findMount(next, mounts);
    if (networkTypes.test(mount.type)) return mount;
    // Where there is nothing, who uses the path says so. Not asked without need: an error takes longer than the answer.
    const isLink = quietly(() => lstatSync(next))?.isSymbolicLink() === true;
    const target = isLink ? quietly(() => readlinkSync(next)) : undefined;
    if (target === undefined) place = next;
    else {
      links += 1;
      if (target.startsWith('/')) place = '/';
      names = [...target.split('/'), ...names];
    }
  }
  return undefined;
}

export function describeMount({ point, type, source }: Mount): string {
  return `the file system at ${point} (${type} from ${source})`;
}

/**
 * Throws ExpectedError (75) for the first of these paths on a network file system that does not answer. Where all
 * are on this server, it costs no more than reading a file of /proc.
 */
export async function requireAnswers(paths: readonly string[], signal: AbortSignal): Promise<void> {
  const mounts = readMounts();
  const asked = new Map<string, { mount: Mount; path: string }>();
  for (const path of paths) {
    const mount = findNetworkMount(path, mounts);
    if (mount !== undefined) asked.set(mount.point, { mount, path });
  }
  await Promise.all([...asked.values()].map(({ mount, path }) => requireAnswer(mount, path, signal)));
}

async function requireAnswer(mount: Mount, path: string, signal: AbortSignal): Promise<void> {
  // statfs(2) is answered by the server, where stat(2) may be answered from memory. Its errors are for who uses the path.
  const question = ['sh', '-c', 'echo; exec stat --file-system -- "$1"', 'sh', path];
  // Loaded here and not before: most calls of BBB need no child process.
  const { runChild } = await import('./child-process.ts');
  const { timedOut } = await runChild(question, {
    ...{ directory: '/', signal, graceSeconds: 0.3 },
    ...{ startSeconds: startPatience, silentSeconds: patience },
  });
  if (!timedOut) return;
  throw new ExpectedError(`${describeMount(mount)} does not answer`, {
    code: 'file_system_silent',
    exitStatus: EXIT.temporary,
    fix: `bring ${mount.source} and the network to it back: the mount then heals itself, and 'pilos-post-publish deliver' goes on`,
    scope: 'spool',
    retryable: true,
  });
}
