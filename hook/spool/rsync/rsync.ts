/** A spool on another host: the archive is made in `work_dir`, sent with rsync, and renamed there when complete. */
import { closeSync, mkdirSync, openSync, renameSync, rmSync, statfsSync } from 'node:fs';
import { basename } from 'node:path';
import { EXIT, ExpectedError } from '../../errors.ts';
import { translateErrno, withErrnoTranslated, withErrnoTranslatedAsync } from '../../system/errno.ts';
import { shellQuote } from '../../system/shell-quote.ts';
import { temporaryPath } from '../../system/work-dir.ts';
import type { Parcel, Spool, SpoolWatcher } from '../spool.ts';
import {
  listArguments,
  parseListedArchives,
  remoteDirectory,
  renameArguments,
  saysRenamed,
  saysSent,
  sendArguments,
  sendWholeArguments,
  type Transfer,
} from './arguments.ts';
import { RsyncFailure } from './failure.ts';
import { patiently } from './patience.ts';
import { readArchivesOverRsync } from './read-archives.ts';
import { type RsyncSpoolSettings, runRsync, transferOf } from './run-rsync.ts';

export function rsyncSpool(settings: RsyncSpoolSettings): Spool {
  const { address } = settings;
  return {
    destination: (subDir) => remoteDirectory({ address, subDir }),
    deliver: (parcel) => deliverOverRsync(settings, parcel),
    readWaiting: (subDir, watcher) => readWaiting(settings, subDir, watcher),
    readArchives: (...question) => readArchivesOverRsync(settings, ...question),
    describeDelivery: ({ name, size, subDir }) => {
      checkSpace(settings.workDir, size);
      const transfer = transferOf(settings, name, subDir);
      const work = `${settings.workDir}/tmp/RUN`;
      return [
        `write the archive to ${work}/${transfer.baseName}`,
        `run: ${shellQuote(['rsync', ...sendArguments(transfer, `${work}/${transfer.baseName}`)])}`,
        `run: ${shellQuote(['rsync', ...renameArguments(transfer, `${work}/empty`)])}`,
        `remove ${work}`,
      ];
    },
  };
}

async function deliverOverRsync(settings: RsyncSpoolSettings, parcel: Parcel): Promise<void> {
  const directory = temporaryPath(settings.workDir);
  try {
    const shipment = await prepare(settings, parcel, directory);
    await patiently(settings, parcel, () => sendAndRename(shipment));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The archive and what else rsync needs, in a directory of this run. */
interface Shipment {
  transfer: Transfer;
  parcel: Parcel;
  archive: string;
  emptyDirectory: string;
  /** Set once the server has refused to rename. */
  isSentWhole: boolean;
}

async function prepare(settings: RsyncSpoolSettings, parcel: Parcel, directory: string): Promise<Shipment> {
  const transfer = transferOf(settings, parcel.name, parcel.subDir);
  const archive = `${directory}/${transfer.baseName}`;
  const emptyDirectory = `${directory}/empty`;
  await withErrnoTranslatedAsync(`cannot write ${archive}`, async () => {
    mkdirSync(directory, { mode: 0o700 });
    mkdirSync(emptyDirectory);
    checkSpace(settings.workDir, parcel.size);
    const file = openSync(archive, 'wx', 0o600);
    try {
      await parcel.write(file, archive);
    } finally {
      closeSync(file);
    }
  });
  return { transfer, parcel, archive, emptyDirectory, isSentWhole: false };
}

function checkSpace(workDir: string, size: number): void {
  const { bavail, bsize } = existingSpace(workDir);
  if (size <= bavail * bsize) return;
  throw new ExpectedError(
    `not enough space in work_dir: the archive needs ${size} bytes, of which ${bavail * bsize} are free`,
    {
      exitStatus: EXIT.io,
      fix: `free some space in ${workDir}, or set work_dir in pilos.yml to a larger disk`,
    },
  );
}

/** Before the first run, and in a dry run, `work_dir` need not exist: its nearest directory that does counts. */
function existingSpace(directory: string): { bavail: number; bsize: number } {
  try {
    return statfsSync(directory);
  } catch (error) {
    const parent = directory.slice(0, directory.lastIndexOf('/')) || '/';
    if (directory === '/') throw translateErrno(error, `cannot look at ${directory}`);
    return existingSpace(parent);
  }
}

async function readWaiting(
  settings: RsyncSpoolSettings,
  subDir: string,
  watcher: SpoolWatcher,
): Promise<string[] | undefined> {
  const transfer = transferOf(settings, '', subDir);
  try {
    const list = () => runRsync({ transfer, parcel: watcher }, listArguments(transfer));
    return parseListedArchives((await patiently(settings, watcher, list)).stdout);
  } catch (error) {
    const isRefused =
      error instanceof RsyncFailure &&
      (['rrsync_refused', 'option_refused'].includes(error.code) || /write[- ]only/.test(error.message));
    if (!isRefused) throw error;
    watcher.debug(error.message);
    return undefined;
  }
}

async function sendAndRename(shipment: Shipment): Promise<void> {
  if (shipment.isSentWhole) return await sendWhole(shipment);
  const { transfer, parcel, archive, emptyDirectory } = shipment;
  try {
    checkSent(shipment, (await runRsync(shipment, sendArguments(transfer, archive))).stdout);
  } catch (error) {
    if (!(error instanceof RsyncFailure && error.isDeletionRefused)) throw error;
    parcel.warn(`${error.message}: a cut transfer cannot be resumed there; ${error.fix}`);
    return await sendWhole(shipment);
  }
  const { stdout } = await runRsync(shipment, renameArguments(transfer, emptyDirectory));
  if (saysRenamed(stdout, transfer.baseName)) return;
  throw new ExpectedError(
    `${transfer.baseName} was sent to ${remoteDirectory(transfer)}, but is not there any more`,
    {
      exitStatus: EXIT.temporary,
      retryable: true,
      fix: 'check whether something else removes files there, and extra_rsync_opts in pilos.yml',
    },
  );
}

/** An option such as `--update` may have kept the file from being sent: what lies there is then not this archive. */
function checkSent({ transfer, archive }: Shipment, output: string): void {
  if (saysSent(output, basename(archive))) return;
  throw new ExpectedError(
    `rsync has not sent ${basename(archive)} to ${remoteDirectory(transfer)}, and does not say why`,
    {
      exitStatus: EXIT.config,
      fix: 'check extra_rsync_opts in pilos.yml',
      scope: 'spool',
    },
  );
}

async function sendWhole(shipment: Shipment): Promise<void> {
  if (!shipment.isSentWhole) {
    const named = `${shipment.archive}.tar`;
    withErrnoTranslated(`cannot rename ${shipment.archive}`, () => renameSync(shipment.archive, named));
    Object.assign(shipment, { archive: named, isSentWhole: true });
  }
  const { stdout } = await runRsync(shipment, sendWholeArguments(shipment.transfer, shipment.archive));
  checkSent(shipment, stdout);
}
