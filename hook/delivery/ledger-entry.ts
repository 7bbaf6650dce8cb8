/** One entry of the ledger: what is known of one format of one recording, as its file has it. */
import { readFileSync } from 'node:fs';
import type { PublishedFormat } from '../bbb/bbb.ts';
import { type Format, isFormat, isMeetingId, isRecordId, type MeetingId, type RecordId } from '../bbb/ids.ts';
import type { ExitStatus } from '../errors.ts';

/** What is known of an archive that was delivered: see {@link DeliveryState}. */
export type ImportState = 'delivered' | 'imported' | 'taken' | 'refused';

interface ImportRecord {
  state: ImportState;
  /** When that was seen first, ISO 8601, UTC. */
  at: string;
}

export interface Delivery {
  /** When it was complete, ISO 8601, UTC. */
  at: string;
  bytes: number;
  /** Its own, without those that went to others on their way at the same time. */
  seconds: number;
  destination: string;
  /** `''` for none; absent in a ledger of version 1.0.0. */
  sub_dir?: string;
  name: string;
  /** Of the files that were delivered: ArchivePlan.fingerprint. */
  fingerprint: string;
  /** Of their directory: `readStamp`. */
  stamp: string;
  /** Of their content: what `writeArchive` returns; absent in a ledger of version 1.0.0. */
  checksum?: string;
  /** Fingerprint of files that were read since, and are not the delivered ones: they need not be read again. */
  differing?: string;
  /** What became of it, and when that was seen; absent in a ledger of version 1.0.0. */
  import?: ImportRecord;
  /** The archive's own time, whole seconds in milliseconds since 1970, which moving it does not change. */
  modified_at?: number;
  /** The same of an archive of this name that lay in `failed/` before this one was delivered. */
  earlier_refusal?: number;
}

/** A ledger of version 1.0.0 does not say what became of it. */
export function importStateOf(delivery: Delivery): ImportState {
  return delivery.import?.state ?? 'delivered';
}

export interface CutTransfer {
  /** When it began, ISO 8601, UTC. */
  at: string;
  destination: string;
  sub_dir: string;
}

export interface Attempt {
  /** When it ended, ISO 8601, UTC. */
  at: string;
  seconds: number;
  result: 'delivered' | 'failed';
  bytes?: number;
  destination?: string;
  error?: { code: string; message: string; fix: string };
  exit_status?: ExitStatus;
}

export interface LedgerEntry {
  meeting_id: MeetingId;
  record_id: RecordId;
  format: Format;
  /** The last delivery that succeeded. */
  delivered?: Delivery;
  /** Since when a delivery is asked for that has not been tried yet, as with `deliver: later`. */
  waiting?: string;
  /** Since when we know that an earlier `-sender.done` covered it, written by another script or before this ledger. */
  adopted?: string;
  /** A delivery is under way; `run` says whether its process is alive. */
  sending?: { since: string; run: string };
  /** What a transfer that was cut may have left in the spool, and where. */
  cut?: CutTransfer;
  /** The latest, oldest first. */
  attempts: Attempt[];
}

export type LedgerKey = Pick<PublishedFormat, 'meetingId' | 'recordId' | 'format'>;

/** Undefined when there is none, or none that can be read. @param key the one that it has to be */
export function readEntry(file: string, key?: LedgerKey): LedgerEntry | undefined {
  try {
    // Not `readFileSync(file, 'utf8')`: that aborts the program when close fails, as it may on FUSE or NFS.
    return parseEntry(JSON.parse(readFileSync(file).toString()), key);
  } catch {
    return undefined;
  }
}

/** An entry of version 1.0.0 has a `state`, `outcome` for `result`, and a sentence for an error: only here it is read. */
interface FirstVersion {
  state?: string;
  attempts?: { outcome?: 'delivered' | 'failed'; error?: unknown }[];
}

/** Written by us, and perhaps by an editor or half by a crash: nothing in it is taken for granted. */
function parseEntry(value: unknown, key: LedgerKey | undefined): LedgerEntry | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { state, ...entry } = value as LedgerEntry & FirstVersion;
  if (key !== undefined && (entry.record_id !== key.recordId || entry.format !== key.format))
    return undefined;
  if (!isMeetingId(entry.meeting_id) || !isRecordId(entry.record_id) || !isFormat(entry.format))
    return undefined;
  if (!Array.isArray(entry.attempts)) return undefined;
  if (entry.delivered !== undefined && typeof entry.delivered?.fingerprint !== 'string') return undefined;
  entry.attempts = entry.attempts.map(parseAttempt);
  if (state === 'waiting') entry.waiting = entry.attempts.at(-1)?.at ?? new Date().toISOString();
  return entry;
}

function parseAttempt(attempt: Attempt & { outcome?: 'delivered' | 'failed' }): Attempt {
  const { outcome, ...rest } = attempt;
  const error: unknown = rest.error;
  if (typeof error === 'string') rest.error = { code: 'unnamed', message: error, fix: '' };
  return { ...rest, result: rest.result ?? outcome ?? 'failed' };
}
