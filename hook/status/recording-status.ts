/** What `status` says of one recording, and how it is derived from BBB's files and the ledger. */
import { existsSync } from 'node:fs';
import type { PublishedFormat } from '../bbb/bbb.ts';
import { senderDoneFile } from '../bbb/sender-done.ts';
import { readOwnEvents, readUnpublishedStates } from '../bbb/unpublished.ts';
import type { Config } from '../config/config.ts';
import type { Attempt, Ledger, LedgerEntry } from '../delivery/ledger.ts';
import { readMeetingFormats } from '../delivery/meeting-formats.ts';
import type { ErrorDocument } from '../delivery/result.ts';
import type { DeliveryState } from '../delivery/state.ts';
import { ExpectedError } from '../errors.ts';
import { readPilosMeeting } from '../pilos/meetings.ts';
import { errorDocument } from '../terminal/escape.ts';

/** A format of which nothing is published, or that was deleted here before PILOS had it. */
type OtherState =
  | 'processing'
  | 'empty'
  | 'failed_in_bbb'
  | 'not_produced'
  | 'unpublished'
  | 'deleted'
  | 'lost';

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
}

/** Undefined for a meeting of another front end, or of which nothing is left to say. */
export function readRecordingStatus(
  source: RecordingSource,
  meetingId: string,
  published: PublishedFormat[],
  date: number,
): RecordingStatus | undefined {
  const { config, ledger } = source;
  const here =
    published.length > 0 ? readPublished(source, meetingId, published) : readUnpublished(config, meetingId);
  const deleted = readDeleted(ledger, meetingId, published);
  const isDeleted = (one: FormatStatus) =>
    deleted.some((gone) => gone.format === one.format && gone.record_id === one.record_id);
  const formats = [...(here?.formats.filter((one) => !isDeleted(one)) ?? []), ...deleted];
  // A meeting of another front end is in no ledger.
  if (formats.length === 0) return undefined;
  return {
    meeting_id: meetingId,
    external_id: here?.external_id ?? '',
    name: here?.name ?? '',
    date: new Date(date).toISOString(),
    formats,
    sender_done: existsSync(senderDoneFile(config.recordingDir, meetingId)),
  };
}

type Known = Pick<RecordingStatus, 'external_id' | 'name' | 'formats'>;

function readPublished(
  { config, ledger }: RecordingSource,
  meetingId: string,
  published: PublishedFormat[],
): Known | undefined {
  const meeting = readPilosMeeting(config, meetingId, published, () => undefined);
  if (meeting === undefined) return undefined;
  const problem = meeting.subDir instanceof ExpectedError ? errorDocument(meeting.subDir) : undefined;
  const formats = readMeetingFormats({ config, ledger }, meetingId, published);
  return {
    external_id: meeting.metadata?.externalId ?? '',
    name: meeting.metadata?.meetingName ?? '',
    formats: formats.map(({ recordId, format, bbb, delivery }): FormatStatus => {
      if (delivery === undefined) return { record_id: recordId, format, state: bbbState(bbb), attempts: [] };
      const entry = ledger.read({ meetingId, recordId, format });
      const error = delivery === 'waiting' && problem !== undefined ? { error: problem } : {};
      return { record_id: recordId, format, state: delivery, ...error, ...describeEntry(entry, delivery) };
    }),
  };
}

/** Of a meeting of which nothing is published: BBB works on it, or has given up. */
function readUnpublished(config: Config, meetingId: string): Known | undefined {
  const metadata = readOwnEvents(config, config.origins, meetingId);
  if (metadata === undefined) return undefined;
  const states = readUnpublishedStates(config, config.publishSteps, meetingId);
  return {
    external_id: metadata.externalId,
    name: metadata.meetingName,
    formats: states.map(({ recordId, format, state }) => ({
      record_id: recordId,
      format,
      state: bbbState(state),
      attempts: [],
    })),
  };
}

function bbbState(state: string): OtherState {
  if (state === 'failed') return 'failed_in_bbb';
  return (state === 'not made' ? 'not_produced' : state) as OtherState;
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
  { meeting_id, attempts }: LedgerEntry,
  state: FormatStatus['state'],
): ErrorDocument | undefined {
  const last = attempts.at(-1);
  const failure = last?.result === 'failed' ? last.error : undefined;
  const again = `pilos-post-publish -m ${meeting_id}`;
  if (state === 'refused') {
    const message = 'PILOS has refused it: the archive lies in failed/ of its spool';
    const fix = `find the reason in PILOS' log (does it know the meeting?), then run '${again}'`;
    return { code: 'refused', message, fix };
  }
  if (state === 'outdated') {
    const message = 'PILOS has an earlier version, and keeps it';
    return { code: 'outdated', message, fix: `delete the recording in PILOS, then run '${again} --again'` };
  }
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

/** What the ledger knows of formats that are not published here any more, as after `prune`. */
function readDeleted(
  ledger: Ledger,
  meetingId: string,
  published: readonly PublishedFormat[],
): FormatStatus[] {
  const isHere = (entry: LedgerEntry) =>
    published.some((one) => one.recordId === entry.record_id && one.format === entry.format);
  const gone = ledger.readMeeting(meetingId).filter((entry) => !isHere(entry));
  return gone.map((entry) => {
    const { record_id, format, delivered } = entry;
    const state = delivered?.import?.state ?? (delivered === undefined ? 'lost' : 'delivered');
    return { record_id, format, state, ...describeEntry(entry, state), local_copy_deleted: true };
  });
}
