/** Whose meeting is it, by `events.xml`, or by what is published once BBB has deleted that file. */
import { attempt, type ExpectedError } from '../errors.ts';
import { type BbbDirectories, eventsFile, meetingIdOf, readPublishedFormats } from './bbb.ts';
import { type MeetingMetadata, readEvents } from './events-head.ts';
import { readMeetingFiles } from './meeting-files.ts';

/**
 * Reads the metadata of a meeting, of all published formats or of one.
 *
 * @param warn is given the reason why `events.xml` did not serve
 * @returns ExpectedError (65) when no file tells, as when nothing is published
 */
export async function readMetadata(
  bbb: BbbDirectories,
  meetingId: string,
  format: string | undefined,
  warn: (message: string) => void,
): Promise<MeetingMetadata | ExpectedError> {
  const events = readEvents(eventsFile(bbb, meetingIdOf(meetingId)));
  if (!('unreadable' in events)) return events;
  const published = readPublishedFormats(bbb, meetingId, format);
  const found = published.length > 0 ? published : readMeetingFiles(bbb, meetingIdOf(meetingId)).withdrawn;
  const files = found.map(({ directory }) => `${directory}/metadata.xml`);
  // The XML parser is loaded only here: it would cost more than the rest of the way to "not from PILOS".
  const { readFirstPublished } = await import('./metadata.ts');
  return attempt(() => readFirstPublished(files, events.unreadable, warn));
}
