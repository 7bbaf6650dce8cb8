/** Recordings of which nothing is published yet: BBB is at work on them, or has given up. */
import { existsSync, readdirSync } from 'node:fs';
import { errnoName, translateErrno } from '../system/errno.ts';
import { type BbbDirectories, eventsFile } from './bbb.ts';
import { type MeetingMetadata, readEventsHead } from './events-head.ts';
import { isBbbRecordId, isCopyOfRecord, isMeetingId, type MeetingId } from './ids.ts';

/** Ids in `<recording_dir>/raw`, from which BBB's cron job deletes what was published some days ago. */
export function readRawMeetingIds(bbb: BbbDirectories): MeetingId[] {
  const directory = `${bbb.recordingDir}/raw`;
  try {
    return readdirSync(directory)
      .filter(isMeetingId)
      .filter((name) => isBbbRecordId(name) || (!isCopyOfRecord(name) && hasEvents(bbb, name)));
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return [];
    throw translateErrno(error, `cannot read ${directory}`);
  }
}

/** Of an id of another form than BBB's: what has no `events.xml` is anything. */
function hasEvents(bbb: BbbDirectories, name: MeetingId): boolean {
  return existsSync(eventsFile(bbb, name));
}

/** Metadata of a meeting of our front ends; undefined for another one's, and when `events.xml` does not say. */
export function readOwnEvents(
  bbb: BbbDirectories,
  origins: readonly string[],
  meetingId: MeetingId,
): MeetingMetadata | undefined {
  try {
    const metadata = readEventsHead(eventsFile(bbb, meetingId));
    return origins.includes(metadata.origin) ? metadata : undefined;
  } catch {
    return undefined;
  }
}
