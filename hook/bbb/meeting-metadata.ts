/** Whose meeting is it, by `events.xml`, or by what is published once BBB has deleted that file. */
import { attempt, type ExpectedError } from '../errors.ts';
import { type BbbDirectories, eventsFile, readPublishedFormats } from './bbb.ts';
import { type MeetingMetadata, readEvents } from './events-head.ts';
import { type Format, meetingIdOf, type RecordId } from './ids.ts';
import { readMeetingFiles } from './meeting-files.ts';

/**
 * Reads the metadata of a meeting, of all published formats or of one.
 *
 * @param warn is given the reason why `events.xml` did not serve
 * @returns ExpectedError (65) when no file says, as when nothing is published
 */
export async function readMetadata(
  bbb: BbbDirectories,
  id: RecordId,
  format: Format | undefined,
  warn: (message: string) => void,
): Promise<MeetingMetadata | ExpectedError> {
  const events = readEvents(eventsFile(bbb, meetingIdOf(id)));
  if (!('unreadable' in events)) return events;
  const published = readPublishedFormats(bbb, id, format);
  const found = published.length > 0 ? published : readMeetingFiles(bbb, meetingIdOf(id)).withdrawn;
  const files = found.map(({ directory }) => `${directory}/metadata.xml`);
  // The XML parser is loaded only here: it would cost more than the rest of the way to "not from PILOS".
  const { readFirstPublished } = await import('./metadata.ts');
  return attempt(() => readFirstPublished(files, events.unreadable, warn));
}
