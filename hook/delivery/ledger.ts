/**
 * What was tried, what was delivered and what became of it: one small JSON file for each format of each recording,
 * in `<work_dir>/ledger/`, and for what `migrate` has sent in `<work_dir>/migrated/`.
 */
import { readdirSync, readFileSync, rmSync, type Stats, statSync } from 'node:fs';
import type { PublishedFormat } from '../bbb/bbb.ts';
import { type Format, isFormat, isMeetingId, isRecordId, type MeetingId, type RecordId } from '../bbb/ids.ts';
import type { ExitStatus } from '../errors.ts';
import { errnoName, isSystemError, translateErrno, withErrnoTranslated } from '../system/errno.ts';
import { replaceFile } from '../system/work-dir.ts';

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

interface CutTransfer {
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
  /** A delivery is under way; `run` tells whether its process is alive. */
  sending?: { since: string; run: string };
  /** What a transfer that was cut may have left in the spool, and where. */
  cut?: CutTransfer;
  /** The latest, oldest first. */
  attempts: Attempt[];
}

/** Attempts that an entry keeps, so that it stays small after a month of retries. */
const keptAttempts = 20;

export type LedgerKey = Pick<PublishedFormat, 'meetingId' | 'recordId' | 'format'>;

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

function readEntry(file: string, key?: LedgerKey): LedgerEntry | undefined {
  try {
    // Not `readFileSync(file, 'utf8')`: that aborts the program when close fails, as it may on FUSE or NFS.
    return parseEntry(JSON.parse(readFileSync(file).toString()), key);
  } catch {
    return undefined;
  }
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

/** An entry of version 1.0.0 has a `state`, `outcome` for `result`, and a sentence for an error. */
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
  if (state === 'waiting') entry.waiting = entry.attempts.at(-1)?.at ?? now();
  return entry;
}

function parseAttempt(attempt: Attempt & { outcome?: 'delivered' | 'failed' }): Attempt {
  const { outcome, ...rest } = attempt;
  const error: unknown = rest.error;
  if (typeof error === 'string') rest.error = { code: 'unnamed', message: error, fix: '' };
  return { ...rest, result: rest.result ?? outcome ?? 'failed' };
}

/** Of a format's `metadata.xml`; undefined when it is gone or may not be read, which a delivery reports. */
export function statMetadata({ directory }: Pick<PublishedFormat, 'directory'>): Stats | undefined {
  try {
    return statSync(`${directory}/metadata.xml`, { throwIfNoEntry: false });
  } catch (error) {
    if (isSystemError(error)) return undefined;
    throw error;
  }
}
