/** One published format of one recording: archive → spool → ledger, never twice at the same time. */
import { attempt, ExpectedError } from '../errors.ts';
import { NotTried } from '../spool/spool.ts';
import { translateErrno } from '../system/errno.ts';
import { createRunToken } from '../system/run-token.ts';
import { removeAbandonedWorkFiles } from '../system/work-dir.ts';
import { planDeliveredArchive } from './content.ts';
import { type DeliveryContext, type FormatDelivery, lockFormat } from './context.ts';
import { type DeliveryRequest, decide } from './decide.ts';
import { packAndSend } from './pack-and-send.ts';
import {
  basisOf,
  type DeliveryResult,
  failureOf,
  notTried,
  recordDelivery,
  recordFailure,
  tolerate,
} from './result.ts';
import { markOutstanding } from './settle-meeting.ts';
import { rememberHost } from './unreachable.ts';

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
    return await recordDelivery(context, delivery, sent, secondsSince(started + sent.waited));
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
