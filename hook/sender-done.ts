/**
 * `<recording_dir>/status/published/<meeting id>-sender.done` tells Scalelite's prune script, and ours, that a
 * meeting may be deleted here. So it is there only while nothing of the meeting is outstanding.
 */
import { rmSync, statSync, writeFileSync } from 'node:fs';
import type { Config } from './config.ts';
import { withErrnoTranslated } from './errors.ts';
import { isDelivered, type Ledger, openLedger, readStamp } from './ledger.ts';
import { acquireLock } from './lock.ts';
import { type FormatState, readFormatStates } from './recording/format-states.ts';
import { type PublishedFormat, readPublishedFormats } from './recording.ts';
import type { Session } from './session.ts';

interface Context {
  config: Config;
  session: Session;
}

export function senderDoneFile(recordingDir: string, meetingId: string): string {
  return `${recordingDir}/status/published/${meetingId}-sender.done`;
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
  const { config, session } = context;
  return await withMeetingLock(context, meetingId, () => {
    const { left, isPublished } = readOutstanding(config, openLedger(config.workDir), meetingId, found);
    const isDone = left.length === 0 && isPublished;
    if (setSenderDone(config.recordingDir, meetingId, isDone)) {
      if (isDone) session.log.info(`all formats of ${meetingId} are delivered: wrote its -sender.done`);
      else session.log.warn(`removed the -sender.done of ${meetingId}: not all of its formats are delivered`);
    }
    return isDone;
  });
}

/** Files that were published again after their delivery must not stay marked as done while they are sent. */
export async function markOutstanding(context: Context, published: PublishedFormat): Promise<void> {
  const { config, session } = context;
  const ledger = openLedger(config.workDir);
  await withMeetingLock(context, published.meetingId, () => {
    const entry = ledger.read(published);
    if (isDelivered(entry, readStamp(published))) return;
    if (entry?.state === 'delivered') ledger.recordWaiting(published);
    if (!setSenderDone(config.recordingDir, published.meetingId, false)) return;
    session.log.info(
      `removed the -sender.done of ${published.meetingId}: ${published.format} is to be delivered`,
    );
  });
}

/** Writes or removes the `-sender.done` of a meeting; true when that changed something. */
export function setSenderDone(recordingDir: string, meetingId: string, isDone: boolean): boolean {
  const file = senderDoneFile(recordingDir, meetingId);
  return withErrnoTranslated(`cannot ${isDone ? 'write' : 'remove'} ${file}`, () => {
    const isThere = statSync(file, { throwIfNoEntry: false }) !== undefined;
    if (isThere === isDone) return false;
    if (isDone) writeFileSync(file, `Published ${meetingId}`);
    else rmSync(file);
    return true;
  });
}

/** Two formats of a meeting may end at the same moment: only one looks at the whole at a time. */
async function withMeetingLock<T>(
  { config, session }: Context,
  meetingId: string,
  action: () => T,
): Promise<T> {
  const lock = await acquireLock(`${config.workDir} meeting ${meetingId}`, {
    wait: true,
    signal: session.signal,
  });
  try {
    return action();
  } finally {
    await lock?.release();
  }
}
