/** What became of this server's PILOS recordings: BBB's files and the ledger → {@link RecordingStatus}. */

import { existsSync, statSync } from 'node:fs';
import type { Config } from '../config.ts';
import { type Attempt, type Delivery, isDelivered, type Ledger, openLedger, readStamp } from '../ledger.ts';
import { type OurMeeting, readOurMeetings } from '../ours.ts';
import { type FormatState, readFormatStates } from '../recording.ts';
import { senderDoneFile } from '../sender-done.ts';

/** One format of a recording, as `--json` prints it. */
export interface FormatStatus {
  record_id: string;
  format: string;
  /** `failed`: in our delivery; `failed in BBB`: never published; `processing`: BBB is not done with it. */
  state: 'delivered' | 'failed' | 'waiting' | 'processing' | 'failed in BBB';
  /** Why it failed. */
  error?: string;
  /** Bytes of the archive that was delivered. */
  bytes?: number;
  delivered?: Delivery;
  attempts: Attempt[];
}

/** One meeting's recording, as `--json` prints it. */
export interface RecordingStatus {
  meeting_id: string;
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
  /** Empty: all. */
  meetingIds: readonly string[];
}

/** The recordings that the filter lets through, newest first. */
export function readStatus(config: Config, filter: StatusFilter): RecordingStatus[] {
  const wanted = new Set(filter.meetingIds);
  const meetings = readOurMeetings(
    config,
    (id) =>
      (wanted.size === 0 || wanted.has(id)) && (filter.since === undefined || dateOf(id) >= filter.since),
    () => undefined,
  );
  const ledger = openLedger(config.workDir);
  return meetings
    .map((meeting) => statusOf(config, ledger, meeting))
    .filter((recording) => passes(recording, filter))
    .sort((one, other) => (one.date < other.date ? 1 : -1));
}

function passes({ formats }: RecordingStatus, { failed, missing }: StatusFilter): boolean {
  if (failed) return formats.some((one) => one.state === 'failed');
  return !missing || formats.some((one) => ['failed', 'waiting', 'processing'].includes(one.state));
}

/** BBB's meeting ids end in the moment when the meeting began, in milliseconds since 1970; infinity when not. */
function dateOf(meetingId: string): number {
  const [, milliseconds] = /-(\d{13})$/.exec(meetingId) ?? [];
  return milliseconds === undefined ? Number.POSITIVE_INFINITY : Number(milliseconds);
}

function statusOf(config: Config, ledger: Ledger, meeting: OurMeeting): RecordingStatus {
  const { meetingId, published, metadata } = meeting;
  const states = readFormatStates(config, config.publishSteps, meetingId, published);
  const formats = states.map((state) => formatStatus(config, ledger, meetingId, state));
  const date = Number.isFinite(dateOf(meetingId)) ? dateOf(meetingId) : publishedAt(meeting);
  return {
    meeting_id: meetingId,
    name: metadata?.meetingName ?? '',
    date: new Date(date).toISOString(),
    formats,
    sender_done: existsSync(senderDoneFile(config.recordingDir, meetingId)),
  };
}

function publishedAt({ published }: OurMeeting): number {
  const times = published.map((one) => statSync(one.directory, { throwIfNoEntry: false })?.mtimeMs ?? 0);
  return Math.max(0, ...times);
}

function formatStatus(
  config: Config,
  ledger: Ledger,
  meetingId: string,
  { recordId, format, state }: FormatState,
): FormatStatus {
  const basis = { record_id: recordId, format };
  if (state === 'failed') return { ...basis, state: 'failed in BBB', attempts: [] };
  if (state === 'processing') return { ...basis, state: 'processing', attempts: [] };
  const entry = ledger.read({ meetingId, recordId, format });
  const attempts = entry?.attempts ?? [];
  const known =
    entry?.delivered === undefined ? {} : { delivered: entry.delivered, bytes: entry.delivered.bytes };
  const stamp = readStamp({ directory: `${config.publishedDir}/${format}/${recordId}` });
  if (isDelivered(entry, stamp)) return { ...basis, state: 'delivered', ...known, attempts };
  if (entry?.state !== 'failed') return { ...basis, state: 'waiting', ...known, attempts };
  return { ...basis, state: 'failed', error: attempts.at(-1)?.error ?? '', ...known, attempts };
}
