/** How a delivery went: told, noted in the ledger, counted, and a failure passed on to the admin's command. */
import type { ArchivePlan } from '../archive/archive.ts';
import { archiveName, type PublishedFormat } from '../bbb/bbb.ts';
import type { Config } from '../config/config.ts';
import { type ErrorScope, type ExitStatus, ExpectedError, exitStatusOf } from '../errors.ts';
import type { Run } from '../run.ts';
import { describeError } from '../terminal/escape.ts';
import { openLedger } from './ledger.ts';
import { countersOf, updateMetrics } from './metrics.ts';

/** How one format went, as `--json` prints it. */
export interface DeliveryResult {
  record_id: string;
  format: string;
  archive: string;
  destination: string;
  state: 'delivered' | 'failed' | 'waiting' | 'planned';
  bytes?: number;
  files?: number;
  seconds?: number;
  /** What `--dry-run` would have done. */
  steps?: string[];
  error?: string;
  exit_status?: ExitStatus;
  /** What else would fail in the same way. */
  scope?: ErrorScope;
}

export type ResultBasis = Pick<DeliveryResult, 'record_id' | 'format' | 'archive' | 'destination'>;

interface Parties {
  config: Config;
  run: Run;
}

/** Tells a delivery, notes it in the ledger and counts it. */
export async function rememberDelivery(
  { config, run }: Parties,
  published: PublishedFormat,
  basis: ResultBasis,
  { plan, stamp }: { plan: ArchivePlan; stamp: string },
  seconds: number,
): Promise<DeliveryResult> {
  const { destination, archive: name } = basis;
  const [bytes, files] = [plan.size, plan.files];
  run.log.info(
    `delivered ${name} (${files} files, ${bytes} bytes) to ${destination} in ${seconds.toFixed(1)} s`,
  );
  await tolerate(run, ledgerMissed, () => {
    const { fingerprint } = plan;
    const at = new Date().toISOString();
    openLedger(config.workDir).recordDelivery(published, {
      at,
      bytes,
      seconds,
      destination,
      name,
      fingerprint,
      stamp,
    });
  });
  await tolerate(run, 'it is not counted', () =>
    updateMetrics(config, (counters) => {
      const of = countersOf(counters, published.format);
      Object.assign(of, {
        deliveries: of.deliveries + 1,
        bytes: of.bytes + bytes,
        seconds: of.seconds + seconds,
      });
      of.lastSuccess = Math.round(Date.now() / 1000);
    }),
  );
  return { ...basis, state: 'delivered', bytes, files, seconds };
}

/** Tells a failure and notes it in the ledger, for `status` and `deliver`. */
export async function rememberFailure(
  { config, run }: Parties,
  published: PublishedFormat,
  reason: ExpectedError,
  { destination, seconds }: { destination: string; seconds: number },
): Promise<DeliveryResult> {
  const { recordId, format } = published;
  const archive = archiveName(published);
  const failure = { error: describeError(reason), exit_status: exitStatusOf(reason) };
  run.log.error(`${archive}: ${failure.error}`);
  const before = openLedger(config.workDir).read(published);
  await tolerate(run, ledgerMissed, () => {
    const at = new Date().toISOString();
    openLedger(config.workDir).recordFailure(published, { at, seconds, destination, ...failure });
  });
  await tolerate(run, 'it is not counted', () =>
    updateMetrics(config, (counters) => {
      countersOf(counters, format).failures += 1;
    }),
  );
  // The timer meets the same failure every 15 minutes; a mail each time would be read by nobody.
  const isKnown = before?.state === 'failed' && isSameError(before.attempts.at(-1)?.error, failure.error);
  if (!isKnown) await tellOfFailure(config, run, published, { destination, ...failure });
  return {
    record_id: recordId,
    format,
    archive,
    destination,
    state: 'failed',
    ...failure,
    scope: reason.scope,
  };
}

/** True also when only the free bytes, or the name of a temporary file, differ. */
function isSameError(before: string | undefined, now: string): boolean {
  const withoutValues = (text: string) => text.replace(/[\w.]*\d[\w.]*/g, '0');
  return before !== undefined && withoutValues(before) === withoutValues(now);
}

async function tellOfFailure(
  { onFailure }: Config,
  run: Run,
  { meetingId, recordId, format }: PublishedFormat,
  failure: { destination: string; error: string; exit_status: ExitStatus },
): Promise<void> {
  if (onFailure === undefined) return;
  await tolerate(run, 'nobody was told of the failure', async () => {
    const { runOnFailure } = await import('./on-failure.ts');
    const { destination, error, exit_status: exitStatus } = failure;
    await runOnFailure(onFailure, { meetingId, recordId, format, destination, error, exitStatus });
  });
}

const ledgerMissed = 'the ledger does not know of this';

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
