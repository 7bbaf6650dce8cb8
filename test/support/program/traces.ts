/** What runs leave on a BBB server beside the archives: the log, the ledger, `-sender.done`. */

import { existsSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openLedger } from '../../../hook/delivery/ledger.ts';
import type { LedgerEntry } from '../../../hook/delivery/ledger-entry.ts';
import { type DeliveryState, deliveryState } from '../../../hook/delivery/state.ts';
import type { Meeting } from '../bbb/bbb-meeting.ts';
import type { BbbTree } from '../bbb/bbb-tree.ts';
import { keyOf } from '../bbb/ids.ts';

/** A line as Ruby's `Logger` writes it, without a control character in it. */
export const rubyLogLine =
  /^(?:I|W|E), \[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6} #\d+\] (?: INFO| WARN|ERROR) -- : [^\p{Cc}]+$/u;

/** The lines of the program's log file, none when it does not exist. */
export function readLog(tree: BbbTree): string[] {
  const file = join(tree.logDir, 'post_publish.log');
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : [];
}

export function ledgerFile(tree: Pick<BbbTree, 'workDir'>, recordId: string, format: string): string {
  return join(tree.workDir, 'ledger', `${recordId}-${format}.json`);
}

/** The entry of a format whose files are what was delivered, with its state. @throws Error when there is none */
export function readLedger(
  tree: Pick<BbbTree, 'workDir'>,
  recordId: string,
  format: string,
): LedgerEntry & { state: DeliveryState } {
  const entry = openLedger(tree.workDir).read(keyOf(recordId, recordId, format));
  if (entry === undefined) throw new Error(`the ledger has no entry of ${recordId}-${format}`);
  const state = deliveryState(entry, { isSame: true, isCovered: false, isReplaced: false });
  return { ...entry, state };
}

/** Lets a delivery, and what is known of its import, have been so long ago. */
export function letDeliveryBe(
  tree: Pick<BbbTree, 'workDir'>,
  recordId: string,
  format: string,
  ago: { minutes?: number; days?: number },
): void {
  const file = join(tree.workDir, 'ledger', `${recordId}-${format}.json`);
  const entry = JSON.parse(readFileSync(file, 'utf8')) as LedgerEntry;
  if (entry.delivered === undefined) throw new Error(`${recordId} is not delivered`);
  const at = new Date(Date.now() - (ago.minutes ?? 0) * 60_000 - (ago.days ?? 0) * 86_400_000).toISOString();
  entry.delivered.at = at;
  if (entry.delivered.import !== undefined) entry.delivered.import.at = at;
  writeFileSync(file, JSON.stringify(entry));
}

export function senderDoneFile(tree: BbbTree, meetingId: string): string {
  return join(tree.recordingDir, 'status/published', `${meetingId}-sender.done`);
}

export function hasSenderDone(tree: BbbTree, meetingId: string): boolean {
  return existsSync(senderDoneFile(tree, meetingId));
}

/** BBB gives a format up: it will never be published. */
export function failFormat(tree: BbbTree, recordId: string, format: string, step = 'published'): void {
  writeFileSync(join(tree.recordingDir, 'status', step, `${recordId}-${format}.fail`), '');
}

/** So long that BBB's cron job may have deleted the raw files since. */
export function publishedLongAgo({ formats, publishedIds, published }: Meeting): void {
  const longAgo = Date.now() / 1000 - 20 * 86_400;
  for (const format of formats)
    for (const id of publishedIds) utimesSync(published(format, id), longAgo, longAgo);
}
