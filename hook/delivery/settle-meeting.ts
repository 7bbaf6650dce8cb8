/** A meeting's `-sender.done` is there only while PILOS has every format of the meeting. */
import { existsSync } from 'node:fs';
import type { PublishedFormat } from '../bbb/bbb.ts';
import type { MeetingId } from '../bbb/ids.ts';
import { type MeetingFiles, readMeetingFiles } from '../bbb/meeting-files.ts';
import { senderDoneFile, setSenderDone } from '../bbb/sender-done.ts';
import { acquireLock } from '../system/lock.ts';
import { refreshContent } from './content.ts';
import type { DeliveryContext } from './context.ts';
import { isOutstanding, type MeetingFormat, readMeetingFormats } from './meeting-formats.ts';

type Context = Pick<DeliveryContext, 'config' | 'run' | 'ledger'>;

/** Writes a meeting's `-sender.done` when nothing of it is outstanding any more, removes it otherwise. */
export async function settleMeeting(
  context: Context,
  meetingId: MeetingId,
  files: MeetingFiles = readMeetingFiles(context.config, meetingId),
): Promise<boolean> {
  const { config, run, ledger } = context;
  for (const one of files.published) await refreshContent(config, ledger, one, run.signal);
  return await withMeetingLock(context, meetingId, () => {
    const formats = readMeetingFormats(context, meetingId, files);
    const published = formats.filter(({ delivery }) => delivery !== undefined);
    const isDone = published.length > 0 && !formats.some(isOutstanding);
    if (published.every(({ delivery }) => delivery === 'adopted')) return isDone;
    if (!isDone) keepAdopted(context, meetingId, formats);
    if (setSenderDone(config.recordingDir, meetingId, isDone)) {
      if (isDone) run.log.info(`PILOS has all formats of ${meetingId}: wrote its -sender.done`);
      else run.log.warn(`removed the -sender.done of ${meetingId}: PILOS does not have all of its formats`);
    }
    return isDone;
  });
}

/** Before a format is sent: a meeting must not stay marked as done while PILOS does not have all of it. */
export async function markOutstanding(context: Context, published: PublishedFormat): Promise<void> {
  const { config, run } = context;
  const { meetingId, format } = published;
  // Then it covers nothing, either.
  if (!existsSync(senderDoneFile(config.recordingDir, meetingId))) return;
  await withMeetingLock(context, meetingId, () => {
    keepAdopted(context, meetingId, readMeetingFormats(context, meetingId));
    if (!setSenderDone(config.recordingDir, meetingId, false)) return;
    run.log.info(`removed the -sender.done of ${meetingId}: ${format} is to be delivered`);
  });
}

/** Without its `-sender.done`, nothing but the ledger would know what that has covered. */
function keepAdopted({ ledger }: Context, meetingId: MeetingId, formats: readonly MeetingFormat[]): void {
  for (const { recordId, format, delivery } of formats) {
    const key = { meetingId, recordId, format };
    if (delivery === 'adopted' && ledger.read(key) === undefined) ledger.recordAdopted(key);
  }
}

/** Two formats of a meeting may end at the same moment: only one judges the whole at a time. */
async function withMeetingLock<T>(
  { config, run }: Context,
  meetingId: MeetingId,
  action: () => T,
): Promise<T> {
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
