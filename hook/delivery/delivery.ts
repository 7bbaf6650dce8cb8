/** One published format of one recording: archive → spool → ledger, never twice at the same time. */
import { type ArchivePlan, importMemory, PublishedFilesChanged, planArchive } from '../archive/archive.ts';
import { writeArchive } from '../archive/write-archive.ts';
import { archiveName, type PublishedFormat } from '../bbb/bbb.ts';
import { ExpectedError } from '../errors.ts';
import { translateErrno } from '../system/errno.ts';
import { removeAbandonedWorkFiles } from '../system/work-dir.ts';
import { type DeliveryContext, lockFormat, resultBasis } from './context.ts';
import { type Delivery, isDelivered, openLedger, readStamp } from './ledger.ts';
import {
  type DeliveryResult,
  type ResultBasis,
  rememberDelivery,
  rememberFailure,
  tolerate,
} from './outcome.ts';
import { markOutstanding, settleMeeting } from './settle-meeting.ts';

export { openDelivery } from './context.ts';

/**
 * Delivers one format and remembers how it went. Expected failures are told and returned, bugs thrown.
 *
 * @param deliveredSince milliseconds since 1970: a delivery of the same files that was complete then or later
 *   need not be repeated, because another run has just done it
 */
export async function deliverFormat(
  context: DeliveryContext,
  published: PublishedFormat,
  subDir: string,
  deliveredSince: number,
): Promise<DeliveryResult> {
  const { config, run } = context;
  const basis = resultBasis(context, published, subDir);
  const started = Date.now();
  const lock = await lockFormat(config, published, run.signal);
  try {
    const entry = openLedger(config.workDir).read(published);
    const isFresh = entry?.delivered !== undefined && Date.parse(entry.delivered.at) >= deliveredSince;
    if (isFresh && isDelivered(entry, readStamp(published))) return alreadyDelivered(context, basis);
    await tolerate(run, 'the -sender.done of an earlier delivery may remain', () =>
      markOutstanding(context, published),
    );
    clearWorkDirectory(context);
    const known = isFresh ? entry.delivered : undefined;
    const sent = await packAndSend(context, published, subDir, known);
    if (known !== undefined && sent.isKnown) {
      openLedger(config.workDir).recordSameFiles(published, known, sent.stamp);
      return alreadyDelivered(context, basis);
    }
    return await rememberDelivery(context, published, basis, sent, (Date.now() - started) / 1000);
  } catch (error) {
    const cause: unknown = run.signal.aborted ? run.signal.reason : error;
    const reason = translateErrno(cause, `cannot deliver ${basis.archive}`);
    if (!(reason instanceof ExpectedError)) throw error;
    const seconds = (Date.now() - started) / 1000;
    return await rememberFailure(context, published, reason, { destination: basis.destination, seconds });
  } finally {
    await lock?.release();
  }
}

/** Removes what killed runs have left in `work_dir`, and says so. */
export function clearWorkDirectory({ config, run }: DeliveryContext): void {
  for (const name of removeAbandonedWorkFiles(config.workDir))
    run.log.warn(`removed ${name}, which a killed run left in ${config.workDir}/tmp`);
}

function alreadyDelivered({ run }: DeliveryContext, basis: ResultBasis): DeliveryResult {
  run.log.info(`${basis.archive} has already been delivered`);
  return { ...basis, state: 'delivered' };
}

export interface Sent {
  plan: ArchivePlan;
  stamp: string;
  /** Exactly these files have been delivered before: nothing was sent. */
  isKnown: boolean;
}

/**
 * Packs into the spool; starts over once when the published files changed meanwhile.
 *
 * @param known a delivery that need not be repeated when it was one of exactly these files
 */
export async function packAndSend(
  context: DeliveryContext,
  published: PublishedFormat,
  subDir: string,
  known: Delivery | undefined,
): Promise<Sent> {
  try {
    return await packAndSendOnce(context, published, subDir, known);
  } catch (error) {
    if (!(error instanceof PublishedFilesChanged)) throw error;
    context.run.log.warn(`${archiveName(published)}: ${error.message}; starting over`);
    return await packAndSendOnce(context, published, subDir, known);
  }
}

async function packAndSendOnce(
  context: DeliveryContext,
  published: PublishedFormat,
  subDir: string,
  known: Delivery | undefined,
): Promise<Sent> {
  const { spool, run } = context;
  // Before the plan: files that change between the two must not pass for the delivered ones.
  const stamp = readStamp(published);
  const plan = planArchive(published.directory, `${published.format}/${published.recordId}`);
  if (known?.fingerprint === plan.fingerprint) return { plan, stamp, isKnown: true };
  const memory = importMemory(plan.size);
  if (memory > 100) {
    run.log.warn(
      `${archiveName(published)} is large: to import it, PILOS' PHP needs a memory_limit of ${memory + 100}M`,
    );
  }
  for (const skipped of plan.skipped) run.log.warn(`${skipped}: left out of the archive`);
  const name = archiveName(published);
  const bar = run.progress.start(name, plan.size);
  try {
    await spool.deliver({
      ...{ name, subDir, size: plan.size, signal: run.signal },
      warn: (message) => {
        bar.clear();
        run.log.warn(message);
      },
      debug: run.log.debug,
      write: async (target, path) => {
        await writeArchive(plan, target, {
          path,
          signal: run.signal,
          onProgress: (bytes) => bar.update(bytes, 'packing'),
        });
      },
      onTransferred: run.progress.isShown ? (bytes) => bar.update(bytes, 'sending') : undefined,
    });
  } finally {
    bar.stop();
  }
  return { plan, stamp, isKnown: false };
}

/** With `deliver: later`, BBB's call returns at once, and its worker is free for the next recording. */
export async function noteForLater(
  context: DeliveryContext,
  published: PublishedFormat,
  subDir: string,
): Promise<DeliveryResult> {
  await markOutstanding(context, published);
  openLedger(context.config.workDir).recordWaiting(published);
  const basis = resultBasis(context, published, subDir);
  context.run.log.info(`noted ${basis.archive}: 'pilos-post-publish deliver' delivers it (deliver: later)`);
  return { ...basis, state: 'waiting' };
}

/** After deliveries: `-sender.done` when nothing is outstanding, and with `delete_after_transfer` the local copy goes. */
export async function finishMeeting(
  context: DeliveryContext,
  meetingId: string,
  found?: readonly PublishedFormat[],
): Promise<void> {
  const { config, run } = context;
  await tolerate(run, `the -sender.done of ${meetingId} may be missing`, async () => {
    const isDone = await settleMeeting(context, meetingId, found);
    if (!isDone || !config.deleteAfterTransfer) return;
    if (config.publishSteps.length === 0) {
      run.log.warn("not deleted: BBB's configuration has no steps, so other formats may still come");
      return;
    }
    const { deleteLocalCopy } = await import('./local-copy.ts');
    const result = await deleteLocalCopy(context, meetingId, {
      before: Number.POSITIVE_INFINITY,
      dryRun: false,
    });
    if (result?.state === 'kept') run.log.warn(`meeting ${meetingId} is not deleted: ${result.reason}`);
  });
}

/** What a delivery would do, reading only: for `--dry-run`. Throws ExpectedError where a delivery would fail. */
export function planDelivery(
  context: DeliveryContext,
  published: PublishedFormat,
  subDir: string,
): DeliveryResult {
  const plan = planArchive(published.directory, `${published.format}/${published.recordId}`);
  const steps = [
    ...plan.skipped.map((skipped) => `leave out: ${skipped}`),
    `pack ${published.directory}: ${plan.files} files, ${plan.size} bytes`,
    ...context.spool.describeDelivery({ name: archiveName(published), size: plan.size, subDir }),
    `note the delivery in ${context.config.workDir}/ledger`,
  ];
  return {
    ...resultBasis(context, published, subDir),
    state: 'planned',
    bytes: plan.size,
    files: plan.files,
    steps,
  };
}
