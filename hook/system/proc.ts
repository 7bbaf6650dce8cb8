/** `/proc`, through which open directories are entered, and by which runs that are still alive are distinguished from dead ones. */
import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import { EXIT, ExpectedError } from '../errors.ts';
import { type MountEntry, parseMounts } from './mounts.ts';
import { quietly, readText } from './paths.ts';

/** Throws an ExpectedError (69) where `/proc` is not mounted, as in a chroot made by hand. */
export function requireProc(): void {
  if (existsSync('/proc/self/fd')) return;
  throw new ExpectedError('/proc is not mounted, and nothing is delivered without it', {
    code: 'proc_not_mounted',
    exitStatus: EXIT.unavailable,
    fix: 'mount -t proc proc /proc',
    scope: 'spool',
  });
}

/** What is mounted for this process; nothing without /proc, see {@link requireProc}. */
export function readMounts(): MountEntry[] {
  return parseMounts(readText('/proc/self/mountinfo'));
}

interface Process {
  pid: number;
  /** Its command line. */
  words: string[];
  /** One of its files in `/proc`; '' when it cannot be read. */
  read(file: string): string;
}

/** All processes with a command line that we may see. */
export function readProcesses(): Process[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.flatMap((pid) => {
    const read = (file: string) => readText(`/proc/${pid}/${file}`);
    const words = read('cmdline').split('\0');
    return words.join('') === '' ? [] : [{ pid: Number(pid), words, read }];
  });
}

/** Whether a process is in this mount namespace, not in another container. True as well where that cannot be seen. */
export function sharesMounts(pid: number): boolean {
  const mounts = quietly(() => readlinkSync(`/proc/${pid}/ns/mnt`));
  return mounts === undefined || mounts === readlinkSync('/proc/self/ns/mnt');
}
