/** How an archive gets to the other host: in place under a name that PILOS ignores, then renamed; or whole, in one run. */
import { renameSync } from 'node:fs';
import { basename } from 'node:path';
import { EXIT, ExpectedError } from '../../errors.ts';
import { withErrnoTranslated } from '../../system/errno.ts';
import { removeArguments, renameArguments, sendArguments, sendWholeArguments } from './arguments.ts';
import { RsyncFailure } from './failure.ts';
import { saysRenamed, saysSent } from './output.ts';
import { type RsyncRun, runRsync } from './run-rsync.ts';
import { completeName, remoteDirectory } from './transfer.ts';

/** The archive and what else rsync needs, in a directory of this run. */
export interface Shipment extends RsyncRun {
  watcher: RsyncRun['watcher'] & { size: number };
  archive: string;
  emptyDirectory: string;
  /** Its name says so, too: small, or the server has refused to rename. */
  isSentWhole: boolean;
  /** Set once it lies there under the name that PILOS ignores. */
  isSentInPlace?: boolean;
}

export async function sendShipment(shipment: Shipment): Promise<void> {
  const { link, watcher } = shipment;
  if (shipment.isSentWhole || isRenamingRefused(shipment)) return await sendWhole(shipment);
  try {
    if (await sendAndRename(shipment)) return;
    // `rrsync -no-overwrite` passes over what a cut transfer has left there.
    await removeSent(shipment);
  } catch (error) {
    if (!(error instanceof RsyncFailure && error.isDeletionRefused)) throw error;
    const warning = `${error.message}: a cut transfer cannot be resumed there; ${error.fix}`;
    link.renamingRefusal = error;
    watcher.warn(warning);
    link.knownRefusal?.remember(warning, watcher);
    // Refused only now, it has been sent already.
    if (shipment.isSentInPlace === true) await removeSent(shipment);
  }
  await sendWhole(shipment);
}

function isRenamingRefused({ link, watcher }: Shipment): boolean {
  return link.renamingRefusal !== undefined || link.knownRefusal?.isKnown(watcher) === true;
}

/** False when the server has passed over the archive. */
async function sendAndRename(shipment: Shipment): Promise<boolean> {
  const { transfer, archive, emptyDirectory } = shipment;
  const sent = await runRsync(shipment, (to) => sendArguments(to, archive));
  if (!saysSent(sent.stdout, basename(archive))) return false;
  shipment.isSentInPlace = true;
  const renamed = await runRsync(shipment, (to) => renameArguments(to, emptyDirectory));
  if (saysRenamed(renamed.stdout, transfer.baseName)) return true;
  throw new ExpectedError(
    `${transfer.baseName} was sent to ${remoteDirectory(transfer)}, but is not there any more`,
    {
      code: 'archive_vanished',
      exitStatus: EXIT.temporary,
      retryable: true,
      fix: 'check whether something else removes files there, and extra_rsync_opts in pilos.yml',
    },
  );
}

/**
 * Sends several of a kind to the same directory in one run, and renames those in another that are not sent whole. Returns
 * those that have not got there, as far as rsync says.
 */
export async function sendTogether(shipments: readonly Shipment[]): Promise<Shipment[]> {
  const [first] = shipments;
  if (first === undefined) return [];
  const run = { ...first, watcher: watcherOf(shipments) };
  if (first.isSentWhole) return await sendAllWhole(run, shipments);
  if (isRenamingRefused(first)) return [...shipments];
  try {
    return await sendAndRenameTogether(run, shipments);
  } catch (error) {
    if (!(error instanceof RsyncFailure && error.isDeletionRefused)) throw error;
    // Alone it says what that costs, and removes what has been sent.
    return [...shipments];
  }
}

async function sendAllWhole(run: Shipment, shipments: readonly Shipment[]): Promise<Shipment[]> {
  const { stdout } = await runRsync(run, (to) =>
    sendWholeArguments(to, ...shipments.map(({ archive }) => archive)),
  );
  return shipments.filter(({ archive }) => !saysSent(stdout, basename(archive)));
}

async function sendAndRenameTogether(run: Shipment, shipments: readonly Shipment[]): Promise<Shipment[]> {
  const archives = shipments.map(({ archive }) => archive);
  const names = archives.map((archive) => basename(archive));
  const sent = await runRsync(run, (to) => sendArguments(to, ...archives));
  for (const shipment of shipments)
    if (saysSent(sent.stdout, basename(shipment.archive))) shipment.isSentInPlace = true;
  const renamed = await runRsync(run, (to) => renameArguments(to, run.emptyDirectory, names));
  return shipments.filter(
    ({ archive, isSentInPlace }) => isSentInPlace !== true || !saysRenamed(renamed.stdout, basename(archive)),
  );
}

/** The watchers of several, in one: each hears of its own bytes. */
export function watcherOf(shipments: readonly Shipment[]): Shipment['watcher'] {
  const [first] = shipments;
  if (first === undefined) throw new Error('nothing to send');
  const onTransferred = (bytes: number) => {
    let before = 0;
    for (const { watcher } of shipments) {
      watcher.onTransferred?.(Math.min(Math.max(bytes - before, 0), watcher.size));
      before += watcher.size;
    }
  };
  return { ...first.watcher, onTransferred: first.watcher.onTransferred && onTransferred };
}

async function removeSent(shipment: Shipment): Promise<void> {
  await runRsync(shipment, (to) => removeArguments(to, shipment.emptyDirectory));
}

async function sendWhole(shipment: Shipment): Promise<void> {
  if (!shipment.isSentWhole) {
    const named = completeName(shipment.transfer, shipment.archive);
    withErrnoTranslated(`cannot rename ${shipment.archive}`, () => renameSync(shipment.archive, named));
    Object.assign(shipment, { archive: named, isSentWhole: true });
  }
  const left = await sendAllWhole(shipment, [shipment]);
  if (left.length === 0) return;
  const name = basename(shipment.archive);
  // What lies there then is not this archive.
  throw new ExpectedError(
    `rsync has not sent ${name} to ${remoteDirectory(shipment.transfer)}, and does not say why`,
    {
      code: 'archive_passed_over',
      exitStatus: EXIT.config,
      fix: 'check extra_rsync_opts in pilos.yml; with -no-overwrite in authorized_keys there, remove that: an archive that PILOS has not imported yet cannot be replaced',
      scope: 'recording',
    },
  );
}
