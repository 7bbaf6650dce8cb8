/** Sends candidates: like a delivery, but it touches nothing of BBB's, and has a ledger of its own. */
import type { ArchivePlan } from '../archive/archive.ts';
import { readStamp } from '../archive/stamp.ts';
import { planDeliveredArchive } from '../delivery/content.ts';
import { type DeliveryContext, type FormatDelivery, lockFormat, planDelivery } from '../delivery/context.ts';
import { openLedger } from '../delivery/ledger.ts';
import type { Delivery, ImportState } from '../delivery/ledger-entry.ts';
import { packAndSend } from '../delivery/pack-and-send.ts';
import { basisOf as basisOfDelivery, type ResultBasis, tolerate } from '../delivery/result.ts';
import { attempt, EXIT, type ExitStatus, ExpectedError, exitStatusOf } from '../errors.ts';
import { translateErrno } from '../system/errno.ts';
import { type ErrorDocument, errorDocument } from '../terminal/escape.ts';
import type { Candidate } from './candidates.ts';
import type { MeetingMap } from './meeting-map.ts';

/** How one format went, as `--json` prints it. */
export type MigrationResult = SentResult | UnsentResult;

type Basis = ResultBasis & {
  /** By which PILOS finds the meeting. */
  external_id: string;
  name: string;
  /** When the meeting began, ISO 8601, UTC; `''` when no file has it. */
  date: string;
  directory: string;
  /** False for one that was hidden in its front end. */
  published: boolean;
  /** Everyone may see it in PILOS. */
  public: boolean;
};

export type SentResult = Basis &
  (
    | { state: 'delivered'; bytes: number; files: number; seconds: number; import_state?: ImportState }
    /** Sent by an earlier run. */
    | { state: 'unchanged'; bytes: number; import_state?: ImportState }
    | { state: 'planned'; bytes: number; files: number }
  );

export type UnsentResult = Basis & {
  /**
   * `waiting`: not tried, because of an earlier failure; `cannot_be_packed`: PILOS could not import it; `refused`: PILOS
   * did not import it.
   */
  state: 'waiting' | 'cannot_be_packed' | 'failed' | 'refused';
  error: ErrorDocument;
  exit_status: ExitStatus;
};

export interface Sending {
  context: DeliveryContext;
  /** Where PILOS looks for archives; those that everyone may see go into its `public/`. */
  subDir: string;
  map: MeetingMap | undefined;
  /** Milliseconds since 1970: what was sent before then is sent again. */
  sentSince: number;
  /** What PILOS has refused is sent again. */
  againRefused: boolean;
}

/** The sub directories of the spool into which these go. */
export function subDirsOf({ subDir }: Pick<Sending, 'subDir'>, candidates: readonly Candidate[]): string[] {
  const used = candidates.filter(({ problem }) => problem === undefined);
  return [...new Set(used.map((candidate) => subDirOf({ subDir }, candidate)))].sort();
}

/** Both that there are, used or not. */
export function destinationsOf(sending: Sending): string[] {
  const { spool } = sending.context;
  return [false, true].map((isPublic) => spool.destination(subDirOf(sending, { isPublic })));
}

function subDirOf({ subDir }: Pick<Sending, 'subDir'>, { isPublic }: Pick<Candidate, 'isPublic'>): string {
  if (!isPublic) return subDir;
  return subDir === '' ? 'public' : `${subDir}/public`;
}

function deliveryOf(sending: Sending, candidate: Candidate): FormatDelivery {
  const { context, map } = sending;
  const mapMeetingId = map === undefined ? undefined : (id: string) => map.get(id) ?? id;
  return { ...planDelivery(context, candidate.published, subDirOf(sending, candidate)), mapMeetingId };
}

function planOf(sending: Sending, candidate: Candidate): ArchivePlan | ExpectedError {
  const { published, mapMeetingId } = deliveryOf(sending, candidate);
  return attempt(() => planDeliveredArchive(published, mapMeetingId));
}

function basisOf(sending: Sending, candidate: Candidate) {
  const { published, externalId, name, startTime, isPublished, isPublic } = candidate;
  return {
    ...basisOfDelivery(deliveryOf(sending, candidate)),
    external_id: externalId,
    name,
    date: startTime === undefined ? '' : new Date(startTime).toISOString(),
    directory: published.directory,
    published: isPublished,
    public: isPublic,
  };
}

/** A result for what was not sent: PILOS' limits are distinguished from what can be corrected. */
export function notSent(sending: Sending, candidate: Candidate, reason: ExpectedError): UnsentResult {
  return {
    ...basisOf(sending, candidate),
    state: reason.exitStatus === EXIT.data ? 'cannot_be_packed' : 'failed',
    error: errorDocument(reason),
    exit_status: exitStatusOf(reason),
  };
}

export function notTried(sending: Sending, candidate: Candidate, reason: ExpectedError): MigrationResult {
  const document = errorDocument(reason);
  const error = { ...document, message: `not tried: ${document.message}` };
  return { ...basisOf(sending, candidate), state: 'waiting', error, exit_status: exitStatusOf(reason) };
}

/** The delivery of exactly these files; undefined when they have to be sent. */
export function findSent(sending: Sending, candidate: Candidate, isDryRun = false): Delivery | undefined {
  const { context, sentSince, againRefused } = sending;
  const { published } = candidate;
  const ledger = openLedger(context.config.workDir, 'migrated');
  const entry = ledger.read(published);
  const sent = entry?.delivered;
  if (sent === undefined || Date.parse(sent.at) < sentSince) return undefined;
  if (againRefused && sent.import?.state === 'refused') return undefined;
  const stamp = readStamp(published.directory);
  if (stamp !== '' && sent.stamp === stamp) return sent;
  // The tree may have been copied again: then only the inodes are new.
  const plan = planOf(sending, candidate);
  if (plan instanceof ExpectedError || plan.fingerprint !== sent.fingerprint) return undefined;
  if (!isDryRun) ledger.recordSameFiles(published, stamp);
  return sent;
}

export function alreadySent(sending: Sending, candidate: Candidate, { bytes }: Delivery): MigrationResult {
  return { ...basisOf(sending, candidate), state: 'unchanged', bytes };
}

/** What would be sent, reading only. */
export function planToSend(sending: Sending, candidate: Candidate): MigrationResult {
  const plan = planOf(sending, candidate);
  if (plan instanceof ExpectedError) return notSent(sending, candidate, plan);
  return { ...basisOf(sending, candidate), state: 'planned', bytes: plan.size, files: plan.files };
}

/** Sends one, never twice at the same time. @throws ExpectedError when it was not sent */
export async function sendCandidate(sending: Sending, candidate: Candidate): Promise<MigrationResult> {
  const { context } = sending;
  const { config, run } = context;
  const { published } = candidate;
  const basis = basisOf(sending, candidate);
  const started = Date.now();
  const lock = await lockFormat(config, published, run.signal);
  try {
    // Another run may have sent it while we waited for the lock.
    const sent = findSent(sending, candidate);
    if (sent !== undefined) return alreadySent(sending, candidate, sent);
    const { plan, stamp, checksum, modifiedAt } = await packAndSend(context, deliveryOf(sending, candidate));
    const [seconds, bytes] = [(Date.now() - started) / 1000, plan.size];
    const { destination, archive: name } = basis;
    const at = new Date().toISOString();
    await tolerate(run, 'the ledger does not know of this', () =>
      openLedger(config.workDir, 'migrated').recordDelivery(published, {
        ...{ at, bytes, seconds, destination, name, stamp },
        ...{ fingerprint: plan.fingerprint, checksum, modified_at: modifiedAt },
      }),
    );
    return { ...basis, state: 'delivered', bytes, files: plan.files, seconds };
  } catch (error) {
    const cause: unknown = run.signal.aborted ? run.signal.reason : error;
    throw translateErrno(cause, `cannot send ${basis.archive}`);
  } finally {
    await lock?.release();
  }
}
