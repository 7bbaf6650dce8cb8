/** A spool that is a directory on this server: temporary name, fsync, rename, fsync of the directory. */
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  type Stats,
  statfsSync,
  statSync,
  unlinkSync,
} from 'node:fs';
import {
  type ErrorScope,
  EXIT,
  ExpectedError,
  errnoName,
  quote,
  translateErrno,
  withErrnoTranslated,
} from '../errors.ts';
import { createRunToken, isAbandoned } from '../run-token.ts';
import type { Parcel, Spool } from './index.ts';
import { writeBehind } from './write-behind.ts';

/** PILOS reads and deletes archives as a member of the group `pilos-spool`. */
const archiveMode = 0o664;

export interface LocalSpoolSettings {
  directory: string;
  requireMount: boolean | string;
}

export function localSpool(settings: LocalSpoolSettings): Spool {
  const destination = (subDir: string) =>
    subDir === '' ? settings.directory : `${settings.directory}/${subDir}`;
  return {
    destination,
    deliver: (parcel) => deliverLocally(settings, parcel),
    readWaiting: async (subDir) =>
      withDirectory(settings, subDir, ({ path, inside }) =>
        withErrnoTranslated(`cannot read the spool directory ${path}`, () =>
          readdirSync(inside('.')).filter((name) => name.endsWith('.tar')),
        ),
      ),
    describeDelivery: ({ name, subDir }) => {
      withDirectory(settings, subDir, () => undefined);
      return [
        `write ${destination(subDir)}/.${name}.RUN, mode 0664, then fsync`,
        `rename it to ${destination(subDir)}/${name}, then fsync the directory`,
      ];
    },
  };
}

/** What keeps a file out of a directory, wherever that is. */
const unusable = ['ENOSPC', 'EDQUOT', 'EFBIG', 'EROFS', 'EISDIR', 'ENOTEMPTY'];

/** Elsewhere, as in `work_dir`, such an error is an input/output error; here it is the spool that is not usable. */
function blameSpool(error: unknown): unknown {
  if (!(error instanceof ExpectedError) || !unusable.includes(errnoName(error.cause) ?? '')) return error;
  return new ExpectedError(error.message, { ...error, exitStatus: EXIT.spool, cause: error.cause });
}

async function deliverLocally(settings: LocalSpoolSettings, parcel: Parcel): Promise<void> {
  try {
    await writeAndRename(settings, parcel);
  } catch (error) {
    throw blameSpool(error);
  }
}

async function writeAndRename(settings: LocalSpoolSettings, parcel: Parcel): Promise<void> {
  await withDirectory(settings, parcel.subDir, async (directory) => {
    removeAbandoned(directory, parcel.warn);
    checkSpace(directory, parcel.size);
    const temporary = `.${parcel.name}.${createRunToken()}`;
    const path = `${directory.path}/${temporary}`;
    const file = withErrnoTranslated(
      `cannot write ${path}`,
      () => create(directory.inside(temporary)),
      'destination',
    );
    let isRenamed = false;
    try {
      await writeSafely(file, path, directory, parcel);
      checkStillThere(directory);
      withErrnoTranslated(`cannot rename ${temporary} to ${directory.path}/${parcel.name}`, () =>
        renameSync(directory.inside(temporary), directory.inside(parcel.name)),
      );
      isRenamed = true;
      syncDirectory(directory);
      checkStillThere(directory);
    } finally {
      if (!isRenamed) remove(directory.inside(temporary));
    }
  });
}

/** The spool directory, held open: a file system that is mounted over it during the run cannot divert us. */
interface OpenDirectory {
  path: string;
  descriptor: number;
  stats: Stats;
  /** Path of a file in exactly this directory. */
  inside(name: string): string;
}

/** Opens the spool directory or its sub directory for `action`; neither is ever created. */
function withDirectory<T>(
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

function openDirectory(path: string): number {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (error) {
    if (errnoName(error) !== 'ENOTDIR')
      throw translateErrno(error, `cannot open the spool directory ${path}`, 'destination');
    throw new ExpectedError(`the spool directory ${path} is not a directory`, {
      exitStatus: EXIT.spool,
      remedy: 'correct spool_dir in pilos.yml, or put a directory in its place',
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
  const remedy = `create it as PILOS documents for RECORDING_SPOOL_SUB_DIRECTORY, or correct that setting; it is never created here`;
  const resolved = resolveExisting(wanted, remedy, 'destination');
  const root = spool === '/' ? '/' : `${spool}/`;
  if (resolved.startsWith(root)) return resolved;
  throw new ExpectedError(
    `the sub directory ${quote(subDir)} leads out of the spool directory, to ${quote(resolved)}`,
    {
      exitStatus: EXIT.spool,
      remedy: `replace the symbolic link ${wanted} by a directory`,
    },
  );
}

const unresolved: Record<string, string> = {
  ENOENT: 'does not exist',
  ENOTDIR: 'does not exist',
  ELOOP: 'is a symbolic link that leads to itself',
};

function resolveExisting(path: string, remedy: string, scope: ErrorScope): string {
  try {
    return realpathSync.native(path);
  } catch (error) {
    const problem = unresolved[errnoName(error) ?? ''];
    if (problem === undefined) throw translateErrno(error, `cannot use the spool directory ${path}`, scope);
    throw new ExpectedError(`the spool directory ${path} ${problem}`, {
      exitStatus: EXIT.spool,
      remedy,
      scope,
      cause: error,
    });
  }
}

/** With `require_mount`, an unmounted spool's empty mount point must not take recordings onto the root disk. */
function checkMount({ requireMount }: LocalSpoolSettings, path: string): void {
  if (requireMount === false) return;
  const holding = mountPointOf(path, readFileSync('/proc/self/mountinfo', 'utf8'));
  if (requireMount === true ? holding !== '/' : holding === requireMount) return;
  const wanted = requireMount === true ? 'on a mounted file system' : `on the one mounted at ${requireMount}`;
  throw new ExpectedError(`the spool directory ${path} is not ${wanted}, but on ${holding}`, {
    exitStatus: EXIT.spool,
    scope: 'spool',
    remedy: 'mount it (mount -a), or set require_mount: false in pilos.yml',
  });
}

/** The mount point that holds `path`, from the text of `/proc/self/mountinfo` (proc_pid_mountinfo(5)). */
export function mountPointOf(path: string, mountinfo: string): string {
  let longest = '/';
  for (const line of mountinfo.split('\n')) {
    const written = line.split(' ')[4];
    if (written === undefined) continue;
    const point = written.replace(/\\([0-7]{3})/g, (_, code) =>
      String.fromCharCode(Number.parseInt(code, 8)),
    );
    if ((path === point || path.startsWith(`${point}/`)) && point.length >= longest.length) longest = point;
  }
  return longest;
}

function checkSpace(directory: OpenDirectory, size: number): void {
  const { bavail, bsize, files, ffree } = withErrnoTranslated(`cannot look at ${directory.path}`, () =>
    statfsSync(directory.inside('.')),
  );
  const free = bavail * bsize;
  // Some network file systems tell nothing about their space.
  if (bsize === 0 || (bavail === 0 && files === 0)) return;
  if (size <= free && (files === 0 || ffree > 0)) return;
  const what = size > free ? `${size} bytes, of which ${free} are free` : 'a file, and no inode is free';
  throw new ExpectedError(`not enough space in ${directory.path}: the archive needs ${what}`, {
    exitStatus: EXIT.spool,
    remedy: 'free some space there; PILOS may have stopped importing (look at Horizon and at failed/)',
  });
}

function create(path: string): number {
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
  return openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, archiveMode);
}

/** Writes the archive, gives it mode and group, and returns only when it is on the disk. Closes `file`. */
async function writeSafely(
  file: number,
  path: string,
  directory: OpenDirectory,
  parcel: Parcel,
): Promise<void> {
  let isOpen = true;
  try {
    setAccess(file, directory, parcel.warn);
    await writeBehind(file, () => parcel.write(file, path));
    fsyncSync(file);
    const { size } = fstatSync(file);
    if (size !== parcel.size) {
      throw new ExpectedError(`cannot write ${path}: it has ${size} bytes instead of ${parcel.size}`, {
        exitStatus: EXIT.io,
        remedy: 'look at the disk or the storage server',
      });
    }
    isOpen = false;
    closeSync(file);
  } catch (error) {
    if (isOpen) closeQuietly(file);
    throw translateErrno(error, `cannot write ${path}`);
  }
}

/** A umask of 077 must not hide the archive from PILOS, nor a spool directory without setgid. */
function setAccess(file: number, directory: OpenDirectory, warn: (message: string) => void): void {
  try {
    if (fstatSync(file).gid !== directory.stats.gid) fchownSync(file, -1, directory.stats.gid);
  } catch (error) {
    if (errnoName(error) !== 'EPERM') throw error;
    warn(
      `the archive's group is not that of ${directory.path} (gid ${directory.stats.gid}): ` +
        `run 'usermod -a -G GROUP bigbluebutton' and restart bbb-rap-resque-worker, or 'chmod g+s ${directory.path}'`,
    );
  }
  // After chown, which may clear bits of the mode.
  fchmodSync(file, archiveMode);
}

function closeQuietly(file: number): void {
  try {
    closeSync(file);
  } catch {
    // the first error is the one to tell
  }
}

function syncDirectory(directory: OpenDirectory): void {
  try {
    fsyncSync(directory.descriptor);
  } catch (error) {
    // Some file systems (CIFS, FUSE) cannot do this for a directory, and say so.
    if (['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(errnoName(error) ?? '')) return;
    throw translateErrno(error, `cannot make the new name in ${directory.path} durable`);
  }
}

/** Another file system mounted there, or the directory replaced, means that PILOS would not see the archive. */
function checkStillThere(directory: OpenDirectory): void {
  const now = statSync(directory.path, { throwIfNoEntry: false });
  if (now?.dev === directory.stats.dev && now.ino === directory.stats.ino) return;
  throw new ExpectedError(
    `the spool directory ${directory.path} was replaced or unmounted during the delivery`,
    {
      exitStatus: EXIT.temporary,
      remedy: 'check its mount and run it again',
    },
  );
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // gone, or not reachable any more: the next run tries again
  }
}

/** Removes temporary files of killed runs; those of living runs, here or on another server, stay. */
function removeAbandoned(directory: OpenDirectory, warn: (message: string) => void): void {
  const names = withErrnoTranslated(`cannot read the spool directory ${directory.path}`, () =>
    readdirSync(directory.inside('.')),
  );
  for (const name of names) {
    const [, token] = /^\.[^.].*\.tar\.(.+)$/.exec(name) ?? [];
    if (token === undefined) continue;
    const stats = statSync(directory.inside(name), { throwIfNoEntry: false });
    if (stats === undefined || !isAbandoned(token, Date.now() - stats.mtimeMs)) continue;
    remove(directory.inside(name));
    warn(`removed ${directory.path}/${name}, which a killed run left behind`);
  }
}
