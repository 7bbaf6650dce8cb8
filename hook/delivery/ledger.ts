/**
 * What was tried and what was delivered: one small JSON file for each format of each recording, in
 * `<work_dir>/ledger/`, and for what `migrate` has sent in `<work_dir>/migrated/`. An entry that is missing or broken
 * only means that the recording is delivered again.
 */
import { readdirSync, readFileSync, type Stats, statSync } from 'node:fs';
import type { PublishedFormat } from '../bbb/bbb.ts';
import { errnoName, isSystemError, translateErrno, withErrnoTranslated } from '../system/errno.ts';
import { replaceFile } from '../system/work-dir.ts';

export interface Delivery {
  /** When it was complete, ISO 8601, UTC. */
  at: string;
  bytes: number;
  seconds: number;
  destination: string;
  name: string;
  /** Of the files that were delivered: ArchivePlan.fingerprint. */
  fingerprint: string;
  /** Of their `metadata.xml`: {@link readStamp}. */
  stamp: string;
}

export interface Attempt {
  /** When it ended, ISO 8601, UTC. */
  at: string;
  seconds: number;
  outcome: 'delivered' | 'failed';
  bytes?: number;
  destination?: string;
  error?: string;
  exit_status?: number;
}

export interface LedgerEntry {
  meeting_id: string;
  record_id: string;
  format: string;
  /** `waiting`: to be delivered by `deliver`, also when a delivery of older files stands below. */
  state: 'waiting' | 'failed' | 'delivered';
  /** The last delivery that succeeded. */
  delivered?: Delivery;
  /** The latest, oldest first. */
  attempts: Attempt[];
}

/** Attempts that an entry keeps, so that it stays small after a month of retries. */
const keptAttempts = 20;

type Key = Pick<PublishedFormat, 'meetingId' | 'recordId' | 'format'>;

export interface Ledger {
  /** The entry, undefined when there is none or it cannot be read. */
  read(key: Key): LedgerEntry | undefined;
  /** The entries of a meeting, also of what is not on this server any more. */
  readMeeting(meetingId: string): LedgerEntry[];
  /** Changes an entry, atomically. Throws ExpectedError when `work_dir` cannot be written. */
  recordWaiting(key: Key): void;
  recordFailure(key: Key, attempt: Omit<Attempt, 'outcome'>): void;
  recordDelivery(key: Key, delivery: Delivery): void;
  /** The files of a delivery look new (another inode, say) but are the same: notes their stamp. */
  recordSameFiles(key: Key, delivery: Delivery, stamp: string): void;
}

/** Two that never meet: what was migrated is neither missing here, nor may it be deleted here. */
export type LedgerName = 'ledger' | 'migrated';

export function openLedger(workDir: string, name: LedgerName = 'ledger'): Ledger {
  const directory = `${workDir}/${name}`;
  const read = (key: Key) => readEntry(entryFile(directory, key), key);
  const change = (key: Key, update: (entry: LedgerEntry) => Partial<LedgerEntry>) => {
    const before = read(key) ?? emptyEntry(key);
    const entry = { ...before, ...update(before) };
    entry.attempts = entry.attempts.slice(-keptAttempts);
    withErrnoTranslated(`cannot write the ledger in ${directory}`, () => {
      replaceFile(workDir, entryFile(directory, key), `${JSON.stringify(entry, null, 2)}\n`);
    });
  };
  return {
    read,
    readMeeting: (meetingId) => readMeetingEntries(directory, meetingId),
    recordWaiting: (key) => change(key, () => ({ state: 'waiting' })),
    recordFailure: (key, attempt) =>
      change(key, ({ attempts }) => ({
        state: 'failed',
        attempts: [...attempts, { ...attempt, outcome: 'failed' }],
      })),
    recordDelivery: (key, delivery) =>
      change(key, ({ attempts }) => ({
        state: 'delivered',
        delivered: delivery,
        attempts: [...attempts, attemptOf(delivery)],
      })),
    recordSameFiles: (key, delivery, stamp) =>
      change(key, () => ({ state: 'delivered', delivered: { ...delivery, stamp } })),
  };
}

function attemptOf({ at, seconds, bytes, destination }: Delivery): Attempt {
  return { at, seconds, outcome: 'delivered', bytes, destination };
}

function entryFile(directory: string, { recordId, format }: Key): string {
  return `${directory}/${recordId}-${format}.json`;
}

function emptyEntry({ meetingId, recordId, format }: Key): LedgerEntry {
  return { meeting_id: meetingId, record_id: recordId, format, state: 'waiting', attempts: [] };
}

function readEntry(file: string, key?: Key): LedgerEntry | undefined {
  try {
    // Not `readFileSync(file, 'utf8')`: that aborts the program when close fails, as it may on FUSE or NFS.
    const entry: unknown = JSON.parse(readFileSync(file).toString());
    return isEntry(entry, key) ? entry : undefined;
  } catch {
    return undefined;
  }
}

/** Found by their file names, since neither a segment's record id nor the formats that there were are known. */
function readMeetingEntries(directory: string, meetingId: string): LedgerEntry[] {
  const names = readNames(directory).filter((name) => name.startsWith(`${meetingId}-`));
  return names.flatMap((name) => {
    const entry = readEntry(`${directory}/${name}`);
    const isItsOwn = entry?.meeting_id === meetingId && name === `${entry.record_id}-${entry.format}.json`;
    return isItsOwn ? [entry] : [];
  });
}

function readNames(directory: string): string[] {
  try {
    return readdirSync(directory).sort();
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return [];
    throw translateErrno(error, `cannot read the ledger in ${directory}`);
  }
}

/** Written by us, and perhaps by an editor or half by a crash: nothing in it is taken for granted. */
function isEntry(value: unknown, key: Key | undefined): value is LedgerEntry {
  if (typeof value !== 'object' || value === null) return false;
  const entry = value as Partial<LedgerEntry>;
  return (
    (key === undefined || (entry.record_id === key.recordId && entry.format === key.format)) &&
    Array.isArray(entry.attempts) &&
    ['waiting', 'failed', 'delivered'].includes(entry.state ?? '') &&
    (entry.state !== 'delivered' || typeof entry.delivered?.fingerprint === 'string')
  );
}

/** Of a format's `metadata.xml`; undefined when it is gone or may not be looked at, which a delivery tells. */
export function statMetadata({ directory }: Pick<PublishedFormat, 'directory'>): Stats | undefined {
  try {
    return statSync(`${directory}/metadata.xml`, { throwIfNoEntry: false });
  } catch (error) {
    if (isSystemError(error)) return undefined;
    throw error;
  }
}

/** Changes whenever BBB publishes the format again, and costs one system call; `''` when nobody can tell. */
export function readStamp(published: Pick<PublishedFormat, 'directory'>): string {
  const stats = statMetadata(published);
  return stats === undefined ? '' : `${stats.size}-${stats.mtimeMs}-${stats.ino}`;
}

/** True when exactly what is published now has been delivered. */
export function isDelivered(entry: LedgerEntry | undefined, stamp: string): boolean {
  return entry?.state === 'delivered' && entry.delivered?.stamp === stamp && stamp !== '';
}
