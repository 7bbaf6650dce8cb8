/** Delivers a backlog: one failure stops nothing else, and what fails for a whole destination is tried once. */
import { archiveName } from '../bbb/bbb.ts';
import { attempt, ExpectedError } from '../errors.ts';
import { errorDocument } from '../terminal/escape.ts';
import type { Backlog, BacklogItem } from './backlog.ts';
import { planDeliveredArchive } from './content.ts';
import { type DeliveryContext, type FormatDelivery, planDelivery } from './context.ts';
import type { DeliveryRequest } from './decide.ts';
import { clearWorkDirectory, deliverFormat, describeDelivery } from './delivery.ts';
import { basisOf, type DeliveryResult, failureOf, notTried, recordFailure } from './result.ts';

/**
 * Several spools are served side by side, each in the order of the backlog: one that does not answer holds up no other.
 * After a signal, the rest is not tried.
 */
export async function deliverBacklog(
  context: DeliveryContext,
  { items }: Backlog,
  request: DeliveryRequest,
): Promise<DeliveryResult[]> {
  clearWorkDirectory(context);
  const results: DeliveryResult[] = [];
  const deliver = async ([index, item]: [number, BacklogItem]) => {
    context.run.log.debug(`${index + 1} of ${items.length}: ${archiveName(item.published)}`);
    results[index] = await deliverItem(context, item, request);
    rememberDead(context, item, results[index]);
    series.count();
  };
  const series = startSeries(context, items);
  const spools = Map.groupBy(items.entries(), ([, { subDir }]) => locationOf(context, subDir));
  await Promise.all(
    [...spools.values()].map((ofSpool) => inLanes(lanesOf(context, ofSpool), ofSpool, deliver)),
  );
  series.end();
  return results;
}

/** Sizes are read from every file: only who sees the bar needs them. */
function startSeries({ run }: DeliveryContext, items: readonly BacklogItem[]) {
  const sizes = run.progress.isShown
    ? items.map(({ published }) => attempt(() => planDeliveredArchive(published)))
    : [];
  const bytes = sizes.reduce((sum, plan) => sum + (plan instanceof ExpectedError ? 0 : plan.size), 0);
  return run.progress.startSeries(items.length, bytes);
}

function locationOf({ spool }: DeliveryContext, subDir: string | ExpectedError): string {
  return subDir instanceof ExpectedError ? '' : spool.location(subDir);
}

function lanesOf({ spool }: DeliveryContext, [first]: readonly [number, BacklogItem][]): number {
  const subDir = first?.[1].subDir;
  return typeof subDir === 'string' ? spool.lanes(subDir) : 1;
}

/** Runs `action` for all of them in their order, so many at once. Throws the first error when all have ended. */
async function inLanes<T>(
  lanes: number,
  all: readonly T[],
  action: (one: T) => Promise<void>,
): Promise<void> {
  const next = all.values();
  const lane = async () => {
    for (const one of next) await action(one);
  };
  const ended = await Promise.allSettled(Array.from({ length: lanes }, lane));
  for (const one of ended) if (one.status === 'rejected') throw one.reason;
}

function rememberDead(
  { dead, spool }: DeliveryContext,
  { subDir }: BacklogItem,
  result: DeliveryResult,
): void {
  if (result.state !== 'failed' || subDir instanceof ExpectedError) return;
  if (result.scope === 'spool') dead.set(spool.location(subDir), result);
  if (result.scope === 'destination') dead.set(result.destination, result);
}

async function deliverItem(
  context: DeliveryContext,
  item: BacklogItem,
  request: DeliveryRequest,
): Promise<DeliveryResult> {
  const { published, subDir } = item;
  const delivery = planDelivery(context, published, subDir);
  const { signal } = context.run;
  if (signal.aborted && signal.reason instanceof ExpectedError)
    return notTried(delivery, failureOf(signal.reason));
  if (subDir instanceof ExpectedError) return await recordFailure(context, delivery, subDir, 0);
  const failure = findDead(context, delivery);
  return failure === undefined
    ? await deliverFormat(context, delivery, request)
    : notTried(delivery, failure);
}

/** Why there is no use in trying: what has failed for the whole spool or destination. */
function findDead({ dead, spool }: DeliveryContext, { subDir, destination }: FormatDelivery) {
  return dead.get(spool.location(subDir)) ?? dead.get(destination);
}

/** What {@link deliverBacklog} would do, reading only. */
export async function planBacklog(context: DeliveryContext, { items }: Backlog): Promise<DeliveryResult[]> {
  const results: DeliveryResult[] = [];
  for (const item of items) {
    const result = await planItem(context, item);
    results.push(result);
    rememberDead(context, item, result);
  }
  return results;
}

async function planItem(
  context: DeliveryContext,
  { published, subDir }: BacklogItem,
): Promise<DeliveryResult> {
  const delivery = planDelivery(context, published, subDir);
  if (subDir instanceof ExpectedError) return plannedFailure(delivery, subDir);
  const failure = findDead(context, delivery);
  if (failure !== undefined) return notTried(delivery, failure);
  try {
    return await describeDelivery(context, delivery);
  } catch (error) {
    if (error instanceof ExpectedError) return plannedFailure(delivery, error);
    throw error;
  }
}

function plannedFailure(delivery: FormatDelivery, reason: ExpectedError): DeliveryResult {
  const { exitStatus: exit_status, scope } = reason;
  return { ...basisOf(delivery), state: 'failed', error: errorDocument(reason), exit_status, scope };
}
