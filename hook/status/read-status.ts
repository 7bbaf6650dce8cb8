/** What became of this server's PILOS recordings: BBB's files and the ledger → {@link RecordingStatus}. */
import { existsSync, statSync } from 'node:fs';
import { type PublishedFormat, readAllPublished, readPublishedFormats } from '../bbb/bbb.ts';
import { type FormatState, isBeingPublished, readFormatStates } from '../bbb/format-states.ts';
import { senderDoneFile } from '../bbb/sender-done.ts';
import { readOwnEvents, readRawMeetingIds, readUnpublishedStates } from '../bbb/unpublished.ts';
import type { Config } from '../config/config.ts';
import {
  type Attempt,
  type Delivery,
  isDelivered,
  type Ledger,
  type LedgerEntry,
  openLedger,
  readStamp,
} from '../delivery/ledger.ts';
import { ExpectedError } from '../errors.ts';
import { readOurMeeting } from '../pilos/meetings.ts';
import { describeError } from '../terminal/escape.ts';

/** One format of a recording, as `--json` prints it. */
export interface FormatStatus {
  record_id: string;
  format: string;
  /**
   * `failed`: our delivery; `failed in BBB`: never published; `processing`: BBB is not done with it; `not made`:
   * BBB has no raw files any more to make it from, as when the format came to this server later.
   */
  state: 'delivered' | 'failed' | 'waiting' | 'processing' | 'failed in BBB' | 'not made';
  /** Why it failed, or why it will. */
  error?: string;
  /** Bytes of the archive that was delivered. */
  bytes?: number;
  delivered?: Delivery;
  /** It is not published here any more; the ledger tells the rest. */
  local_copy_deleted?: true;
  attempts: Attempt[];
}

/** One meeting's recording, as `--json` prints it. */
export interface RecordingStatus {
  meeting_id: string;
  /** `''` when no file tells any more. */
  name: string;
  /** When the meeting began, or else when it was published; ISO 8601, UTC. */
  date: string;
  formats: FormatStatus[];
  sender_done: boolean;
}

export interface StatusFilter {
  failed: boolean;
  missing: boolean;
  /** Milliseconds since 1970. */
  since: number | undefined;
  /** Empty: all that are here; named ones also when only the ledger knows them. */
  meetingIds: readonly string[];
}

/** A recording that may be shown. */
interface Candidate {
  meetingId: string;
  published: PublishedFormat[];
  /** Milliseconds since 1970. */
  date: number;
}

/** The recordings that the filter lets through, newest first; one at a time, since there may be many. */
export function* readStatus(config: Config, filter: StatusFilter): Generator<RecordingStatus> {
  const ledger = openLedger(config.workDir);
  const isNamed = filter.meetingIds.length > 0;
  // Taken off the list, so that the memory of what was shown can be used again.
  const candidates = readCandidates(config, filter).reverse();
  for (let candidate = candidates.pop(); candidate !== undefined; candidate = candidates.pop()) {
    const recording = statusOf(config, ledger, candidate, isNamed);
    if (recording !== undefined && passes(recording, filter)) yield recording;
  }
}

function passes({ formats }: RecordingStatus, { failed, missing }: StatusFilter): boolean {
  if (failed) return formats.some((one) => one.state === 'failed');
  return !missing || formats.some((one) => ['failed', 'waiting', 'processing'].includes(one.state));
}

function readCandidates(config: Config, { since = 0, meetingIds }: StatusFilter): Candidate[] {
  const found = new Map(
    meetingIds.length === 0
      ? readAllPublished(config)
      : meetingIds.map((id) => [id, readPublishedFormats(config, id)]),
  );
  if (meetingIds.length === 0) {
    for (const id of readRawMeetingIds(config)) if (!found.has(id)) found.set(id, []);
  }
  return [...found]
    .map(([meetingId, published]) => ({ meetingId, published, date: dateOf(config, meetingId, published) }))
    .filter(({ date }) => date >= since)
    .sort((one, other) => other.date - one.date || (one.meetingId < other.meetingId ? -1 : 1));
}

/** BBB's meeting ids end in the moment when the meeting began, in milliseconds since 1970. */
function dateOf(config: Config, meetingId: string, published: readonly PublishedFormat[]): number {
  const [, milliseconds] = /-(\d{13})$/.exec(meetingId) ?? [];
  if (milliseconds !== undefined) return Number(milliseconds);
  const directories = [...published.map((one) => one.directory), `${config.recordingDir}/raw/${meetingId}`];
  const times = directories.map((path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0);
  return times.find((time) => time > 0) ?? 0;
}

/** Undefined for a meeting of another front end, or of which nothing is left to tell. */
function statusOf(
  config: Config,
  ledger: Ledger,
  { meetingId, published, date }: Candidate,
  isNamed: boolean,
): RecordingStatus | undefined {
  const here =
    published.length > 0
      ? publishedStatus(config, ledger, meetingId, published)
      : unpublishedStatus(config, meetingId);
  const deleted = isNamed ? deletedFormats(ledger, meetingId, published) : [];
  const isGone = (one: FormatStatus) =>
    deleted.some((gone) => gone.format === one.format && gone.record_id === one.record_id);
  const formats = [...(here?.formats.filter((one) => !isGone(one)) ?? []), ...deleted];
  // A meeting of another front end is in no ledger.
  if (formats.length === 0) return undefined;
  return {
    meeting_id: meetingId,
    name: here?.name ?? '',
    date: new Date(date).toISOString(),
    formats,
    sender_done: existsSync(senderDoneFile(config.recordingDir, meetingId)),
  };
}

type Known = Pick<RecordingStatus, 'name' | 'formats'>;

function publishedStatus(
  config: Config,
  ledger: Ledger,
  meetingId: string,
  published: PublishedFormat[],
): Known | undefined {
  const meeting = readOurMeeting(config, meetingId, published, () => undefined);
  if (meeting === undefined) return undefined;
  const problem = meeting.subDir instanceof ExpectedError ? describeError(meeting.subDir) : undefined;
  const states = readFormatStates(config, config.publishSteps, meetingId, published);
  return {
    name: meeting.metadata?.meetingName ?? '',
    formats: states.map((state): FormatStatus => {
      if (state.state !== 'published') return unpublishedFormat(state);
      const directory = `${config.publishedDir}/${state.format}/${state.recordId}`;
      return publishedFormat(config, ledger, { ...state, meetingId, directory }, problem);
    }),
  };
}

function publishedFormat(
  config: Config,
  ledger: Ledger,
  published: PublishedFormat,
  problem: string | undefined,
): FormatStatus {
  const entry = ledger.read(published);
  const basis = { record_id: published.recordId, format: published.format, ...knownOf(entry) };
  if (isDelivered(entry, readStamp(published))) return { ...basis, state: 'delivered' };
  if (entry?.state === 'failed')
    return { ...basis, state: 'failed', error: entry.attempts.at(-1)?.error ?? '' };
  if (isBeingPublished(config, published)) return { ...basis, state: 'processing' };
  return { ...basis, state: 'waiting', ...(problem === undefined ? {} : { error: problem }) };
}

function knownOf(entry: LedgerEntry | undefined): Pick<FormatStatus, 'delivered' | 'bytes' | 'attempts'> {
  const attempts = entry?.attempts ?? [];
  if (entry?.delivered === undefined) return { attempts };
  return { delivered: entry.delivered, bytes: entry.delivered.bytes, attempts };
}

function unpublishedStatus(config: Config, meetingId: string): Known | undefined {
  const metadata = readOwnEvents(config, config.origins, meetingId);
  if (metadata === undefined) return undefined;
  const states = readUnpublishedStates(config, config.publishSteps, meetingId);
  return { name: metadata.meetingName, formats: states.map(unpublishedFormat) };
}

function unpublishedFormat({ recordId, format, state }: FormatState): FormatStatus {
  const what = state === 'not made' ? state : state === 'failed' ? 'failed in BBB' : 'processing';
  return { record_id: recordId, format, state: what, attempts: [] };
}

/** What the ledger knows of formats that are not published here any more, as after `prune`. */
function deletedFormats(
  ledger: Ledger,
  meetingId: string,
  published: readonly PublishedFormat[],
): FormatStatus[] {
  const isHere = (entry: LedgerEntry) =>
    published.some((one) => one.recordId === entry.record_id && one.format === entry.format);
  const gone = ledger.readMeeting(meetingId).filter((entry) => !isHere(entry));
  return gone.map((entry) => {
    const { record_id, format, state, attempts } = entry;
    const error = state === 'failed' ? { error: attempts.at(-1)?.error ?? '' } : {};
    return { record_id, format, state, ...error, ...knownOf(entry), local_copy_deleted: true };
  });
}
