/** What became of archives that were delivered: still in the spool, in `failed/`, or taken by PILOS. */
import { ExpectedError } from '../errors.ts';
import type { ArchivesSeen, EarlierRefusals } from '../spool/spool.ts';
import { describeError, errorDocument } from '../terminal/escape.ts';
import type { DeliveryContext } from './context.ts';
import type { Ledger } from './ledger.ts';
import {
  type Delivery,
  type ImportState,
  importStateOf,
  type LedgerEntry,
  type LedgerKey,
} from './ledger-entry.ts';
import { findLeftBehind, isFromBefore } from './left-behind.ts';
import { refusedByPilos } from './not-imported.ts';
import { notify } from './notify.ts';
import { tolerate } from './result.ts';

/** An archive whose fate may have changed. */
export interface Unconfirmed {
  key: LedgerKey;
  subDir: string;
  name: string;
}

/** The archive of an entry, when its fate may still change; undefined when it was delivered somewhere else. */
export function unconfirmed(
  { spool }: Pick<DeliveryContext, 'spool'>,
  entry: LedgerEntry | undefined,
  subDir: string | undefined = entry?.delivered?.sub_dir,
): Unconfirmed | undefined {
  const delivered = entry?.delivered;
  if (entry === undefined || delivered === undefined || subDir === undefined) return undefined;
  const state = importStateOf(delivered);
  if (state === 'imported' || delivered.destination !== spool.destination(subDir)) return undefined;
  const { meeting_id: meetingId, record_id: recordId, format } = entry;
  return { key: { meetingId, recordId, format }, subDir, name: delivered.name };
}

/** Asks the spool for all of them, once for each sub directory, and records what was found. */
export async function confirmImports(
  context: DeliveryContext,
  archives: readonly Unconfirmed[],
): Promise<void> {
  const { run, spool, dead } = context;
  const bySubDir = Map.groupBy(archives, ({ subDir }) => subDir);
  for (const [subDir, group] of bySubDir) {
    if (dead.has(spool.location(subDir))) continue;
    await tolerate(
      run,
      `whether PILOS has imported what lies in ${spool.destination(subDir)} is unknown`,
      async () => {
        const seen = await noticeDead(context, subDir, () => readArchives(context, subDir, group));
        await record(context, group, seen);
        reportLeftBehind(context, spool.destination(subDir), group, seen);
      },
    );
  }
}

/** Asks the spool where these archives lie, all of which were delivered to `subDir`. */
export function readArchives(
  { run, spool, ledger }: Pick<DeliveryContext, 'run' | 'spool' | 'ledger'>,
  subDir: string,
  group: readonly Unconfirmed[],
): Promise<ArchivesSeen> {
  const watcher = { signal: run.signal, warn: run.log.warn, debug: run.log.debug };
  const names = group.map(({ name }) => name);
  return spool.readArchives(subDir, names, watcher, earlierRefusals(ledger, group));
}

const day = 24 * 3600 * 1000;

/**
 * Archives of the same names that were refused before these were delivered: those that the ledger knows of, and any
 * from long ago. A day, since not every file system keeps the time that it is given, and clocks differ.
 */
function earlierRefusals(ledger: Ledger, group: readonly Unconfirmed[]): EarlierRefusals {
  return new Map(
    group.map(({ key, name }) => {
      const {
        at = '',
        modified_at = Date.parse(at),
        earlier_refusal = 0,
      } = ledger.read(key)?.delivered ?? {};
      return [name, Math.max(modified_at - day, earlier_refusal)];
    }),
  );
}

/** A host that does not answer is asked once in a run. */
async function noticeDead<T>(
  { spool, dead }: DeliveryContext,
  subDir: string,
  action: () => Promise<T>,
): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof ExpectedError && error.scope === 'spool' && error.retryable)
      dead.set(spool.location(subDir), { error: errorDocument(error), exit_status: error.exitStatus });
    throw error;
  }
}

async function record(
  context: DeliveryContext,
  group: readonly Unconfirmed[],
  seen: ArchivesSeen,
): Promise<void> {
  const { ledger, run } = context;
  for (const { key, name } of group) {
    const delivered = ledger.read(key)?.delivered;
    if (delivered === undefined) continue;
    const state = importState(delivered, seen);
    if (state === importStateOf(delivered)) continue;
    ledger.recordImport(key, state);
    if (state === 'refused') await reportRefusal(context, key, delivered);
    else if (state !== 'delivered') run.log.info(`PILOS has ${state} ${name}`);
  }
}

function reportLeftBehind(
  { ledger, run, exchanged }: DeliveryContext,
  destination: string,
  group: readonly Unconfirmed[],
  seen: ArchivesSeen,
): void {
  if (seen.since === undefined) return;
  exchanged.set(destination, seen.since);
  const deliveries = group.flatMap(({ key }) => ledger.read(key)?.delivered ?? []);
  const problem = findLeftBehind(destination, deliveries, seen);
  if (problem !== undefined) run.log.warn(describeError(problem));
}

async function reportRefusal(
  { run }: DeliveryContext,
  key: LedgerKey,
  { name, destination }: Delivery,
): Promise<void> {
  const { message: error, exitStatus } = refusedByPilos(name, key.meetingId);
  run.log.warn(error);
  await notify(run, { event: 'refused', ...key, destination, error, exitStatus });
}

/** What was seen in the spool says this of one archive. */
export function importState(delivered: Delivery, seen: ArchivesSeen): ImportState {
  const { waiting, refused, failedDirectory, since } = seen;
  const { name } = delivered;
  if (waiting.has(name)) return 'delivered';
  if (refused.has(name)) return 'refused';
  if (isFromBefore(delivered, since)) return importStateOf(delivered);
  return failedDirectory === 'visible' || failedDirectory === 'missing' ? 'imported' : 'taken';
}
