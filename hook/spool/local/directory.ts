/** The spool directory on this server: is it there, on the right file system, and still the same after writing? */
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  openSync,
  realpathSync,
  type Stats,
  statSync,
} from 'node:fs';
import { type ErrorScope, EXIT, ExpectedError } from '../../errors.ts';
import { errnoName, translateErrno, withErrnoTranslated } from '../../system/errno.ts';
import { hasSpaceFor, readFreeSpace } from '../../system/free-space.ts';
import { findMount } from '../../system/mounts.ts';
import { readMounts } from '../../system/proc.ts';
import { quote } from '../../terminal/escape.ts';
import { checkFileSystem } from './known-directories.ts';

export interface LocalSpoolSettings {
  directory: string;
  requireMount: boolean | string;
  /** Where the directories of earlier deliveries are remembered; undefined: nowhere. */
  workDir?: string | undefined;
  /** What is written is no archive: its directory is not remembered. */
  isProbe?: boolean;
}

/** The spool directory, held open: a file system that is mounted over it during the run cannot divert us. */
export interface OpenDirectory {
  path: string;
  descriptor: number;
  stats: Stats;
  /** Path of a file in exactly this directory. */
  inside(name: string): string;
}

/** Opens the spool directory or its sub directory for `action`; neither is ever created. */
export function withDirectory<T>(
  settings: LocalSpoolSettings,
  subDir: string,
  action: (directory: OpenDirectory) => T,
): T {
  const path = resolveDirectory(settings, subDir);
  const descriptor = openDirectory(path);
  // It was only read from: a failing close says nothing about the archive in it.
  const close = () => closeQuietly(descriptor);
  let result: T;
  try {
    checkMount(settings, path);
    if (settings.workDir !== undefined)
      checkFileSystem(settings.workDir, destinationIn(settings, subDir), descriptor);
    result = action({
      path,
      descriptor,
      stats: fstatSync(descriptor),
      inside: (name) => `/proc/self/fd/${descriptor}/${name}`,
    });
  } catch (error) {
    close();
    throw error;
  }
  if (result instanceof Promise) return result.finally(close) as T;
  close();
  return result;
}

/** As messages and the ledger name it. */
export function destinationIn({ directory }: LocalSpoolSettings, subDir: string): string {
  return subDir === '' ? directory : `${directory}/${subDir}`;
}

function openDirectory(path: string): number {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (error) {
    if (errnoName(error) !== 'ENOTDIR')
      throw translateErrno(error, `cannot open the spool directory ${path}`, 'destination');
    throw new ExpectedError(`the spool directory ${path} is not a directory`, {
      code: 'spool_not_a_directory',
      exitStatus: EXIT.spool,
      fix: 'correct spool_dir in pilos.yml, or put a directory in its place',
      scope: 'destination',
      cause: error,
    });
  }
}

function resolveDirectory(settings: LocalSpoolSettings, subDir: string): string {
  const unmounted = 'mount it, or correct spool_dir in pilos.yml; it is never created here';
  const spool = resolveExisting(settings.directory, unmounted, 'spool');
  if (subDir === '') return spool;
  const wanted = `${settings.directory}/${subDir}`;
  const fix = `create it as PILOS documents for RECORDING_SPOOL_SUB_DIRECTORY, or correct that setting; it is never created here`;
  const resolved = resolveExisting(wanted, fix, 'destination');
  const root = spool === '/' ? '/' : `${spool}/`;
  if (resolved.startsWith(root)) return resolved;
  throw new ExpectedError(
    `the sub directory ${quote(subDir)} leads out of the spool directory, to ${quote(resolved)}`,
    {
      code: 'sub_dir_outside_spool',
      exitStatus: EXIT.spool,
      fix: `replace the symbolic link ${wanted} by a directory`,
    },
  );
}

const unresolved: Record<string, string> = {
  ENOENT: 'does not exist',
  ENOTDIR: 'does not exist',
  ELOOP: 'is a symbolic link that leads to itself',
};

function resolveExisting(path: string, fix: string, scope: ErrorScope): string {
  try {
    return realpathSync.native(path);
  } catch (error) {
    const problem = unresolved[errnoName(error) ?? ''];
    if (problem === undefined) throw translateErrno(error, `cannot use the spool directory ${path}`, scope);
    throw new ExpectedError(`the spool directory ${path} ${problem}`, {
      code: scope === 'spool' ? 'spool_dir_missing' : 'sub_dir_missing',
      exitStatus: EXIT.spool,
      fix,
      scope,
      cause: error,
    });
  }
}

/** With `require_mount`, an unmounted spool's empty mount point must not take recordings onto the root disk. */
function checkMount({ requireMount }: LocalSpoolSettings, path: string): void {
  if (requireMount === false) return;
  const holding = findMount(path, readMounts()).point;
  if (requireMount === true ? holding !== '/' : holding === requireMount) return;
  const wanted = requireMount === true ? 'on a mounted file system' : `on the one mounted at ${requireMount}`;
  throw new ExpectedError(`the spool directory ${path} is not ${wanted}, but on ${holding}`, {
    code: 'spool_not_mounted',
    exitStatus: EXIT.spool,
    scope: 'spool',
    fix: 'mount it (mount -a), or set require_mount: false in pilos.yml',
  });
}

/** Throws an ExpectedError (73) unless an archive of `size` bytes fits. */
export function checkSpace(directory: OpenDirectory, size: number): void {
  const free = withErrnoTranslated(`cannot read the free space of ${directory.path}`, () =>
    readFreeSpace(directory.inside('.')),
  );
  if (free === undefined || hasSpaceFor(size, free)) return;
  const what =
    size > free.bytes ? `${size} bytes, of which ${free.bytes} are free` : 'a file, and no inode is free';
  throw new ExpectedError(`not enough space in ${directory.path}: the archive needs ${what}`, {
    code: 'spool_full',
    exitStatus: EXIT.spool,
    fix: 'free some space there; PILOS may have stopped importing (look at Horizon and at failed/)',
  });
}

export function syncDirectory(directory: OpenDirectory): void {
  try {
    fsyncSync(directory.descriptor);
  } catch (error) {
    // Some file systems (CIFS, FUSE) cannot do this for a directory, and say so.
    if (['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(errnoName(error) ?? '')) return;
    throw translateErrno(error, `cannot make the new name in ${directory.path} durable`);
  }
}

/** Another file system mounted there, or the directory replaced, means that PILOS would not see the archive. */
export function checkStillThere(directory: OpenDirectory): void {
  forgetNames(directory.path);
  const now = statSync(directory.path, { throwIfNoEntry: false });
  if (now?.dev === directory.stats.dev && now.ino === directory.stats.ino) return;
  throw new ExpectedError(
    `the spool directory ${directory.path} was replaced or unmounted during the delivery`,
    {
      code: 'spool_replaced',
      exitStatus: EXIT.temporary,
      fix: 'check its mount and run it again',
    },
  );
}

/**
 * For a minute NFS answers from memory which directory a name stands for. Opening a directory asks the server whether it
 * has changed ("close-to-open" in nfs(5)), and names in a changed one are looked up anew: so from the top down.
 */
function forgetNames(path: string): void {
  const names = path.split('/').slice(1);
  for (const [depth] of names.entries()) {
    try {
      closeSync(openSync(`/${names.slice(0, depth).join('/')}`, constants.O_RDONLY | constants.O_DIRECTORY));
    } catch {
      // It may be entered but not read; or it is gone, which is noticed below it.
    }
  }
}

export function closeQuietly(file: number): void {
  try {
    closeSync(file);
  } catch {
    // the first error is the one to report
  }
}
