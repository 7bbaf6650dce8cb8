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
  renameSync,
} from 'node:fs';
import { attempt, EXIT, ExpectedError } from '../../errors.ts';
import { errnoName, translateErrno, withErrnoTranslated } from '../../system/errno.ts';
import { requireAnswers } from '../../system/network-mount.ts';
import type { Parcel, Spool } from '../spool.ts';
import { watchDelays } from './delay-watch.ts';
import {
  checkSpace,
  checkStillThere,
  closeQuietly,
  destinationIn,
  type LocalSpoolSettings,
  type OpenDirectory,
  syncDirectory,
  withDirectory,
} from './directory.ts';
import { readExchange, rememberDirectory } from './known-directories.ts';
import { explainNfsRefusal } from './nfs-refusal.ts';
import { readArchivesIn } from './read-archives.ts';
import { syncNameOnShare } from './sync-name.ts';
import { remove, removeAbandoned, temporaryName } from './temporary-files.ts';
import { writeBehind } from './write-behind.ts';

/** PILOS reads and deletes archives as a member of the group `pilos-spool`. */
const archiveMode = 0o664;

export function localSpool(settings: LocalSpoolSettings): Spool {
  const destination = (subDir: string) => destinationIn(settings, subDir);
  return {
    destination,
    location: () => settings.directory,
    // A disk is fastest with one.
    lanes: () => 1,
    // The next delivery to a directory removes them.
    removeCut: async () => undefined,
    deliver: (parcel) => deliverLocally(settings, parcel),
    readWaiting: async (subDir, { signal }) => {
      await requireAnswers([destination(subDir)], signal);
      return withDirectory(settings, subDir, ({ path, inside }) =>
        withErrnoTranslated(`cannot read the spool directory ${path}`, () =>
          readdirSync(inside('.')).filter((name) => name.endsWith('.tar')),
        ),
      );
    },
    readArchives: async (subDir, names, { signal }, earlier) => {
      await requireAnswers([destination(subDir)], signal);
      return withDirectory(settings, subDir, (directory) => {
        const { workDir } = settings;
        const seen = readArchivesIn(directory, names, earlier);
        const since = workDir && readExchange(workDir, destination(subDir), directory.descriptor);
        return since ? { ...seen, since } : seen;
      });
    },
    describeDelivery: async ({ name, subDir, signal }) => {
      await requireAnswers([destination(subDir)], signal);
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
  const { name: archive, signal, logFile } = parcel;
  const directory = destinationIn(settings, parcel.subDir);
  await requireAnswers([directory], signal);
  const delays = watchDelays({ archive, directory, logFile, signal });
  try {
    const write: Parcel['write'] = (target, path) => parcel.write(target, path, delays.progress);
    await writeAndRename(settings, { ...parcel, write });
  } catch (error) {
    throw explainNfsRefusal(blameSpool(error), settings.directory);
  } finally {
    delays.stop();
  }
}

async function writeAndRename(settings: LocalSpoolSettings, parcel: Parcel): Promise<void> {
  await withDirectory(settings, parcel.subDir, async (directory) => {
    removeAbandoned(directory, parcel.warn);
    checkSpace(directory, parcel.size);
    const temporary = temporaryName(parcel.name);
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
      syncNameOnShare(directory, parcel.name);
      checkStillThere(directory);
      remember(settings, parcel, directory.descriptor);
    } finally {
      if (!isRenamed) remove(directory.inside(temporary));
    }
  });
}

/** The archive is delivered, whatever becomes of this. */
function remember(
  { isProbe, workDir, ...settings }: LocalSpoolSettings,
  { subDir, warn }: Parcel,
  descriptor: number,
): void {
  if (workDir === undefined || isProbe) return;
  const result = attempt(() =>
    withErrnoTranslated(`cannot write to ${workDir}`, () =>
      rememberDirectory(workDir, destinationIn(settings, subDir), descriptor),
    ),
  );
  if (result instanceof ExpectedError)
    warn(`the directory of the spool is not remembered: ${result.message}`);
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
        code: 'written_short',
        exitStatus: EXIT.io,
        fix: 'look at the disk or the storage server',
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
        "run 'pilos-post-publish check'",
    );
  }
  // After chown, which may clear bits of the mode.
  fchmodSync(file, archiveMode);
}
