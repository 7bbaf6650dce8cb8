/** One published format of one recording: archive → spool → ledger, never twice at the same time. */
import { futimesSync } from 'node:fs';
import { type ArchivePlan, importMemory, PublishedFilesChanged } from '../archive/archive.ts';
import { readStamp } from '../archive/stamp.ts';
import { writeArchive } from '../archive/write-archive.ts';
import { attempt, EXIT, ExpectedError } from '../errors.ts';
import { NotTried } from '../spool/spool.ts';
import { translateErrno } from '../system/errno.ts';
import { createRunToken } from '../system/run-token.ts';
import { removeAbandonedWorkFiles } from '../system/work-dir.ts';
import { errorDocument } from '../terminal/escape.ts';
import { confirmImports, unconfirmed } from './confirm.ts';
import { type FormatState, planDeliveredArchive, readDeliveryState, refreshContent } from './content.ts';
import { type DeliveryContext, type FormatDelivery, lockFormat } from './context.ts';
import type { Delivery } from './ledger-entry.ts';
import {
  basisOf,
  type DeliveryResult,
  failureOf,
  notTried,
  recordDelivery,
  recordFailure,
  type Sent,
  tolerate,
} from './result.ts';
import { markOutstanding } from './settle-meeting.ts';
import { isOpen } from './state.ts';
import { rememberHost } from './unreachable.ts';

export interface DeliveryRequest {
  /** Somebody asks for this one: also what was refused or adopted is sent. */
  isNamed: boolean;
  /** Send also what PILOS has, since it was deleted there. */
  again: boolean;
}

/** Delivers one format and records how it went. Expected failures are logged and returned, bugs thrown. */
export async function deliverFormat(
  context: DeliveryContext,
  delivery: FormatDelivery,
  request: DeliveryRequest,
): Promise<DeliveryResult> {
  const { config, run } = context;
  const started = Date.now();
  const lock = await lockFormat(config, delivery.published, run.signal);
  try {
    const decision = await decide(context, delivery, request);
    if (decision !== 'send') return decision;
    await prepare(context, delivery);
    const sent = await packAndSend(context, delivery);
    context.hosts.recordSuccess(context.spool.location(delivery.subDir));
    return await recordDelivery(context, delivery, sent, secondsSince(started));
  } catch (error) {
    if (error instanceof NotTried) return notTried(delivery, failureOf(error.reason));
    const cause: unknown = run.signal.aborted ? run.signal.reason : error;
    const reason = translateErrno(cause, `cannot deliver ${delivery.archive}`);
    if (!(reason instanceof ExpectedError)) throw error;
    await rememberHost(context, delivery, reason, secondsSince(started));
    return await recordFailure(context, delivery, reason, secondsSince(started));
  } finally {
    await lock?.release();
  }
}

function secondsSince(started: number): number {
  return (Date.now() - started) / 1000;
}

/** Sends it, or says why not: what is known of it may be older than the wait for the lock. */
async function decide(
  context: DeliveryContext,
  delivery: FormatDelivery,
  { isNamed, again }: DeliveryRequest,
): Promise<DeliveryResult | 'send'> {
  const { run } = context;
  const { state, entry } = await readConfirmedState(context, delivery);
  const basis = basisOf(delivery);
  if (isOpen(state)) {
    const reason = mayBeImportedNow(entry);
    if (reason === undefined) return 'send';
    run.log.info(`${delivery.archive}: ${reason.message}`);
    return { ...basis, state: 'waiting', error: errorDocument(reason), exit_status: reason.exitStatus };
  }
  if (again && state !== 'delivered') return 'send';
  if (isNamed && (state === 'refused' || state === 'adopted')) return 'send';
  if (state === 'outdated') return reportOutdated(context, delivery);
  run.log.info(`${delivery.archive}: ${describeUnchanged[state]}`);
  return { ...basis, state: 'unchanged', known: state };
}

const describeUnchanged: Record<string, string> = {
  delivered: 'delivered already, waiting for PILOS',
  imported: 'PILOS has imported it already',
  taken: 'PILOS has taken it already',
  refused: "refused by PILOS; 'pilos-post-publish -m MEETING_ID' sends it again",
  adopted: "covered by an earlier -sender.done; 'pilos-post-publish -m MEETING_ID' sends it",
};

/** What is known of it now: the content is compared, and the spool is asked what became of the earlier archive. */
async function readConfirmedState(context: DeliveryContext, delivery: FormatDelivery): Promise<FormatState> {
  const { config, ledger, run } = context;
  const { published, subDir } = delivery;
  await tolerate(run, 'the ledger is not up to date', () =>
    refreshContent(config, ledger, published, run.signal),
  );
  const entry = ledger.read(published);
  const archive = unconfirmed(context, entry, subDir);
  if (archive !== undefined) await confirmImports(context, [archive]);
  return readDeliveryState(config, ledger, published);
}

/** PILOS' job may run for two minutes, and begins within one; it ends by deleting whatever has the archive's name. */
const importMilliseconds = 3 * 60_000;

function mayBeImportedNow(entry: FormatState['entry']): ExpectedError | undefined {
  const delivered = entry?.delivered;
  if (delivered?.import?.state !== 'delivered') return undefined;
  const age = Date.now() - Date.parse(delivered.at);
  if (age < 0 || age > importMilliseconds) return undefined;
  return new ExpectedError('PILOS may be importing the earlier archive at this moment', {
    code: 'import_under_way',
    exitStatus: EXIT.temporary,
    fix: "'pilos-post-publish deliver' sends the new one in some minutes",
  });
}

function reportOutdated({ run }: DeliveryContext, delivery: FormatDelivery): DeliveryResult {
  const { published, archive } = delivery;
  const reason = new ExpectedError('PILOS has an earlier version of this recording, and keeps it', {
    code: 'outdated',
    exitStatus: EXIT.data,
    fix: `delete the recording in PILOS, then run 'pilos-post-publish -m ${published.meetingId} --again'`,
  });
  run.log.failure(reason, archive);
  return { ...basisOf(delivery), state: 'outdated', error: errorDocument(reason), exit_status: EXIT.data };
}

async function prepare(
  context: DeliveryContext,
  { published, destination, subDir }: FormatDelivery,
): Promise<void> {
  const { run, ledger } = context;
  await tolerate(run, 'the -sender.done of an earlier delivery may remain', () =>
    markOutstanding(context, published),
  );
  // Only `status` would miss it: what says how the delivery ended warns of a ledger that cannot be written.
  const noted = attempt(() =>
    ledger.recordSending(published, createRunToken(), { destination, sub_dir: subDir }),
  );
  if (noted instanceof ExpectedError) run.log.debug(noted.message);
}

/** Removes what killed runs have left in `work_dir`, also where nothing is to be sent any more, and says so. */
export function clearWorkDirectory({ config, run }: Pick<DeliveryContext, 'config' | 'run'>): void {
  for (const name of removeAbandonedWorkFiles(config.workDir))
    run.log.warn(`removed ${name}, which a killed run left in ${config.workDir}/tmp`);
}

/** Packs into the spool; starts over once when the published files changed meanwhile. */
export async function packAndSend(context: DeliveryContext, delivery: FormatDelivery): Promise<Sent> {
  try {
    return await packAndSendOnce(context, delivery);
  } catch (error) {
    if (!(error instanceof PublishedFilesChanged)) throw error;
    context.run.log.warn(`${delivery.archive}: ${error.message}; starting over`);
    return await packAndSendOnce(context, delivery);
  }
}

async function packAndSendOnce(
  { spool, run, ledger }: DeliveryContext,
  delivery: FormatDelivery,
): Promise<Sent> {
  const { published, archive: name, subDir, mapMeetingId } = delivery;
  // Before the plan: files that change between the two must not pass for the delivered ones.
  const stamp = readStamp(published.directory);
  const plan = planDeliveredArchive(published, mapMeetingId);
  warnOf(plan, name, run.log.warn);
  const modifiedAt = chooseTime(ledger.read(published)?.delivered);
  let checksum = '';
  const bar = run.progress.start(name, plan.size, spool.lanes(subDir) > 1 ? 'sending' : 'packing');
  try {
    await spool.deliver({
      ...{ name, subDir, size: plan.size, signal: run.signal },
      warn: (message) => {
        bar.clear();
        run.log.warn(message);
      },
      debug: run.log.debug,
      logFile: run.config.logFile,
      write: async (target, path, onProgress) => {
        const written = await writeArchive(plan, target, {
          path,
          signal: run.signal,
          onProgress: (bytes) => {
            onProgress?.();
            bar.update(bytes, 'packing');
          },
        });
        checksum = written.checksum;
        setTime(target, modifiedAt);
      },
      onTransferred: run.progress.isShown ? (bytes) => bar.update(bytes, 'sending') : undefined,
    });
  } finally {
    bar.clear();
  }
  return { plan, stamp, checksum, modifiedAt };
}

/** Whole seconds, which every file system and every rsync keeps, and none that an earlier archive had. */
function chooseTime(earlier: Delivery | undefined): number {
  const now = Math.floor(Date.now() / 1000) * 1000;
  return Math.max(now, ...(earlier?.modified_at === undefined ? [] : [earlier.modified_at + 1000]));
}

/** By its time an archive in `failed/` is told from an earlier one there; without it, the state is the safer one. */
function setTime(file: number, time: number): void {
  try {
    futimesSync(file, time / 1000, time / 1000);
  } catch {
    // a file system that keeps no times
  }
}

function warnOf({ size, skipped, notice }: ArchivePlan, name: string, warn: (message: string) => void): void {
  const memory = importMemory(size);
  if (memory > 100)
    warn(`${name} is large: to import it, PILOS' PHP needs a memory_limit of ${memory + 100}M`);
  for (const one of skipped) warn(`${one}: left out of the archive`);
  if (notice !== undefined) warn(notice);
}

/** With `deliver: later`, BBB's call returns at once, and its worker is free for the next recording. */
export async function noteForLater(
  context: DeliveryContext,
  delivery: FormatDelivery,
  request: DeliveryRequest,
): Promise<DeliveryResult> {
  const { config, run, ledger } = context;
  const lock = await lockFormat(config, delivery.published, run.signal);
  try {
    const decision = await decide(context, delivery, request);
    if (decision !== 'send') return decision;
    await markOutstanding(context, delivery.published);
    ledger.recordWaiting(delivery.published);
    run.log.info(`noted ${delivery.archive}: 'pilos-post-publish deliver' delivers it (deliver: later)`);
    return { ...basisOf(delivery), state: 'waiting' };
  } finally {
    await lock?.release();
  }
}

/** What a delivery would do, reading only: for `--dry-run`. Throws ExpectedError where a delivery would fail. */
export async function describeDelivery(
  context: DeliveryContext,
  delivery: FormatDelivery,
): Promise<DeliveryResult> {
  const { published, archive: name, subDir } = delivery;
  const plan = planDeliveredArchive(published);
  const steps = [
    ...plan.skipped.map((skipped) => `leave out: ${skipped}`),
    `pack ${published.directory}: ${plan.files} files, ${plan.size} bytes`,
    ...(await context.spool.describeDelivery({ name, size: plan.size, subDir, signal: context.run.signal })),
    `record the delivery in ${context.config.workDir}/ledger`,
  ];
  return { ...basisOf(delivery), state: 'planned', bytes: plan.size, files: plan.files, steps };
}
