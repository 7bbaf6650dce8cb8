/** How one format went: the result, and what is recorded of it in log, ledger, metrics and notification. */
import type { ArchivePlan } from '../archive/archive.ts';
import type { PublishedFormat } from '../bbb/bbb.ts';
import { type ErrorScope, type ExitStatus, ExpectedError, exitStatusOf } from '../errors.ts';
import type { ConfiguredRun, Run } from '../run.ts';
import { describeError, type ErrorDocument, errorDocument } from '../terminal/escape.ts';
import type { DeliveryContext, FormatDelivery } from './context.ts';
import { countersOf } from './counters.ts';
import { updateMetrics } from './metrics.ts';
import type { DeliveryState } from './state.ts';

/** An archive that has arrived. */
export interface Sent {
  plan: ArchivePlan;
  stamp: string;
  checksum: string;
  /** Delivery.modified_at */
  modifiedAt: number;
  /** Milliseconds that went to other archives. */
  waited: number;
}

/** What every result names, as `--json` prints it. */
export interface ResultBasis {
  meeting_id: string;
  record_id: string;
  format: string;
  archive: string;
  destination: string;
}

/** How one format went, as `--json` prints it. */
export type DeliveryResult = ResultBasis &
  (
    | { state: 'delivered'; bytes: number; files: number; seconds: number }
    /** Nothing to do: its state was that already. */
    | { state: 'unchanged'; known: DeliveryState }
    /** What a dry run would do. */
    | { state: 'planned'; bytes: number; files: number; steps: string[] }
    /** Left to `deliver`; with an error when that is why. */
    | { state: 'waiting'; error?: ErrorDocument; exit_status?: ExitStatus }
    | { state: 'outdated'; error: ErrorDocument; exit_status: ExitStatus }
    | { state: 'failed'; error: ErrorDocument; exit_status: ExitStatus; scope: ErrorScope }
  );

type Failure = Pick<Extract<DeliveryResult, { state: 'failed' }>, 'error' | 'exit_status'>;

export function failureOf(reason: ExpectedError): Failure {
  return { error: errorDocument(reason), exit_status: exitStatusOf(reason) };
}

/** Left because of what holds for all that goes there, and has been reported once. */
export function notTried(delivery: FormatDelivery, { error, exit_status }: Failure): DeliveryResult {
  const message = `not tried: ${error.message}`;
  return { ...basisOf(delivery), state: 'waiting', error: { ...error, message }, exit_status };
}

export function basisOf({ published, archive, destination }: FormatDelivery): ResultBasis {
  const { meetingId, recordId, format } = published;
  return { meeting_id: meetingId, record_id: recordId, format, archive, destination };
}

/** Logs a delivery, records it in the ledger, updates the metrics. */
export async function recordDelivery(
  { run, config, ledger }: DeliveryContext,
  delivery: FormatDelivery,
  { plan, stamp, checksum, modifiedAt }: Sent,
  seconds: number,
): Promise<DeliveryResult> {
  const { published, archive: name, destination, subDir } = delivery;
  const [bytes, files] = [plan.size, plan.files];
  run.log.info(
    `delivered ${name} (${files} files, ${bytes} bytes) to ${destination} in ${seconds.toFixed(1)} s`,
  );
  await tolerate(run, notInLedger, () => {
    const at = new Date().toISOString();
    const { fingerprint } = plan;
    ledger.recordDelivery(published, {
      ...{ at, bytes, seconds, destination, name, fingerprint, stamp, checksum },
      ...{ sub_dir: subDir, modified_at: modifiedAt },
    });
  });
  await tolerate(run, 'it is not counted', () =>
    updateMetrics(config, (counters) => {
      const of = countersOf(counters, published.format);
      of.deliveries += 1;
      of.bytes += bytes;
      of.seconds += seconds;
      of.lastSuccess = Math.round(Date.now() / 1000);
    }),
  );
  return { ...basisOf(delivery), state: 'delivered', bytes, files, seconds };
}

/** Logs a failure, records it for `status` and `deliver`, and notifies unless it is an old one. */
export async function recordFailure(
  { run, config, ledger }: Pick<DeliveryContext, 'run' | 'config' | 'ledger'>,
  delivery: FormatDelivery,
  reason: ExpectedError,
  seconds: number,
): Promise<DeliveryResult> {
  const { published, archive, destination } = delivery;
  const failure = { error: errorDocument(reason), exit_status: exitStatusOf(reason) };
  run.log.failure(reason, archive);
  const before = ledger.read(published)?.attempts.at(-1);
  await tolerate(run, notInLedger, () => {
    ledger.recordFailure(published, { at: new Date().toISOString(), seconds, destination, ...failure });
  });
  await tolerate(run, 'it is not counted', () =>
    updateMetrics(config, (counters) => {
      countersOf(counters, published.format).failures += 1;
    }),
  );
  // The timer meets the same failure every 15 minutes; a mail each time would be read by nobody.
  const isKnown = before?.result === 'failed' && isSameError(before.error, failure.error);
  if (!isKnown) await notifyFailure(run, published, destination, failure);
  return { ...basisOf(delivery), state: 'failed', ...failure, scope: reason.scope };
}

/** True also when only the free bytes, or the name of a temporary file, differ. */
function isSameError(before: ErrorDocument | undefined, now: ErrorDocument): boolean {
  const withoutValues = (text: string) => text.replace(/[\w.]*\d[\w.]*/g, '0');
  return before?.code === now.code && withoutValues(before.message) === withoutValues(now.message);
}

async function notifyFailure(
  run: ConfiguredRun,
  { meetingId, recordId, format }: PublishedFormat,
  destination: string,
  { error, exit_status: exitStatus }: { error: ErrorDocument; exit_status: ExitStatus },
): Promise<void> {
  if (run.config.notify === undefined) return;
  const { notify } = await import('./notify.ts');
  const text = `${error.message}: ${error.fix}`;
  await notify(run, { event: 'failure', meetingId, recordId, format, destination, error: text, exitStatus });
}

const notInLedger = 'the ledger does not know of this';

/** What stands around a delivery must not make it fail: the recording is delivered, or not, all the same. */
export async function tolerate(
  run: Run,
  consequence: string,
  action: () => void | Promise<void>,
): Promise<void> {
  try {
    await action();
  } catch (error) {
    if (!(error instanceof ExpectedError) || run.signal.aborted) throw error;
    run.log.warn(`${consequence}: ${describeError(error)}`);
  }
}
