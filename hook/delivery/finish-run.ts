/** What is due at the end of `deliver`: imports confirmed, `-sender.done` set, local copies deleted, metrics written. */
import type { MeetingId } from '../bbb/ids.ts';
import type { PilosMeeting } from '../pilos/meetings.ts';
import { confirmImports, unconfirmed } from './confirm.ts';
import type { DeliveryContext } from './context.ts';
import { removeCutTransfers } from './cut-transfers.ts';
import { updateMetrics } from './metrics.ts';
import { type DeliveryResult, tolerate } from './result.ts';
import { settleMeeting } from './settle-meeting.ts';
import { readWaitingSince, reportStuck, type WaitingSince } from './stuck.ts';
import { tallyFormats } from './tally.ts';

export async function finishRun(
  context: DeliveryContext,
  meetings: readonly PilosMeeting[],
  /** What the run has done, and whether it has gone through everything. */
  { results, isComplete }: { results: readonly DeliveryResult[]; isComplete: boolean },
): Promise<void> {
  const { config, run, ledger } = context;
  // PILOS imports once a minute: what became of what this run has sent is a question for the next one.
  const sent = new Set(results.flatMap(({ state, archive }) => (state === 'delivered' ? archive : [])));
  const asked = readUnconfirmed(context, meetings, isComplete).filter(({ name }) => !sent.has(name));
  await confirmImports(context, asked);
  for (const { meetingId, files } of meetings) {
    run.signal.throwIfAborted();
    await tolerate(run, `the -sender.done of ${meetingId} may be wrong`, async () => {
      const isDone = await settleMeeting(context, meetingId, files);
      if (isDone && config.deleteAfterTransfer) await deleteAfterTransfer(context, meetingId);
    });
  }
  if (!isComplete) return;
  const entries = ledger.readAll();
  const waitingSince = readWaitingSince(entries, context.exchanged);
  await reportStuck(context, waitingSince);
  await removeCutTransfers(context, entries);
  await tolerate(run, 'the recordings are not counted', () =>
    updateMetrics(config, (counters) => {
      const { formats, recordings, missing } = tallyFormats(context, meetings, entries);
      Object.assign(counters, { missing, recordings, states: formats });
      counters.oldestWaiting = oldestOf(waitingSince);
      counters.lastRun = Math.round(Date.now() / 1000);
    }),
  );
}

/** Seconds since 1970, 0 when nothing waits. */
function oldestOf(waitingSince: WaitingSince): number {
  const [oldest] = [...waitingSince.values()].sort();
  return oldest === undefined ? 0 : Math.round(Date.parse(oldest) / 1000);
}

/** Of the meetings that are here; of a complete run also of what was deleted here meanwhile. */
function readUnconfirmed(context: DeliveryContext, meetings: readonly PilosMeeting[], isComplete: boolean) {
  const { ledger } = context;
  const entries = isComplete
    ? ledger.readAll()
    : meetings.flatMap(({ published }) => published.map((one) => ledger.read(one)));
  const subDirs = new Map(meetings.map(({ meetingId, subDir }) => [meetingId, subDir]));
  return entries.flatMap((entry) => {
    const subDir = entry && subDirs.get(entry.meeting_id);
    return unconfirmed(context, entry, typeof subDir === 'string' ? subDir : entry?.delivered?.sub_dir) ?? [];
  });
}

async function deleteAfterTransfer(context: DeliveryContext, meetingId: MeetingId): Promise<void> {
  const { config, run } = context;
  if (config.publishSteps.length === 0) {
    run.log.warn("not deleted: BBB's configuration has no steps, so other formats may still come");
    return;
  }
  const { deleteLocalCopy } = await import('./local-copy.ts');
  const rules = { before: Number.POSITIVE_INFINITY, dryRun: false };
  const result = await deleteLocalCopy(context, meetingId, rules);
  if (result?.state === 'kept') run.log.warn(`meeting ${meetingId} is not deleted: ${result.reason}`);
}
