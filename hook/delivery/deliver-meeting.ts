/** The formats of one meeting, one after the other, and what is due when all of them are done. */

import type { PublishedFormat } from '../bbb/bbb.ts';
import { type MeetingId, meetingIdOf } from '../bbb/ids.ts';
import { ExpectedError } from '../errors.ts';
import { type DeliveryContext, planDelivery } from './context.ts';
import type { DeliveryRequest } from './decide.ts';
import { clearWorkDirectory, deliverFormat, describeDelivery, noteForLater } from './delivery.ts';
import { type DeliveryResult, recordFailure, tolerate } from './result.ts';
import { settleMeeting } from './settle-meeting.ts';
import { leaveToTimer } from './unreachable.ts';

export { openDelivery } from './context.ts';

/** Delivers what is published of one meeting, or records why that is not possible. */
export async function deliverMeeting(
  context: DeliveryContext,
  published: readonly PublishedFormat[],
  subDir: string | ExpectedError,
  request: DeliveryRequest,
): Promise<DeliveryResult[]> {
  clearWorkDirectory(context);
  const results: DeliveryResult[] = [];
  for (const one of published) results.push(await deliverOne(context, one, subDir, request));
  for (const id of new Set(published.map(({ recordId }) => meetingIdOf(recordId)))) await settle(context, id);
  return results;
}

/** Sets a meeting's `-sender.done`; a failure is logged. */
export async function settle(context: DeliveryContext, meetingId: MeetingId): Promise<void> {
  await tolerate(context.run, `the -sender.done of ${meetingId} may be wrong`, async () => {
    await settleMeeting(context, meetingId);
  });
}

async function deliverOne(
  context: DeliveryContext,
  published: PublishedFormat,
  subDir: string | ExpectedError,
  request: DeliveryRequest,
): Promise<DeliveryResult> {
  const delivery = planDelivery(context, published, subDir);
  if (subDir instanceof ExpectedError) return await recordFailure(context, delivery, subDir, 0);
  if (context.config.deliver === 'later' && !request.again)
    return await noteForLater(context, delivery, request);
  const failure = request.again ? undefined : context.hosts.read(context.spool.location(subDir));
  if (failure !== undefined) return await leaveToTimer(context, delivery, failure);
  return await deliverFormat(context, delivery, request);
}

/** What a delivery would do. Throws ExpectedError where it would fail. */
export async function planMeeting(
  context: DeliveryContext,
  published: readonly PublishedFormat[],
  subDir: string | ExpectedError,
): Promise<DeliveryResult[]> {
  if (subDir instanceof ExpectedError) throw subDir;
  const results: DeliveryResult[] = [];
  for (const one of published)
    results.push(await describeDelivery(context, planDelivery(context, one, subDir)));
  return results;
}
