/** What `status` says of one recording, and how it is derived from BBB's files and the ledger. */

import { existsSync } from 'node:fs';
import type { BbbState } from '../bbb/format-states.ts';
import type { MeetingFiles } from '../bbb/meeting-files.ts';
import { senderDoneFile } from '../bbb/sender-done.ts';
import { readOwnEvents } from '../bbb/unpublished.ts';
import type { Config } from '../config/config.ts';
import type { Ledger } from '../delivery/ledger.ts';
import type { Attempt, LedgerEntry } from '../delivery/ledger-entry.ts';
import { isHere, readMeetingFormats } from '../delivery/meeting-formats.ts';
import { outdatedInPilos, refusedByPilos } from '../delivery/not-imported.ts';
import type { DeliveryState } from '../delivery/state.ts';
import { ExpectedError } from '../errors.ts';
import { readPilosMeeting } from '../pilos/meetings.ts';
import { type ErrorDocument, errorDocument } from '../terminal/escape.ts';

/** A format of which nothing is published, or that was deleted here before PILOS had it. */
type OtherState = Exclude<BbbState, 'published'> | 'lost';

/** One format of a recording, as `--json` prints it. */
export interface FormatStatus {
  record_id: string;
  format: string;
  state: DeliveryState | OtherState;
  /** Since when it is in this state, where that is known; ISO 8601, UTC. */
  since?: string;
  /** Why the last try failed, or why the next one will. */
  error?: ErrorDocument;
  /** The archive that was delivered last. */
  delivered?: { at: string; bytes: number; seconds: number; destination: string; archive: string };
  /** It is not published here any more; the ledger knows the rest. */
  local_copy_deleted?: true;
  attempts: Attempt[];
}

/** One meeting's recording, as `--json` prints it. */
export interface RecordingStatus {
  meeting_id: string;
  /** The front end's own id, `''` when no file has it any more. */
  external_id: string;
  /** `''` when no file has it any more. */
  name: string;
  /** When the meeting began, or else when it was published; ISO 8601, UTC. */
  date: string;
  formats: FormatStatus[];
  sender_done: boolean;
}

export interface RecordingSource {
  config: Config;
  ledger: Ledger;
  /** What the ledger has of a meeting. */
  recorded: ReturnType<Ledger['readMeetings']>;
}

/** Undefined for a meeting of another front end, or of which nothing is left to say. */
export function readRecordingStatus(
  source: RecordingSource,
  files: MeetingFiles,
  date: number,
): RecordingStatus | undefined {
  const { config, recorded } = source;
  const { meetingId } = files;
  const meeting = readMeeting(config, files);
  const here = meeting === undefined ? [] : readFormats(source, files, meeting.problem);
  const formats = [...here, ...readDeleted(recorded(meetingId), here)];
  // A meeting of another front end is in no ledger.
  if (formats.length === 0) return undefined;
  return {
    meeting_id: meetingId,
    external_id: meeting?.externalId ?? '',
    name: meeting?.name ?? '',
    date: new Date(date).toISOString(),
    formats,
    sender_done: existsSync(senderDoneFile(config.recordingDir, meetingId)),
  };
}

interface Meeting {
  externalId: string;
  name: string;
  /** Why its formats cannot be delivered. */
  problem?: ErrorDocument;
}

/** Undefined for a meeting of another front end, and when no file says whose it is. */
function readMeeting(config: Config, files: MeetingFiles): Meeting | undefined {
  if (files.published.length + files.withdrawn.length === 0) {
    const events = readOwnEvents(config, config.origins, files.meetingId);
    return events === undefined ? undefined : { externalId: events.externalId, name: events.meetingName };
  }
  const meeting = readPilosMeeting(config, files, () => undefined);
  if (meeting === undefined) return undefined;
  const { metadata, subDir } = meeting;
  const known = { externalId: metadata?.externalId ?? '', name: metadata?.meetingName ?? '' };
  return subDir instanceof ExpectedError ? { ...known, problem: errorDocument(subDir) } : known;
}

function readFormats(
  { config, ledger }: Pick<RecordingSource, 'config' | 'ledger'>,
  files: MeetingFiles,
  problem: ErrorDocument | undefined,
): FormatStatus[] {
  const { meetingId } = files;
  return readMeetingFormats({ config, ledger }, meetingId, files).map((one) => {
    const { recordId, format, bbb, delivery } = one;
    const entry = ledger.read({ meetingId, recordId, format });
    // BBB has nothing and cannot say why; the ledger knows that it was there.
    if (entry !== undefined && !isHere(one)) return describeDeleted(entry);
    // BBB says 'published' only of what has a state of delivery.
    const state = delivery ?? (bbb as OtherState);
    const error = state === 'waiting' && problem !== undefined ? { error: problem } : {};
    return { record_id: recordId, format, state, ...error, ...describeEntry(entry, state) };
  });
}

function describeEntry(entry: LedgerEntry | undefined, state: FormatStatus['state']) {
  if (entry === undefined) return { attempts: [] };
  const { delivered, attempts } = entry;
  const since = sinceWhen(entry, state);
  const error = errorOf(entry, state);
  return {
    ...(since === undefined ? {} : { since }),
    ...(error === undefined ? {} : { error }),
    ...(delivered === undefined ? {} : { delivered: describeDelivered(delivered) }),
    attempts,
  };
}

/** Why PILOS does not have it, and what to do. */
function errorOf(
  { meeting_id, attempts, delivered }: LedgerEntry,
  state: FormatStatus['state'],
): ErrorDocument | undefined {
  const last = attempts.at(-1);
  const failure = last?.result === 'failed' ? last.error : undefined;
  if (state === 'refused') return errorDocument(refusedByPilos(delivered?.name ?? 'it', meeting_id));
  if (state === 'outdated') return errorDocument(outdatedInPilos(meeting_id));
  if (state === 'lost') {
    const message = 'it was deleted on this server before PILOS had imported it';
    const fix = `restore it from a backup, or run 'pilos-post-publish status --forget ${meeting_id}'`;
    return { code: 'lost', message, fix };
  }
  return state === 'failed' || state === 'waiting' ? failure : undefined;
}

function sinceWhen(
  { delivered, sending, attempts }: LedgerEntry,
  state: FormatStatus['state'],
): string | undefined {
  if (state === 'sending') return sending?.since;
  if (state === 'failed') return attempts.at(-1)?.at;
  return delivered?.import?.state === state ? delivered.import.at : undefined;
}

function describeDelivered({ at, bytes, seconds, destination, name }: NonNullable<LedgerEntry['delivered']>) {
  return { at, bytes, seconds, destination, archive: name };
}

/** What the ledger knows of formats of which BBB knows nothing any more, as after `prune`. */
function readDeleted(entries: readonly LedgerEntry[], here: readonly FormatStatus[]): FormatStatus[] {
  const isHere = (entry: LedgerEntry) =>
    here.some((one) => one.record_id === entry.record_id && one.format === entry.format);
  return entries.filter((entry) => !isHere(entry)).map(describeDeleted);
}

function describeDeleted(entry: LedgerEntry): FormatStatus {
  const { record_id, format, delivered } = entry;
  const state = delivered?.import?.state ?? (delivered === undefined ? 'lost' : 'delivered');
  return { record_id, format, state, ...describeEntry(entry, state), local_copy_deleted: true };
}
