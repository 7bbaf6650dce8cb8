/** The archive is made in `work_dir` before it is sent. */
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { EXIT, ExpectedError } from '../../errors.ts';
import { withErrnoTranslated, withErrnoTranslatedAsync } from '../../system/errno.ts';
import { type FreeSpace, readFreeSpaceAbove } from '../../system/free-space.ts';
import type { Parcel } from '../spool.ts';
import { type RsyncLink, transferOf } from './run-rsync.ts';
import type { Shipment } from './shipment.ts';

/**
 * Bytes up to which an archive is sent whole: a cut transfer starts again from the beginning then, which costs less than
 * the second run of rsync that a renaming takes.
 */
export const mostWhole = 4_000_000;
export const isSmall = (size: number) => size <= mostWhole;

/** Packs it, into a directory of its own. */
export async function prepare(
  link: RsyncLink,
  parcel: Parcel,
  directory: string,
  isSentWhole: boolean,
): Promise<Shipment> {
  const transfer = transferOf(link.settings, parcel.name, parcel.subDir);
  const archive = `${directory}/${isSentWhole ? parcel.name : transfer.baseName}`;
  const emptyDirectory = `${directory}/empty`;
  await withErrnoTranslatedAsync(`cannot write ${archive}`, async () => {
    mkdirSync(directory, { mode: 0o700 });
    if (!isSentWhole) mkdirSync(emptyDirectory);
    checkSpace(link.settings.workDir, parcel.size);
    // It logs in while we pack.
    link.connection?.begin(parcel);
    const file = openSync(archive, 'wx', 0o600);
    try {
      await parcel.write(file, archive);
    } finally {
      closeSync(file);
    }
  });
  return { link, transfer, watcher: parcel, archive, emptyDirectory, isSentWhole };
}

/** Before the first run, and in a dry run, `work_dir` need not exist. */
export function readFree(workDir: string): FreeSpace | undefined {
  return withErrnoTranslated(`cannot read the free space of ${workDir}`, () => readFreeSpaceAbove(workDir));
}

export function checkSpace(workDir: string, size: number): void {
  const free = readFree(workDir);
  if (free === undefined || size <= free.bytes) return;
  throw new ExpectedError(
    `not enough space in work_dir: the archive needs ${size} bytes, of which ${free.bytes} are free`,
    {
      code: 'work_dir_full',
      exitStatus: EXIT.io,
      fix: `free some space in ${workDir}, or set work_dir in pilos.yml to a larger disk`,
    },
  );
}
