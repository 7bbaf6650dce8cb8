/** A host that does not answer costs BBB's worker a minute once, and not for every recording. */
import { EXIT, ExpectedError } from '../errors.ts';
import type { HostFailure } from '../spool/host-state.ts';
import { errorDocument } from '../terminal/escape.ts';
import type { DeliveryContext, FormatDelivery } from './context.ts';
import { basisOf, type DeliveryResult, tolerate } from './result.ts';
import { markOutstanding } from './settle-meeting.ts';

/** Seconds: what fails sooner may as well be tried each time. */
const costly = 2;

/** What a host that says nothing fails with; one that refuses or cuts a connection may take the next one. */
const silences = ['host_unreachable', 'host_not_found', 'connection_stalled', 'file_system_silent'];

/** Remembers that a host does not answer, for the calls that come next. */
export async function rememberHost(
  { run, hosts, spool }: DeliveryContext,
  { subDir }: FormatDelivery,
  reason: ExpectedError,
  seconds: number,
): Promise<void> {
  if (!silences.includes(reason.code) || seconds < costly) return;
  await tolerate(run, 'the next call will try this host again', () =>
    hosts.recordFailure(spool.location(subDir), reason.message),
  );
}

/** Leaves a format to `deliver`, because its host has just failed. */
export async function leaveToTimer(
  context: DeliveryContext,
  delivery: FormatDelivery,
  { location, at, message }: HostFailure,
): Promise<DeliveryResult> {
  const { published, archive } = delivery;
  const { run, ledger } = context;
  await markOutstanding(context, published);
  ledger.recordWaiting(published);
  const seconds = Math.round((Date.now() - at) / 1000);
  const reason = new ExpectedError(`not tried, because ${location} failed ${seconds} s ago: ${message}`, {
    code: 'host_failed_recently',
    exitStatus: EXIT.temporary,
    fix: "the next 'pilos-post-publish deliver' tries again",
    scope: 'spool',
  });
  run.log.failure(reason, archive);
  return {
    ...basisOf(delivery),
    state: 'waiting',
    error: errorDocument(reason),
    exit_status: EXIT.temporary,
  };
}
