/** The local copy of a meeting: may it be deleted, and deleting it with BBB's own `bbb-record --delete`. */

import type { PublishedFormat } from '../bbb/bbb.ts';
import type { MeetingId } from '../bbb/ids.ts';
import { type MeetingFiles, readMeetingFiles } from '../bbb/meeting-files.ts';
import { EXIT, type ExitStatus, ExpectedError, exitStatusOf } from '../errors.ts';
import { readPilosMeeting } from '../pilos/meetings.ts';
import { shellQuote } from '../system/shell-quote.ts';
import { type ErrorDocument, errorDocument } from '../terminal/escape.ts';
import { planDeliveredArchive, refreshContent } from './content.ts';
import { type DeliveryContext, lockFormat } from './context.ts';
import { isOutstanding, readMeetingFormats } from './meeting-formats.ts';
import { topOf } from './moved-spool.ts';

/** What became of one meeting's local copy, as `--json` prints it. */
export interface DeletionResult {
  meeting_id: string;
  state: 'deleted' | 'planned' | 'kept' | 'failed';
  /** Why it was kept. */
  reason?: string;
  error?: ErrorDocument;
  exit_status?: ExitStatus;
}

export interface DeletionRules {
  /** Imports that were seen before this moment, milliseconds since 1970. */
  before: number;
  dryRun: boolean;
}

/** Deletes a meeting that PILOS has; undefined for one that is not PILOS' own. */
export async function deleteLocalCopy(
  context: DeliveryContext,
  meetingId: MeetingId,
  rules: DeletionRules,
): Promise<DeletionResult | undefined> {
  const { config, run } = context;
  const files = readMeetingFiles(config, meetingId);
  const { published } = files;
  const locks = [];
  try {
    // Nothing of it may be on its way while we check and delete.
    for (const one of published) locks.push(await lockFormat(config, one, run.signal));
    if (!rules.dryRun)
      for (const one of published) await refreshContent(config, context.ledger, one, run.signal);
    const meeting = readPilosMeeting(config, files, () => undefined);
    if (meeting === undefined) return undefined;
    if (meeting.subDir instanceof ExpectedError) throw meeting.subDir;
    const kept = whyKept(context, files, meeting.subDir, rules);
    if (kept !== undefined) return { meeting_id: meetingId, state: 'kept', ...kept };
    if (rules.dryRun) return { meeting_id: meetingId, state: 'planned' };
    const { deleteRecordings } = await import('../bbb/bbb-record.ts');
    await deleteRecordings(config, published, run.signal);
    run.log.info(`deleted the local copy of ${meetingId}`);
    return { meeting_id: meetingId, state: 'deleted' };
  } catch (error) {
    if (!(error instanceof ExpectedError)) throw error;
    run.log.failure(error, `${meetingId} is not deleted`);
    const failure = { error: errorDocument(error), exit_status: exitStatusOf(error) };
    return { meeting_id: meetingId, state: 'failed', ...failure };
  } finally {
    for (const lock of locks) await lock?.release();
  }
}

type Kept = Pick<DeletionResult, 'reason' | 'exit_status'>;

/** Why a meeting must not be deleted; undefined when it may. */
function whyKept(
  context: DeliveryContext,
  files: MeetingFiles,
  subDir: string,
  rules: DeletionRules,
): Kept | undefined {
  const formats = readMeetingFormats(context, files.meetingId, files);
  const outstanding = formats.filter((one) => isOutstanding(one) || one.delivery === 'adopted');
  if (outstanding.length > 0) {
    const states = outstanding.map(({ format, bbb, delivery }) => `${format} is ${delivery ?? bbb}`);
    return { reason: states.join(', ') };
  }
  // `bbb-record --delete` would delete it too, and nothing says that PILOS has it.
  const withdrawn = files.withdrawn.find(({ state }) => state === 'unpublished');
  if (withdrawn !== undefined)
    return { reason: `${withdrawn.format} is unpublished, and would be deleted too` };
  for (const one of files.published) {
    const kept = whyFormatKept(context, one, subDir, rules);
    if (kept !== undefined) return kept;
  }
  return undefined;
}

/** A server whose clock has lost its battery starts in the past, where everything looks old. */
const firstRelease = Date.UTC(2026, 0);

function whyFormatKept(
  { ledger, spool }: DeliveryContext,
  published: PublishedFormat,
  subDir: string,
  { before, dryRun }: DeletionRules,
): Kept | undefined {
  const { format } = published;
  const delivered = ledger.read(published)?.delivered;
  if (delivered === undefined) return { reason: `${format} is not delivered` };
  const destination = spool.destination(subDir);
  if (delivered.destination !== destination) {
    const isSame = `if that is the same spool, run 'pilos-post-publish deliver --moved-from ${shellQuote([topOf(delivered.destination, subDir)])}'`;
    const reason = `${format} was delivered to ${delivered.destination}, but pilos.yml now says ${destination}: ${isSame}`;
    return { reason, exit_status: EXIT.config };
  }
  const importedAt = delivered.import?.at ?? delivered.at;
  if (Date.parse(importedAt) < firstRelease) {
    if (!dryRun) ledger.recordImport(published, delivered.import?.state ?? 'imported');
    return {
      reason: `${format} was imported at ${importedAt}: the clock was wrong then, so it counts from now`,
    };
  }
  if (Date.parse(importedAt) >= before) return { reason: `${format} was imported at ${importedAt}` };
  const { fingerprint } = planDeliveredArchive(published);
  return fingerprint === delivered.fingerprint
    ? undefined
    : { reason: `${format} has changed since its delivery` };
}
