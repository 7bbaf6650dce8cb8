/** How far BBB is with the formats of a recording: the files that its steps leave under `recording_dir`. */
import { existsSync, statSync } from 'node:fs';
import type { BbbDirectories, PublishedFormat } from './bbb.ts';

/** How far BBB is with one format of one recording. */
export interface FormatState {
  recordId: string;
  format: string;
  /** `not made`: BBB cannot make it any more, as when it came into `steps:` after the recording. */
  state: 'published' | 'failed' | 'processing' | 'not made';
}

/**
 * State of every format that this server's `steps:` publish for a meeting, and of every other one that it
 * has published, for each of its segments.
 *
 * @param found what is published of the meeting
 */
export function readFormatStates(
  bbb: BbbDirectories,
  steps: readonly string[],
  meetingId: string,
  found: readonly PublishedFormat[],
): FormatState[] {
  const formats = [...new Set([...steps, ...found.map((one) => one.format)])].sort();
  const segments = [...new Set(found.map((one) => one.recordId))].sort();
  const recordIds = segments.length > 0 ? segments : [meetingId];
  const isPublished = new Set(found.map((one) => `${one.format}/${one.recordId}`));
  const cannotBeMade = found.length > 0 && isRawDeleted(bbb, meetingId) && !isRecentlyPublished(found);
  return recordIds.flatMap((recordId) =>
    formats.map((format): FormatState => {
      if (isPublished.has(`${format}/${recordId}`)) return { recordId, format, state: 'published' };
      const ids = [recordId, meetingId];
      if (ids.some((id) => hasFailed(bbb, id, format))) return { recordId, format, state: 'failed' };
      const isNotMade = cannotBeMade && !ids.some((id) => isAtWork(bbb, id, format));
      return { recordId, format, state: isNotMade ? 'not made' : 'processing' };
    }),
  );
}

function hasFailed(bbb: BbbDirectories, recordId: string, format: string): boolean {
  const status = `${bbb.recordingDir}/status`;
  return ['published', 'processed'].some((step) =>
    existsSync(`${status}/${step}/${recordId}-${format}.fail`),
  );
}

/**
 * BBB's cron job deletes the raw files of a recording days after it was published, and without them no format can
 * be made. While they are there, a format may wait in BBB's queue for however long.
 */
function isRawDeleted({ recordingDir }: BbbDirectories, meetingId: string): boolean {
  // Without the directory around them, they may only not be mounted.
  return existsSync(`${recordingDir}/raw`) && !existsSync(`${recordingDir}/raw/${meetingId}`);
}

/** Sooner than BBB's cron job deletes anything: raw files that are missing then are missing for another reason. */
function isRecentlyPublished(found: readonly PublishedFormat[]): boolean {
  return found.some(({ directory }) => {
    const stats = statSync(directory, { throwIfNoEntry: false });
    return stats !== undefined && Date.now() - stats.mtimeMs < longestPublishing;
  });
}

/** The step `process` copies what it needs of the raw files, `publish` takes over what `process` has made. */
function isAtWork({ recordingDir }: BbbDirectories, recordId: string, format: string): boolean {
  const isDone = (step: string) => existsSync(`${recordingDir}/status/${step}/${recordId}-${format}.done`);
  if (isDone('processed') && !isDone('published')) return true;
  return ['process', 'publish'].some((step) => existsSync(`${recordingDir}/${step}/${format}/${recordId}`));
}

/** How long BBB may take to copy a recording into `published_dir`, in milliseconds. */
const longestPublishing = 6 * 3600 * 1000;

/**
 * True while BBB still copies the files: it writes the status file when it has finished. On servers whose old
 * status files were removed, a recording that was published long ago counts as complete.
 */
export function isBeingPublished(
  bbb: BbbDirectories,
  { recordId, meetingId, format, directory }: PublishedFormat,
): boolean {
  const status = `${bbb.recordingDir}/status/published`;
  const isEnded = [recordId, meetingId].some((id) =>
    ['done', 'fail'].some((ending) => existsSync(`${status}/${id}-${format}.${ending}`)),
  );
  if (isEnded) return false;
  const stats = statSync(directory, { throwIfNoEntry: false });
  return stats !== undefined && Date.now() - stats.mtimeMs < longestPublishing;
}
