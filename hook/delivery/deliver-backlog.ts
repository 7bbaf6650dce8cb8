/** Delivers a backlog: one failure stops nothing else, and what fails for a whole destination is tried once. */
import { archiveName } from '../bbb/bbb.ts';
import { attempt, ExpectedError } from '../errors.ts';
import { errorDocument } from '../terminal/escape.ts';
import type { Backlog, BacklogItem } from './backlog.ts';
import { type DeliveryContext, planDelivery, withoutDestination } from './context.ts';
import { clearWorkDirectory, type DeliveryRequest, deliverFormat, describeDelivery } from './delivery.ts';
import { basisOf, type DeliveryResult, recordFailure } from './result.ts';

export async function deliverBacklog(
  context: DeliveryContext,
  { items }: Backlog,
  request: DeliveryRequest,
): Promise<DeliveryResult[]> {
  clearWorkDirectory(context);
  const results: DeliveryResult[] = [];
  const { dead, spool } = context;
  for (const [index, item] of items.entries()) {
    context.run.signal.throwIfAborted();
    context.run.log.debug(`${index + 1} of ${items.length}: ${archiveName(item.published)}`);
    const result = await deliverItem(context, item, request);
    results.push(result);
    if (result.state !== 'failed' || item.subDir instanceof ExpectedError) continue;
    if (result.scope === 'spool') dead.set(spool.location(item.subDir), result);
    if (result.scope === 'destination') dead.set(result.destination, result);
  }
  return results;
}

async function deliverItem(
  context: DeliveryContext,
  item: BacklogItem,
  request: DeliveryRequest,
): Promise<DeliveryResult> {
  const { published, subDir } = item;
  if (subDir instanceof ExpectedError) {
    return await recordFailure(context, withoutDestination(published), subDir, 0);
  }
  const delivery = planDelivery(context, published, subDir);
  const failure = context.dead.get(context.spool.location(subDir)) ?? context.dead.get(delivery.destination);
  if (failure === undefined) return await deliverFormat(context, delivery, request);
  const error = { ...failure.error, message: `not tried: ${failure.error.message}` };
  return { ...basisOf(delivery), state: 'waiting', error, exit_status: failure.exit_status };
}

/** What {@link deliverBacklog} would do, reading only. */
export function planBacklog(context: DeliveryContext, { items }: Backlog): DeliveryResult[] {
  return items.map(({ published, subDir }): DeliveryResult => {
    const delivery =
      subDir instanceof ExpectedError
        ? withoutDestination(published)
        : planDelivery(context, published, subDir);
    const planned =
      subDir instanceof ExpectedError ? subDir : attempt(() => describeDelivery(context, delivery));
    if (!(planned instanceof ExpectedError)) return planned;
    const { exitStatus: exit_status, scope } = planned;
    return { ...basisOf(delivery), state: 'failed', error: errorDocument(planned), exit_status, scope };
  });
}
