/** One candidate after the other: a failure of one does not stop the rest, a dead spool is noticed once. */
import { archiveName } from '../bbb/bbb.ts';
import { clearWorkDirectory } from '../delivery/delivery.ts';
import { ExpectedError } from '../errors.ts';
import { describeError } from '../terminal/escape.ts';
import type { Candidate } from './candidates.ts';
import { confirmSent, withImport } from './confirm-sent.ts';
import type { Pacer } from './pace.ts';
import {
  alreadySent,
  findSent,
  type MigrationResult,
  notSent,
  notTried,
  planToSend,
  type Sending,
  sendCandidate,
  type UnsentResult,
} from './send.ts';

export interface SendResults {
  results: MigrationResult[];
  /** Formats that `--limit` left for another run. */
  left: number;
}

/** What would be sent, reading only. */
export function planAll(sending: Sending, candidates: readonly Candidate[], limit: number): SendResults {
  const collected: SendResults = { results: [], left: 0 };
  let planned = 0;
  for (const candidate of candidates) {
    const settled = settle(sending, candidate, true);
    if (settled === undefined && planned >= limit) {
      collected.left += 1;
      continue;
    }
    const result = settled ?? planToSend(sending, candidate);
    if (result.state === 'planned') planned += 1;
    collected.results.push(result);
  }
  return collected;
}

/**
 * Sends up to `limit` candidates, not counting those that fail: or else what fails every time would keep the others
 * from their turn. At a signal, the rest is not tried. With `waits`, it returns when PILOS has taken the last ones.
 */
export async function sendAll(
  sending: Sending,
  candidates: readonly Candidate[],
  { limit, pacer, waits }: { limit: number; pacer: Pacer; waits: boolean },
): Promise<SendResults> {
  clearWorkDirectory(sending.context);
  const collected: SendResults = { results: [], left: 0 };
  let dead: ExpectedError | undefined;
  let sent = 0;
  for (const [index, candidate] of candidates.entries()) {
    const settled = settle(sending, candidate, false);
    if (settled !== undefined) {
      if ('error' in settled) logUnsent(sending, settled);
      collected.results.push(settled);
    } else if (dead !== undefined) collected.results.push(notTried(sending, candidate, dead));
    else if (sent >= limit) collected.left += 1;
    else {
      const step = await sendPaced(sending, candidate, pacer);
      dead = step.dead;
      collected.results.push(step.result);
      if (step.result.state !== 'delivered') continue;
      sent += 1;
      logSent(sending, step.result, `${index + 1} of ${candidates.length}`);
    }
  }
  if (dead !== undefined) return collected;
  if (waits) await waitForImports(sending, pacer, collected);
  return sending.context.run.signal.aborted ? collected : await confirmAll(sending, candidates, collected);
}

/** Only then is known which of the last ones PILOS refuses. A signal ends it, and nothing is lost. */
async function waitForImports(sending: Sending, pacer: Pacer, { results }: SendResults): Promise<void> {
  const sent = results.filter(({ state }) => state === 'delivered').map(({ archive }) => archive);
  if (sent.length === 0) return;
  try {
    await pacer.drain(new Set(sent));
  } catch (error) {
    const { log, signal } = sending.context.run;
    if (signal.aborted) return;
    if (!(error instanceof ExpectedError)) throw error;
    log.warn(describeError(error));
  }
}

/** What PILOS made of them, as far as it has come. */
async function confirmAll(
  sending: Sending,
  candidates: readonly Candidate[],
  { results, left }: SendResults,
): Promise<SendResults> {
  await confirmSent(sending, candidates);
  const byArchive = new Map(candidates.map((candidate) => [archiveName(candidate.published), candidate]));
  const confirmed = results.map((result) => {
    const candidate = byArchive.get(result.archive);
    return candidate === undefined ? result : withImport(sending, candidate, result);
  });
  return { results: confirmed, left };
}

/** The result for what need not, or cannot, be sent. */
function settle(sending: Sending, candidate: Candidate, isDryRun: boolean): MigrationResult | undefined {
  if (candidate.problem !== undefined) return notSent(sending, candidate, candidate.problem);
  const sent = findSent(sending, candidate, isDryRun);
  return sent === undefined ? undefined : alreadySent(sending, candidate, sent);
}

type DeliveredResult = Extract<MigrationResult, { state: 'delivered' }>;

interface Step {
  result: MigrationResult;
  /** Why the rest need not be tried. */
  dead?: ExpectedError;
}

async function sendPaced(sending: Sending, candidate: Candidate, pacer: Pacer): Promise<Step> {
  const { run } = sending.context;
  let isAdmitted = false;
  try {
    await pacer.admit();
    isAdmitted = true;
    return { result: await sendCandidate(sending, candidate) };
  } catch (error) {
    const reason: unknown = run.signal.aborted ? run.signal.reason : error;
    if (!(reason instanceof ExpectedError)) throw error;
    // What the signal says is reported once, at the end.
    if (run.signal.aborted) return { result: notTried(sending, candidate, reason), dead: reason };
    if (!isAdmitted) {
      run.log.error(describeError(reason));
      return { result: notTried(sending, candidate, reason), dead: reason };
    }
    const result = notSent(sending, candidate, reason);
    logUnsent(sending, result);
    return reason.scope === 'recording' ? { result } : { result, dead: reason };
  }
}

function logUnsent({ context }: Sending, { archive, error }: UnsentResult): void {
  context.run.log.error(`${archive}: ${error.message}: ${error.fix}`);
}

function logSent(
  { context }: Sending,
  { archive, files, bytes, destination, seconds }: DeliveredResult,
  position: string,
): void {
  context.run.log.info(
    `${position}: sent ${archive} (${files} files, ${bytes} bytes) to ${destination} in ${seconds.toFixed(1)} s`,
  );
}
