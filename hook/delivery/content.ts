/** Is what is published now what was delivered? Time stamps only say when to compare more closely. */
import { planArchive } from '../archive/archive.ts';
import type { BbbDirectories, PublishedFormat } from '../bbb/bbb.ts';
import { isCoveredBySenderDone } from '../bbb/sender-done.ts';
import type { Config } from '../config/config.ts';
import { attempt, ExpectedError } from '../errors.ts';
import { type Ledger, type LedgerEntry, readStamp } from './ledger.ts';
import { type DeliveryState, deliveryState } from './state.ts';

/** The state of one format, with the entry that it was derived from. */
export interface FormatState {
  state: DeliveryState;
  entry: LedgerEntry | undefined;
}

/** Reads the state of a published format. Writes nothing. */
export function readDeliveryState(
  config: BbbDirectories & Pick<Config, 'replacesRecordings'>,
  ledger: Ledger,
  published: PublishedFormat,
): FormatState {
  const entry = ledger.read(published);
  const isSame = entry?.delivered !== undefined && compareContent(published, entry).isSame;
  const isCovered = entry === undefined && isCoveredBySenderDone(config, published);
  return { entry, state: deliveryState(entry, { isSame, isCovered, isReplaced: config.replacesRecordings }) };
}

/** Notes a new stamp of old content, so that nobody has to compare it again. */
export function refreshStamp(ledger: Ledger, published: PublishedFormat): void {
  const entry = ledger.read(published);
  if (entry?.delivered === undefined) return;
  const { isSame, stamp } = compareContent(published, entry);
  if (isSame && stamp !== entry.delivered.stamp) ledger.recordSameFiles(published, stamp);
}

function compareContent(
  published: PublishedFormat,
  { delivered }: LedgerEntry,
): { isSame: boolean; stamp: string } {
  const stamp = readStamp(published);
  if (delivered === undefined || stamp === '') return { isSame: false, stamp };
  if (stamp === delivered.stamp) return { isSame: true, stamp };
  const plan = attempt(() => planArchive(published.directory, `${published.format}/${published.recordId}`));
  return { isSame: !(plan instanceof ExpectedError) && plan.fingerprint === delivered.fingerprint, stamp };
}
