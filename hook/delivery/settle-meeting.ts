/** A meeting's `-sender.done` is there only while nothing of the meeting is outstanding. */

import { type PublishedFormat, readPublishedFormats } from '../bbb/bbb.ts';
import { type FormatState, readFormatStates } from '../bbb/format-states.ts';
import { setSenderDone } from '../bbb/sender-done.ts';
import type { Config } from '../config/config.ts';
import type { Run } from '../run.ts';
import { acquireLock } from '../system/lock.ts';
import { isDelivered, type Ledger, openLedger, readStamp } from './ledger.ts';

interface Context {
  config: Config;
  run: Run;
}

/**
 * The formats that keep a meeting's `-sender.done` from being written: still processed by BBB, or published
 * and not delivered. A format that failed in BBB, or that BBB cannot make any more, keeps nothing.
 */
export function outstanding(
  states: readonly FormatState[],
  isDeliveredNow: (state: FormatState) => boolean,
): FormatState[] {
  return states.filter(
    (state) => state.state === 'processing' || (state.state === 'published' && !isDeliveredNow(state)),
  );
}

/** What of a meeting is outstanding now, and whether anything of it is published at all. */
export function readOutstanding(
  config: Config,
  ledger: Ledger,
  meetingId: string,
  found: readonly PublishedFormat[],
): { left: FormatState[]; isPublished: boolean } {
  const states = readFormatStates(config, config.publishSteps, meetingId, found);
  const left = outstanding(states, ({ recordId, format }) => {
    const directory = `${config.publishedDir}/${format}/${recordId}`;
    return isDelivered(ledger.read({ meetingId, recordId, format }), readStamp({ directory }));
  });
  return { left, isPublished: states.some((state) => state.state === 'published') };
}

/** Writes a meeting's `-sender.done` when nothing of it is outstanding any more, removes it otherwise. */
export async function settleMeeting(
  context: Context,
  meetingId: string,
  found: readonly PublishedFormat[] = readPublishedFormats(context.config, meetingId),
): Promise<boolean> {
  const { config, run } = context;
  return await withMeetingLock(context, meetingId, () => {
    const { left, isPublished } = readOutstanding(config, openLedger(config.workDir), meetingId, found);
    const isDone = left.length === 0 && isPublished;
    if (setSenderDone(config.recordingDir, meetingId, isDone)) {
      if (isDone) run.log.info(`all formats of ${meetingId} are delivered: wrote its -sender.done`);
      else run.log.warn(`removed the -sender.done of ${meetingId}: not all of its formats are delivered`);
    }
    return isDone;
  });
}

/** Files that were published again after their delivery must not stay marked as done while they are sent. */
export async function markOutstanding(context: Context, published: PublishedFormat): Promise<void> {
  const { config, run } = context;
  const ledger = openLedger(config.workDir);
  await withMeetingLock(context, published.meetingId, () => {
    const entry = ledger.read(published);
    if (isDelivered(entry, readStamp(published))) return;
    if (entry?.state === 'delivered') ledger.recordWaiting(published);
    if (!setSenderDone(config.recordingDir, published.meetingId, false)) return;
    run.log.info(
      `removed the -sender.done of ${published.meetingId}: ${published.format} is to be delivered`,
    );
  });
}

/** Two formats of a meeting may end at the same moment: only one looks at the whole at a time. */
async function withMeetingLock<T>({ config, run }: Context, meetingId: string, action: () => T): Promise<T> {
  const lock = await acquireLock(`${config.workDir} meeting ${meetingId}`, {
    wait: true,
    signal: run.signal,
  });
  try {
    return action();
  } finally {
    await lock?.release();
  }
}
