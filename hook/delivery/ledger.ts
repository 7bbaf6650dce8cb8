/**
 * What was tried, what was delivered and what became of it: one small JSON file for each format of each recording,
 * in `<work_dir>/ledger/`, and for what `migrate` has sent in `<work_dir>/migrated/`.
 */
import { readdirSync, rmSync } from 'node:fs';
import type { MeetingId } from '../bbb/ids.ts';
import { errnoName, translateErrno, withErrnoTranslated } from '../system/errno.ts';
import { replaceFile } from '../system/work-dir.ts';
import {
  type Attempt,
  type CutTransfer,
  type Delivery,
  type ImportState,
  type LedgerEntry,
  type LedgerKey,
  readEntry,
} from './ledger-entry.ts';

/** Attempts that an entry keeps, so that it stays small after a month of retries. */
const keptAttempts = 20;

export interface Ledger {
  /** The entry, undefined when there is none or it cannot be read. */
  read(key: LedgerKey): LedgerEntry | undefined;
  /** The entries of a meeting, also of what is not on this server any more. */
  readMeeting(meetingId: MeetingId): LedgerEntry[];
  /** The same for many meetings: the directory is listed once, when this is called. */
  readMeetings(): (meetingId: MeetingId) => LedgerEntry[];
  readAll(): LedgerEntry[];
  /** Each of these changes an entry, atomically. Throws ExpectedError when `work_dir` cannot be written. */
  recordWaiting(key: LedgerKey): void;
  recordAdopted(key: LedgerKey): void;
  recordSending(key: LedgerKey, run: string, to: Omit<CutTransfer, 'at'>): void;
  /** Nothing of a cut transfer is there any more, or nobody can remove it. */
  forgetCut(key: LedgerKey): void;
  recordFailure(key: LedgerKey, attempt: Omit<Attempt, 'result'>): void;
  recordDelivery(key: LedgerKey, delivery: Delivery): void;
  recordImport(key: LedgerKey, state: ImportState): void;
  /** The files of a delivery look new (another inode, say) but are the same: notes their stamp. */
  recordSameFiles(key: LedgerKey, stamp: string, fingerprint?: string): void;
  /** The spool that has it got another address. */
  recordMove(key: LedgerKey, destination: string): void;
  /** Nobody can say what became of it, so it counts as not delivered. */
  forgetDelivery(key: LedgerKey): void;
  /** The files are other ones now. */
  recordOtherFiles(key: LedgerKey, fingerprint: string): void;
  /** Removes the entries of a meeting. */
  forget(meetingId: MeetingId): void;
}

/** Two that never meet: what was migrated is neither missing here, nor may it be deleted here. */
export type LedgerName = 'ledger' | 'migrated';

export function openLedger(workDir: string, name: LedgerName = 'ledger'): Ledger {
  const directory = `${workDir}/${name}`;
  const read = (key: LedgerKey) => readEntry(entryFile(directory, key), key);
  const change = (key: LedgerKey, update: (entry: LedgerEntry) => void) => {
    const entry = read(key) ?? emptyEntry(key);
    update(entry);
    entry.attempts = entry.attempts.slice(-keptAttempts);
    withErrnoTranslated(`cannot write the ledger in ${directory}`, () => {
      replaceFile(workDir, entryFile(directory, key), `${JSON.stringify(entry, null, 2)}\n`);
    });
  };
  return {
    read,
    readMeeting: (meetingId) => entriesOf(directory, readNames(directory), meetingId),
    readMeetings: () => {
      const names = readNames(directory);
      return (meetingId) => entriesOf(directory, names, meetingId);
    },
    readAll: () => readEntries(directory, readNames(directory)),
    recordWaiting: (key) =>
      change(key, (entry) => {
        entry.waiting = now();
      }),
    recordAdopted: (key) =>
      change(key, (entry) => {
        entry.adopted = now();
      }),
    recordSending: (key, run, to) =>
      change(key, (entry) => {
        entry.sending = { since: now(), run };
        entry.cut = { at: now(), ...to };
      }),
    forgetCut: (key) =>
      change(key, (entry) => {
        delete entry.cut;
      }),
    recordFailure: (key, attempt) =>
      change(key, (entry) => {
        clearRequest(entry);
        entry.attempts.push({ ...attempt, result: 'failed' });
      }),
    recordDelivery: (key, delivery) =>
      change(key, (entry) => {
        clearRequest(entry);
        delete entry.cut;
        const refused = entry.delivered === undefined ? undefined : refusalOf(entry.delivered);
        entry.delivered = { import: { state: 'delivered', at: delivery.at }, ...delivery };
        if (refused !== undefined) entry.delivered.earlier_refusal = refused;
        const { at, seconds, bytes, destination } = delivery;
        entry.attempts.push({ at, seconds, result: 'delivered', bytes, destination });
      }),
    recordImport: (key, state) =>
      change(key, ({ delivered }) => {
        if (delivered !== undefined) delivered.import = { state, at: now() };
      }),
    recordSameFiles: (key, stamp, fingerprint) =>
      change(key, (entry) => {
        clearRequest(entry);
        if (entry.delivered === undefined) return;
        entry.delivered.stamp = stamp;
        delete entry.delivered.differing;
        if (fingerprint !== undefined) entry.delivered.fingerprint = fingerprint;
      }),
    recordMove: (key, destination) =>
      change(key, ({ delivered }) => {
        if (delivered !== undefined) delivered.destination = destination;
      }),
    forgetDelivery: (key) => change(key, (entry) => delete entry.delivered),
    recordOtherFiles: (key, fingerprint) =>
      change(key, ({ delivered }) => {
        if (delivered !== undefined) delivered.differing = fingerprint;
      }),
    forget: (meetingId) => {
      for (const entry of entriesOf(directory, readNames(directory), meetingId)) {
        const file = `${directory}/${entry.record_id}-${entry.format}.json`;
        withErrnoTranslated(`cannot remove ${file}`, () => rmSync(file));
      }
    },
  };
}

/** When the archive was made that lies in `failed/`. */
function refusalOf(delivered: Delivery): number | undefined {
  return delivered.import?.state === 'refused' ? delivered.modified_at : delivered.earlier_refusal;
}

function now(): string {
  return new Date().toISOString();
}

function clearRequest(entry: LedgerEntry): void {
  delete entry.waiting;
  delete entry.sending;
}

function entryFile(directory: string, { recordId, format }: LedgerKey): string {
  return `${directory}/${recordId}-${format}.json`;
}

function emptyEntry({ meetingId, recordId, format }: LedgerKey): LedgerEntry {
  return { meeting_id: meetingId, record_id: recordId, format, attempts: [] };
}

/**
 * The entries of a meeting, found by their file names, since neither a segment's record id nor the formats that there
 * were are known.
 */
function entriesOf(directory: string, names: readonly string[], meetingId: MeetingId): LedgerEntry[] {
  const prefix = `${meetingId}-`;
  const begin = firstFrom(names, prefix);
  let end = begin;
  while (names[end]?.startsWith(prefix)) end += 1;
  return readEntries(directory, names.slice(begin, end)).filter((entry) => entry.meeting_id === meetingId);
}

/** The index of the first of the sorted names that is not less than `text`. */
function firstFrom(names: readonly string[], text: string): number {
  let [low, high] = [0, names.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((names[middle] ?? '') < text) low = middle + 1;
    else high = middle;
  }
  return low;
}

function readEntries(directory: string, names: readonly string[]): LedgerEntry[] {
  return names.flatMap((name) => {
    const entry = readEntry(`${directory}/${name}`);
    return entry === undefined || name !== `${entry.record_id}-${entry.format}.json` ? [] : [entry];
  });
}

/** Sorted. */
function readNames(directory: string): string[] {
  try {
    return readdirSync(directory).sort();
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return [];
    throw translateErrno(error, `cannot read the ledger in ${directory}`);
  }
}
