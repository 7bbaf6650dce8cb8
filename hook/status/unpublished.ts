/** Recordings of which nothing is published yet: BBB is at work on them, or has given up. */
import { existsSync, readdirSync } from 'node:fs';
import type { Config } from '../config.ts';
import { errnoName, translateErrno } from '../errors.ts';
import { type MeetingMetadata, readEventsHead } from '../metadata/events-head.ts';
import { type FormatState, readFormatStates } from '../recording/format-states.ts';
import { eventsFile } from '../recording.ts';
import { isRecordId } from '../safe-path.ts';

/** Ids in `<recording_dir>/raw`, from which BBB's cron job deletes what was published some days ago. */
export function readRawMeetingIds({ recordingDir }: Config): string[] {
  const directory = `${recordingDir}/raw`;
  try {
    return readdirSync(directory).filter(isRecordId);
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return [];
    throw translateErrno(error, `cannot read ${directory}`);
  }
}

/** Metadata of a meeting of ours; undefined for another front end's, and when `events.xml` does not tell. */
export function readOwnEvents(config: Config, meetingId: string): MeetingMetadata | undefined {
  try {
    const metadata = readEventsHead(eventsFile(config, meetingId));
    return config.origins.includes(metadata.origin) ? metadata : undefined;
  } catch {
    return undefined;
  }
}

/**
 * How far BBB is with the formats of a meeting of which nothing is published. Those that it had published once,
 * and that were deleted or withdrawn since, are left out, and so is a meeting that nobody recorded.
 */
export function readUnpublishedStates(config: Config, meetingId: string): FormatState[] {
  const status = `${config.recordingDir}/status`;
  if (existsSync(`${status}/archived/${meetingId}.norecord`)) return [];
  const hasFailed = ['archived', 'sanity'].some((step) => existsSync(`${status}/${step}/${meetingId}.fail`));
  return readFormatStates(config, config.publishSteps, meetingId, [])
    .filter(({ format }) => !existsSync(`${status}/published/${meetingId}-${format}.done`))
    .map((one) => (hasFailed ? { ...one, state: 'failed' } : one));
}
