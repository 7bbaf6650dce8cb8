/** What BBB has published of a meeting, and what it is still working on. */
import { EXIT, ExpectedError } from '../errors.ts';
import { errnoName, translateErrno } from '../system/errno.ts';
import { readFormatNames, readRecordNames } from './tree.ts';

/** BBB's directories, from its configuration. */
export interface BbbDirectories {
  publishedDir: string;
  recordingDir: string;
}

/** One published format of one recording: what one archive is made of. */
export interface PublishedFormat {
  meetingId: string;
  /** The meeting id, or `<meeting id>-<break timestamp>` for a segment of it. */
  recordId: string;
  format: string;
  /** `<published_dir>/<format>/<record id>` */
  directory: string;
}

/** File name of the archive in the spool, the one that PILOS' Ruby script gives it. */
export function archiveName({ recordId, format }: Pick<PublishedFormat, 'recordId' | 'format'>): string {
  return `${recordId}-${format}.tar`;
}

/** `<recording_dir>/raw/<meeting id>/events.xml` */
export function eventsFile(bbb: BbbDirectories, meetingId: string): string {
  return `${bbb.recordingDir}/raw/${meetingId}/events.xml`;
}

/** The published formats of a meeting and of its segments, sorted; all formats when none is named. */
export function readPublishedFormats(
  bbb: BbbDirectories,
  meetingId: string,
  format?: string,
): PublishedFormat[] {
  const formats = format === undefined ? readFormats(bbb) : [format];
  const isWanted = (recordId: string) => belongsTo(recordId, meetingId);
  return formats.flatMap((name) =>
    readRecordIds(bbb, name, isWanted).map((recordId) => published(bbb, recordId, name)),
  );
}

/** Everything published on this server, by meeting id. */
export function readAllPublished(bbb: BbbDirectories): Map<string, PublishedFormat[]> {
  const meetings = new Map<string, PublishedFormat[]>();
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

function published(bbb: BbbDirectories, recordId: string, format: string): PublishedFormat {
  const directory = `${bbb.publishedDir}/${format}/${recordId}`;
  return { meetingId: meetingIdOf(recordId), recordId, format, directory };
}

// BBB makes meeting ids as <40 hex digits>-<milliseconds>; a segment has one more timestamp behind it.
const segmentId = /^(.+-\d{13})-\d+$/;

/** The meeting that a record id belongs to. */
export function meetingIdOf(recordId: string): string {
  return segmentId.exec(recordId)?.[1] ?? recordId;
}

/** True for the meeting's own id and for those of its segments. */
export function belongsTo(recordId: string, meetingId: string): boolean {
  return recordId === meetingId || meetingIdOf(recordId) === meetingId;
}

/** Names of the formats in `published_dir`; throws an ExpectedError when it cannot be read. */
function readFormats({ publishedDir }: BbbDirectories): string[] {
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

function readRecordIds(bbb: BbbDirectories, format: string, isWanted: (name: string) => boolean): string[] {
  try {
    return readRecordNames(bbb.publishedDir, format, isWanted);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoName(error) ?? '')) return [];
    throw translateErrno(error, `cannot read ${bbb.publishedDir}/${format}`);
  }
}
