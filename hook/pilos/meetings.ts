/** The meetings on this server that are PILOS' own: for `deliver`, `status` and `check`. */

import { eventsFile, type PublishedFormat } from '../bbb/bbb.ts';
import type { MeetingMetadata } from '../bbb/events-head.ts';
import type { MeetingId } from '../bbb/ids.ts';
import { type MeetingFiles, readAllMeetingFiles } from '../bbb/meeting-files.ts';
import { readMeetingMetadata } from '../bbb/metadata.ts';
import type { Config } from '../config/config.ts';
import { validateSubDir } from '../config/sub-dir.ts';
import { attempt, ExpectedError } from '../errors.ts';

export interface PilosMeeting {
  meetingId: MeetingId;
  published: PublishedFormat[];
  /** What is published, and what was moved away. */
  files: MeetingFiles;
  /** Undefined when no file says; `subDir` is the reason then. */
  metadata: MeetingMetadata | undefined;
  /** As the meeting asks for it, or why that is not allowed. */
  subDir: string | ExpectedError;
}

/**
 * Reads whose every published meeting is.
 *
 * @param isWanted which meeting ids to read
 * @param warn is called with metadata that was taken from another file than `events.xml`
 */
export function readPilosMeetings(
  config: Config,
  isWanted: (meetingId: MeetingId) => boolean,
  warn: (message: string) => void,
): PilosMeeting[] {
  const meetings: PilosMeeting[] = [];
  for (const files of readAllMeetingFiles(config).values()) {
    if (files.published.length === 0 || !isWanted(files.meetingId)) continue;
    const meeting = readPilosMeeting(config, files, warn);
    if (meeting !== undefined) meetings.push(meeting);
  }
  return meetings;
}

/**
 * Reads whose a meeting is; undefined for another front end's. One whose metadata cannot be read counts as PILOS':
 * nobody else would notice that it is never delivered.
 */
export function readPilosMeeting(
  config: Config,
  files: MeetingFiles,
  warn: (message: string) => void,
): PilosMeeting | undefined {
  const { meetingId, published, withdrawn } = files;
  const metadataFiles = () =>
    [...published, ...withdrawn].map(({ directory }) => `${directory}/metadata.xml`);
  const metadata = attempt(() => readMeetingMetadata(eventsFile(config, meetingId), metadataFiles, warn));
  const basis = { meetingId, published, files };
  if (metadata instanceof ExpectedError) return { ...basis, metadata: undefined, subDir: metadata };
  if (!config.origins.includes(metadata.origin)) return undefined;
  const subDir = attempt(() => validateSubDir(metadata.subDir, config.allowedSubDirs));
  return { ...basis, metadata, subDir };
}
