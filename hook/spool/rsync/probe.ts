/**
 * A tiny file takes the way of an archive, under a name that PILOS ignores, and is removed again: what `check` learns of a
 * spool on another host.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { attemptAsync, ExpectedError } from '../../errors.ts';
import type { RunningChild } from '../../system/child-process.ts';
import { removeArguments, sendWholeArguments } from './arguments.ts';
import { explainFailure, RsyncFailure } from './failure.ts';
import { saysRenamed } from './output.ts';
import { patiently } from './patience.ts';
import { runRsync, startRsync } from './run-rsync.ts';
import { type Shipment, sendShipment } from './shipment.ts';
import { completeName, type Transfer } from './transfer.ts';

export interface RsyncProbe {
  /** What kept the file from arriving. */
  failure?: ExpectedError;
  /** What keeps an archive that has arrived from being renamed there. */
  renaming?: ExpectedError | undefined;
  /** Two transfers at once are refused; undefined: not tried. */
  isLocked?: boolean | undefined;
  /** Its name there, where it could not be removed. */
  left?: string | undefined;
}

/** What the file is called there once it is complete. */
const suffix = '.renamed';
/** How often it is sent while it is not known which directory is missing: what rsync there says of it can get lost with the connection. */
const tries = 5;

export async function probeWith(prepared: Shipment): Promise<RsyncProbe> {
  // What earlier runs have found is found out anew: it may have been corrected.
  const { knownRefusal: _, ...link } = prepared.link;
  const { transfer } = prepared;
  const shipment = { ...prepared, link, transfer: { ...transfer, suffix } };
  const failure = await send(shipment);
  if (failure !== undefined && shipment.isSentInPlace !== true) return { failure };
  const name = failure === undefined ? completeName(shipment.transfer, transfer.baseName) : transfer.baseName;
  return { renaming: failure ?? link.renamingRefusal, ...(await removeBeside(shipment, name)) };
}

async function send(shipment: Shipment): Promise<ExpectedError | undefined> {
  const { link, watcher } = shipment;
  for (let left = tries; ; left -= 1) {
    const sent = await attemptAsync(() => patiently(link.settings, watcher, () => sendShipment(shipment)));
    if (!(sent instanceof ExpectedError)) return undefined;
    if (sent.code !== 'spool_dir_unusable' || left === 1) return sent;
    await sleep(1000, undefined, { signal: watcher.signal });
  }
}

/** Removes the file there while another connection is held: rrsync may let in only one. A daemon has no lock. */
async function removeBeside(
  shipment: Shipment,
  name: string,
): Promise<Pick<RsyncProbe, 'isLocked' | 'left'>> {
  const { link, transfer, watcher, archive, emptyDirectory } = shipment;
  const remove = () => runRsync(shipment, (to) => removeArguments({ ...to, baseName: name }, emptyDirectory));
  // What may not be deleted is sent once more.
  const sendAgain = () => runRsync(shipment, (to) => sendWholeArguments(to, archive));
  const held = transfer.address.kind === 'daemon' ? undefined : await holdConnection(shipment);
  const beside = await attemptAsync(link.renamingRefusal ? sendAgain : remove);
  held?.closeInput();
  await held?.result.catch(() => undefined);
  const isRefused = beside instanceof RsyncFailure && beside.isLocked;
  const isLocked = held === undefined ? undefined : isRefused;
  if (link.renamingRefusal) return { isLocked, left: name };
  const removed = isRefused ? await attemptAsync(() => patiently(link.settings, watcher, remove)) : beside;
  const isRemoved = !(removed instanceof ExpectedError) && saysRenamed(removed.stdout, name);
  return { isLocked, left: isRemoved ? undefined : name };
}

/** Connects, and then waits for a list of files on stdin: nothing is sent, and the connection stays. */
function holdArguments(transfer: Transfer): string[] {
  const reading = ['--verbose', '--dirs', '--no-relative', '--files-from=-'];
  return [...reading, ...sendWholeArguments(transfer, '/')];
}

/** Undefined when the connection does not come about. */
async function holdConnection(shipment: Shipment): Promise<RunningChild | undefined> {
  const { promise: opened, resolve: open } = Promise.withResolvers<boolean>();
  let said = '';
  const onOutput = (text: string) => {
    said += text;
    if (said.includes('file list')) open(true);
  };
  const { running } = await startRsync(shipment, holdArguments, { onOutput, keepsInput: true });
  const fail = () => open(false);
  running.result.then(fail, fail);
  if (await opened) return running;
  running.closeInput();
  return undefined;
}

/** Runs `action` with a signal that is aborted after some seconds, too: the other side then counts as stalled. */
export async function withinSeconds<T>(
  seconds: number,
  facts: Parameters<typeof explainFailure>[1],
  signal: AbortSignal,
  action: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const limit = new AbortController();
  // rsync's own status for a timeout.
  const stalled = () => limit.abort(explainFailure({ exitCode: 30, stderr: '' }, facts));
  const timer = setTimeout(stalled, seconds * 1000);
  try {
    return await action(AbortSignal.any([signal, limit.signal]));
  } finally {
    clearTimeout(timer);
  }
}
