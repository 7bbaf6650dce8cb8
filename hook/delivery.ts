/** One published format of one recording: archive → spool → ledger, never twice at the same time. */

import { writeArchive } from './archive/write-archive.ts';
import { type ArchivePlan, importMemory, PublishedFilesChanged, planArchive } from './archive.ts';
import type { Config } from './config.ts';
import { ExpectedError, translateErrno } from './errors.ts';
import { type Delivery, isDelivered, openLedger, readStamp } from './ledger.ts';
import { acquireLock } from './lock.ts';
import {
  type DeliveryResult,
  type ResultBasis,
  rememberDelivery,
  rememberFailure,
  tolerate,
} from './outcome.ts';
import { archiveName, type PublishedFormat } from './recording.ts';
import { markOutstanding, settleMeeting } from './sender-done.ts';
import type { Session } from './session.ts';
import { openSpool, type Spool } from './spool/index.ts';
import { removeAbandonedWorkFiles } from './work-dir.ts';

export interface DeliveryContext {
  config: Config;
  spool: Spool;
  session: Session;
}

export async function openDelivery(config: Config, session: Session): Promise<DeliveryContext> {
  return { config, session, spool: await openSpool(config) };
}

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
  const { config, session } = context;
  const basis = resultBasis(context, published, subDir);
  const started = Date.now();
  const lock = await lockFormat(config, published, session.signal);
  try {
    const entry = openLedger(config.workDir).read(published);
    const isFresh = entry?.delivered !== undefined && Date.parse(entry.delivered.at) >= deliveredSince;
    if (isFresh && isDelivered(entry, readStamp(published))) return alreadyDelivered(context, basis);
    await tolerate(session, 'the -sender.done of an earlier delivery may remain', () =>
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
    const cause: unknown = session.signal.aborted ? session.signal.reason : error;
    const reason = translateErrno(cause, `cannot deliver ${basis.archive}`);
    if (!(reason instanceof ExpectedError)) throw error;
    const seconds = (Date.now() - started) / 1000;
    return await rememberFailure(context, published, reason, { destination: basis.destination, seconds });
  } finally {
    await lock?.release();
  }
}

/** Removes what killed runs have left in `work_dir`, and says so. */
export function clearWorkDirectory({ config, session }: DeliveryContext): void {
  for (const name of removeAbandonedWorkFiles(config.workDir))
    session.log.warn(`removed ${name}, which a killed run left in ${config.workDir}/tmp`);
}

/** The lock that every run holds while it works on one format of one recording. */
export function lockFormat(config: Config, published: PublishedFormat, signal: AbortSignal) {
  return acquireLock(`${config.workDir} ${archiveName(published)}`, { wait: true, signal });
}

export function resultBasis(
  { spool }: DeliveryContext,
  published: PublishedFormat,
  subDir: string,
): ResultBasis {
  const { recordId, format } = published;
  return {
    record_id: recordId,
    format,
    archive: archiveName(published),
    destination: spool.destination(subDir),
  };
}

function alreadyDelivered({ session }: DeliveryContext, basis: ResultBasis): DeliveryResult {
  session.log.info(`${basis.archive} has already been delivered`);
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
    context.session.log.warn(`${archiveName(published)}: ${error.message}; starting over`);
    return await packAndSendOnce(context, published, subDir, known);
  }
}

async function packAndSendOnce(
  context: DeliveryContext,
  published: PublishedFormat,
  subDir: string,
  known: Delivery | undefined,
): Promise<Sent> {
  const { spool, session } = context;
  // Before the plan: files that change between the two must not pass for the delivered ones.
  const stamp = readStamp(published);
  const plan = planArchive(published.directory, `${published.format}/${published.recordId}`);
  if (known?.fingerprint === plan.fingerprint) return { plan, stamp, isKnown: true };
  const memory = importMemory(plan.size);
  if (memory > 100) {
    session.log.warn(
      `${archiveName(published)} is large: to import it, PILOS' PHP needs a memory_limit of ${memory + 100}M`,
    );
  }
  for (const skipped of plan.skipped) session.log.warn(`${skipped}: left out of the archive`);
  const name = archiveName(published);
  const bar = session.progress.start(name, plan.size);
  try {
    await spool.deliver({
      ...{ name, subDir, size: plan.size, signal: session.signal },
      warn: (message) => {
        bar.clear();
        session.log.warn(message);
      },
      debug: session.log.debug,
      write: (target, path) =>
        writeArchive(plan, target, {
          path,
          signal: session.signal,
          onProgress: (bytes) => bar.update(bytes, 'packing'),
        }),
      onTransferred: session.progress.isShown ? (bytes) => bar.update(bytes, 'sending') : undefined,
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
  context.session.log.info(
    `noted ${basis.archive}: 'pilos-post-publish resend' delivers it (deliver: later)`,
  );
  return { ...basis, state: 'waiting' };
}

/** After deliveries: `-sender.done` when nothing is outstanding, and with `delete_after_transfer` the local copy goes. */
export async function finishMeeting(
  context: DeliveryContext,
  meetingId: string,
  found?: readonly PublishedFormat[],
): Promise<void> {
  const { config, session } = context;
  await tolerate(session, `the -sender.done of ${meetingId} may be missing`, async () => {
    const isDone = await settleMeeting(context, meetingId, found);
    if (!isDone || !config.deleteAfterTransfer) return;
    if (config.publishSteps.length === 0) {
      session.log.warn("not deleted: BBB's configuration has no steps, so other formats may still come");
      return;
    }
    const { deleteLocalCopy } = await import('./local-copy.ts');
    const result = await deleteLocalCopy(context, meetingId, {
      before: Number.POSITIVE_INFINITY,
      dryRun: false,
    });
    if (result?.state === 'kept') session.log.warn(`meeting ${meetingId} is not deleted: ${result.reason}`);
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
