/** The recordings of this server, with what became of each: BBB's files and the ledger → {@link RecordingStatus}. */
import { statSync } from 'node:fs';
import type { MeetingId } from '../bbb/ids.ts';
import { type MeetingFiles, readAllMeetingFiles, readMeetingFiles } from '../bbb/meeting-files.ts';
import { readRawMeetingIds } from '../bbb/unpublished.ts';
import type { Config } from '../config/config.ts';
import { type Ledger, openLedger } from '../delivery/ledger.ts';
import { type FormatStatus, type RecordingStatus, readRecordingStatus } from './recording-status.ts';

export type { FormatStatus, RecordingStatus };

export interface StatusFilter {
  failed: boolean;
  missing: boolean;
  /** Beside what is here also what was deleted here before PILOS had it. */
  withLost?: boolean;
  /** Milliseconds since 1970. */
  since: number | undefined;
  /** Empty: all that are here; named ones also when only the ledger knows them. */
  meetingIds: readonly MeetingId[];
  /** The front end's own id of the meeting. */
  room?: string | undefined;
  /** Part of the name, in any case. */
  name?: string | undefined;
}

/** A recording that may be shown. */
interface Candidate {
  files: MeetingFiles;
  /** Milliseconds since 1970. */
  date: number;
}

/** The recordings that the filter lets through, newest first; one at a time, since there may be many. */
export function* readStatus(
  config: Config,
  filter: StatusFilter,
  ledger: Ledger = openLedger(config.workDir),
): Generator<RecordingStatus> {
  const withDeleted = filter.missing || filter.withLost === true;
  const ids = filter.meetingIds.length > 0 ? filter.meetingIds : readIds(config, ledger, withDeleted);
  const source = { config, ledger, recorded: ledger.readMeetings() };
  // Taken off the list, so that the memory of what was shown can be used again.
  const candidates = readCandidates(config, ids, filter.since ?? 0).reverse();
  for (let candidate = candidates.pop(); candidate !== undefined; candidate = candidates.pop()) {
    const recording = readRecordingStatus(source, candidate.files, candidate.date);
    if (recording !== undefined && passes(recording, filter)) yield recording;
  }
}

/** Of all that is published or being processed, and with `withDeleted` also of what only the ledger knows. */
function readIds(config: Config, ledger: Ledger, withDeleted: boolean): MeetingId[] {
  const gone = withDeleted ? ledger.readAll().map((entry) => entry.meeting_id) : [];
  return [...new Set([...readAllMeetingFiles(config).keys(), ...readRawMeetingIds(config), ...gone])];
}

function passes(recording: RecordingStatus, filter: StatusFilter): boolean {
  const { failed, missing, withLost, room, name, meetingIds } = filter;
  const { formats } = recording;
  if (room !== undefined && recording.external_id.trim() !== room.trim()) return false;
  if (name !== undefined && !recording.name.toLowerCase().includes(name.toLowerCase())) return false;
  if (failed) return formats.some((one) => one.state === 'failed');
  if (missing) return formats.some(isMissing);
  const isLost = withLost === true && formats.some(isMissing);
  return meetingIds.length > 0 || isLost || !formats.every(isGoneForGood);
}

/** Of a recording that was deleted, or that is empty, there is nothing to deliver: it is shown only when it is named. */
function isGoneForGood({ state, local_copy_deleted: isDeleted }: FormatStatus): boolean {
  return isDeleted === true || ['deleted', 'empty', 'not_produced'].includes(state);
}

/** PILOS does not have it in its current content, and it is not because somebody wanted that. */
function isMissing({ state }: FormatStatus): boolean {
  return needsAdmin(state) || ['waiting', 'sending', 'delivered', 'processing'].includes(state);
}

/** What nobody but the admin can do something about. */
export function needsAdmin(state: FormatStatus['state']): boolean {
  return ['failed', 'refused', 'outdated', 'lost'].includes(state);
}

function readCandidates(config: Config, ids: readonly MeetingId[], since: number): Candidate[] {
  const all = ids.length > 1 ? readAllMeetingFiles(config) : undefined;
  const idOf = ({ files }: Candidate) => files.meetingId;
  const none = { published: [], withdrawn: [] };
  return ids
    .map((meetingId) => {
      const files = all === undefined ? readMeetingFiles(config, meetingId) : all.get(meetingId);
      const known = files ?? { meetingId, ...none };
      return { files: known, date: dateOf(config, known) };
    })
    .filter(({ date }) => date >= since)
    .sort((one, other) => other.date - one.date || (idOf(one) < idOf(other) ? -1 : 1));
}

/** BBB's meeting ids end in the moment when the meeting began, in milliseconds since 1970. */
function dateOf(config: Config, { meetingId, published, withdrawn }: MeetingFiles): number {
  const [, milliseconds] = /-(\d{13})$/.exec(meetingId) ?? [];
  if (milliseconds !== undefined) return Number(milliseconds);
  const directories = [...published, ...withdrawn].map((one) => one.directory);
  const times = [...directories, `${config.recordingDir}/raw/${meetingId}`].map(
    (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0,
  );
  return times.find((time) => time > 0) ?? 0;
}
