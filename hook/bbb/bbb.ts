/** What BBB has published of a meeting, and what it is still working on. */
import { EXIT, ExpectedError } from '../errors.ts';
import { errnoName, translateErrno } from '../system/errno.ts';
import { belongsTo, type Format, type MeetingId, meetingIdOf, type RecordId } from './ids.ts';
import { readFormatNames, readRecordNames } from './tree.ts';

/** BBB's directories, from its configuration. */
export interface BbbDirectories {
  publishedDir: string;
  recordingDir: string;
}

/** One published format of one recording: what one archive is made of. */
export interface PublishedFormat {
  meetingId: MeetingId;
  recordId: RecordId;
  format: Format;
  /** `<published_dir>/<format>/<record id>` */
  directory: string;
}

/** File name of the archive in the spool, the one that PILOS' Ruby script gives it. */
export function archiveName({ recordId, format }: Pick<PublishedFormat, 'recordId' | 'format'>): string {
  return `${recordId}-${format}.tar`;
}

/** `<recording_dir>/raw/<meeting id>/events.xml` */
export function eventsFile(bbb: BbbDirectories, meetingId: MeetingId): string {
  return `${bbb.recordingDir}/raw/${meetingId}/events.xml`;
}

/** The published formats of a meeting and of its segments, sorted; all formats when none is named. */
export function readPublishedFormats(bbb: BbbDirectories, id: RecordId, format?: Format): PublishedFormat[] {
  const formats = format === undefined ? readFormats(bbb) : [format];
  const isWanted = (recordId: RecordId) => belongsTo(recordId, id);
  return formats.flatMap((name) =>
    readRecordIds(bbb, name, isWanted).map((recordId) => published(bbb, recordId, name)),
  );
}

/** Everything published on this server, by meeting id. */
export function readAllPublished(bbb: BbbDirectories): Map<MeetingId, PublishedFormat[]> {
  const meetings = new Map<MeetingId, PublishedFormat[]>();
  for (const format of readFormats(bbb)) {
    for (const recordId of readRecordIds(bbb, format, () => true)) {
      const one = published(bbb, recordId, format);
      const others = meetings.get(one.meetingId);
      if (others === undefined) meetings.set(one.meetingId, [one]);
      else others.push(one);
    }
  }
  return meetings;
}

function published(bbb: BbbDirectories, recordId: RecordId, format: Format): PublishedFormat {
  const directory = `${bbb.publishedDir}/${format}/${recordId}`;
  return { meetingId: meetingIdOf(recordId), recordId, format, directory };
}

/** Names of the formats in `published_dir`; throws an ExpectedError when it cannot be read. */
function readFormats({ publishedDir }: BbbDirectories): Format[] {
  try {
    return readFormatNames(publishedDir);
  } catch (error) {
    if (errnoName(error) === 'ENOENT') {
      throw new ExpectedError(`published_dir ${publishedDir} does not exist`, {
        code: 'published_dir_missing',
        exitStatus: EXIT.config,
        fix: "check published_dir in BBB's bigbluebutton.yml and recording.yml",
        cause: error,
      });
    }
    throw translateErrno(error, `cannot read published_dir ${publishedDir}`);
  }
}

function readRecordIds(bbb: BbbDirectories, format: Format, isWanted: (id: RecordId) => boolean): RecordId[] {
  try {
    return readRecordNames(bbb.publishedDir, format, isWanted);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoName(error) ?? '')) return [];
    throw translateErrno(error, `cannot read ${bbb.publishedDir}/${format}`);
  }
}
