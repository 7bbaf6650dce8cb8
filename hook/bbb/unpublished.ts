/** Recordings of which nothing is published yet: BBB is at work on them, or has given up. */
import { existsSync, readdirSync } from 'node:fs';
import { errnoName, translateErrno } from '../system/errno.ts';
import { type BbbDirectories, eventsFile } from './bbb.ts';
import { type MeetingMetadata, readEventsHead } from './events-head.ts';
import { type FormatState, readFormatStates } from './format-states.ts';
import { isRecordId } from './ids.ts';

/** Ids in `<recording_dir>/raw`, from which BBB's cron job deletes what was published some days ago. */
export function readRawMeetingIds({ recordingDir }: BbbDirectories): string[] {
  const directory = `${recordingDir}/raw`;
  try {
    return readdirSync(directory).filter(isRecordId);
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return [];
    throw translateErrno(error, `cannot read ${directory}`);
  }
}

/** Metadata of a meeting of ours; undefined for another front end's, and when `events.xml` does not tell. */
export function readOwnEvents(
  bbb: BbbDirectories,
  origins: readonly string[],
  meetingId: string,
): MeetingMetadata | undefined {
  try {
    const metadata = readEventsHead(eventsFile(bbb, meetingId));
    return origins.includes(metadata.origin) ? metadata : undefined;
  } catch {
    return undefined;
  }
}

/**
 * How far BBB is with the formats of a meeting of which nothing is published. Those that it had published once,
 * and that were deleted or withdrawn since, are left out, and so is a meeting that nobody recorded.
 */
export function readUnpublishedStates(
  bbb: BbbDirectories,
  steps: readonly string[],
  meetingId: string,
): FormatState[] {
  const status = `${bbb.recordingDir}/status`;
  if (existsSync(`${status}/archived/${meetingId}.norecord`)) return [];
  const hasFailed = ['archived', 'sanity'].some((step) => existsSync(`${status}/${step}/${meetingId}.fail`));
  return readFormatStates(bbb, steps, meetingId, [])
    .filter(({ format }) => !existsSync(`${status}/published/${meetingId}-${format}.done`))
    .map((one) => (hasFailed ? { ...one, state: 'failed' } : one));
}
