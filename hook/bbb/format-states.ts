/** How far BBB is with the formats of a meeting: where their files are, and what its steps leave under `recording_dir`. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import type { BbbDirectories, PublishedFormat } from './bbb.ts';
import type { Format, MeetingId, RecordId } from './ids.ts';
import type { MeetingFiles } from './meeting-files.ts';
import { isOccupied } from './tree.ts';

/**
 * - `processing`: BBB is working on it, or will
 * - `published`: its files are there
 * - `empty`: BBB finished it and published nothing, as notes that nobody wrote
 * - `failed_in_bbb`: a step of BBB failed
 * - `not_produced`: BBB cannot make it any more, as when it came into `steps:` after the recording
 * - `unpublished`, `deleted`: it was published, and BBB's API moved it away
 */
export type BbbState =
  | 'processing'
  | 'published'
  | 'empty'
  | 'failed_in_bbb'
  | 'not_produced'
  | 'unpublished'
  | 'deleted';

/** How far BBB is with one format of one recording. */
export interface FormatState {
  recordId: RecordId;
  format: Format;
  state: BbbState;
}

/**
 * State of every format that this server's `steps:` publish for a meeting, and of every other one whose files are
 * here, for each of its segments. Nothing for a meeting that nobody recorded, or of which BBB keeps no trace.
 *
 * @param steps names of formats that are expected, whether their files are here or not
 */
export function readFormatStates(
  bbb: BbbDirectories,
  steps: readonly Format[],
  { meetingId, published, withdrawn }: MeetingFiles,
): FormatState[] {
  const found = new Map<string, BbbState>();
  for (const { format, recordId, state } of withdrawn) found.set(`${format}/${recordId}`, state);
  for (const { format, recordId } of published) found.set(`${format}/${recordId}`, 'published');
  const files = [...withdrawn, ...published];
  if (files.length === 0 && hasStatus(bbb, 'archived', `${meetingId}.norecord`)) return [];

  const formats = [...new Set([...steps, ...files.map((one) => one.format)])].sort();
  const segments = [...new Set(files.map((one) => one.recordId))].sort();
  const recordIds: RecordId[] = segments.length > 0 ? segments : [meetingId];
  const missing = lazyState(() => stateOfMissing(bbb, meetingId, files));
  const states = recordIds.flatMap((recordId) =>
    formats.map((format): FormatState => {
      const state =
        found.get(`${format}/${recordId}`) ?? readStepState(bbb, [recordId, meetingId], format) ?? missing();
      return { recordId, format, state };
    }),
  );
  const isKnown =
    files.length > 0 ||
    existsSync(`${bbb.recordingDir}/raw/${meetingId}`) ||
    states.some(({ recordId, format }) => readStepState(bbb, [recordId], format) !== undefined);
  return isKnown || missing() === 'failed_in_bbb' ? states : [];
}

function lazyState(read: () => BbbState): () => BbbState {
  let state: BbbState | undefined;
  return () => {
    state ??= read();
    return state;
  };
}

/**
 * What the status files of a format say whose files are not here; undefined when they say nothing.
 *
 * @param ids the recording's own, and its meeting's
 */
function readStepState(
  bbb: BbbDirectories,
  ids: readonly [recordId: RecordId, ...meetingId: MeetingId[]],
  format: Format,
): BbbState | undefined {
  const has = (step: string, ending: string) =>
    ids.some((id) => hasStatus(bbb, step, `${id}-${format}.${ending}`));
  // Written after an earlier failure was put right: `bbb-record` removes both before it starts again.
  if (has('published', 'done')) return isOccupied(bbb.publishedDir, format, ids[0]) ? 'processing' : 'empty';
  if (has('published', 'fail') || has('processed', 'fail')) return 'failed_in_bbb';
  return isAtWork(bbb, ids, format) ? 'processing' : undefined;
}

/** The state of a format that has neither files nor a status. */
function stateOfMissing(
  bbb: BbbDirectories,
  meetingId: MeetingId,
  files: readonly PublishedFormat[],
): BbbState {
  if (['archived', 'sanity'].some((step) => hasStatus(bbb, step, `${meetingId}.fail`)))
    return 'failed_in_bbb';
  return isRawDeleted(bbb, meetingId) && !isRecentlyPublished(files) ? 'not_produced' : 'processing';
}

function hasStatus({ recordingDir }: BbbDirectories, step: string, name: string): boolean {
  return existsSync(`${recordingDir}/status/${step}/${name}`);
}

/**
 * BBB's cron job deletes the raw files of a recording days after it was published, and without them no format can
 * be made. While they are there, a format may wait in BBB's queue for however long.
 */
function isRawDeleted({ recordingDir }: BbbDirectories, meetingId: MeetingId): boolean {
  // Without the directory around them, they may only not be mounted.
  return existsSync(`${recordingDir}/raw`) && !existsSync(`${recordingDir}/raw/${meetingId}`);
}

/** Sooner than BBB's cron job deletes anything: raw files that are missing then are missing for another reason. */
function isRecentlyPublished(files: readonly PublishedFormat[]): boolean {
  return files.some(({ directory }) => {
    const stats = statSync(directory, { throwIfNoEntry: false });
    return stats !== undefined && Date.now() - stats.mtimeMs < longestPublishing;
  });
}

/** The step `process` copies what it needs of the raw files, `publish` takes over what `process` has made. */
function isAtWork(bbb: BbbDirectories, ids: readonly RecordId[], format: Format): boolean {
  return ids.some(
    (id) =>
      hasStatus(bbb, 'processed', `${id}-${format}.done`) ||
      ['process', 'publish'].some((step) => existsSync(`${bbb.recordingDir}/${step}/${format}/${id}`)),
  );
}

/** How long BBB may take to copy a recording into `published_dir`, in milliseconds. */
const longestPublishing = 6 * 3600 * 1000;

/** After so long without a change, what another program than BBB publishes counts as complete, in milliseconds. */
const quietFor = 5 * 60 * 1000;

/**
 * True while the files are still being written. BBB writes a status file when it has finished; until then, and for
 * some hours, its steps leave traces, so that an hour of copying one large video is not taken for its end. A format
 * without such traces was published by another script, which notes nothing: it is complete when it has been quiet.
 */
export function isBeingPublished(
  bbb: BbbDirectories,
  { recordId, meetingId, format, directory }: PublishedFormat,
): boolean {
  const ids = [recordId, meetingId];
  const isEnded = ids.some((id) =>
    ['done', 'fail'].some((ending) => hasStatus(bbb, 'published', `${id}-${format}.${ending}`)),
  );
  if (isEnded) return false;
  const patience = isAtWork(bbb, ids, format) ? longestPublishing : quietFor;
  return Date.now() - newestChange(directory, 2) < patience;
}

/** When something in the directory last changed, milliseconds since 1970; 0 when it is not there. */
function newestChange(directory: string, depth: number): number {
  try {
    const own = statSync(directory).mtimeMs;
    const entries = readdirSync(directory, { withFileTypes: true });
    const times = entries.map((entry) => {
      const path = `${directory}/${entry.name}`;
      if (entry.isDirectory() && depth > 1) return newestChange(path, depth - 1);
      return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    });
    return times.reduce((newest, time) => Math.max(newest, time), own);
  } catch {
    return 0;
  }
}
