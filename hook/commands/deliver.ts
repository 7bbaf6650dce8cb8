/** Delivers what is published, ours, and not in the ledger as delivered: by hand, and every 15 minutes by the timer. */

import { type Command, Option } from '@commander-js/extra-typings';
import { archiveName, meetingIdOf, type PublishedFormat } from '../bbb/bbb.ts';
import { isBeingPublished } from '../bbb/format-states.ts';
import { validateMeetingId } from '../bbb/ids.ts';
import { type Config, readConfig } from '../config/config.ts';
import { type DeliveryContext, openDelivery, resultBasis } from '../delivery/context.ts';
import { deliverFormat, finishMeeting, planDelivery } from '../delivery/delivery.ts';
import { isDelivered, type LedgerEntry, openLedger, readStamp, statMetadata } from '../delivery/ledger.ts';
import { updateMetrics } from '../delivery/metrics.ts';
import { type DeliveryResult, rememberFailure, tolerate } from '../delivery/outcome.ts';
import { attempt, EXIT, type ExitStatus, ExpectedError, exitStatusOf } from '../errors.ts';
import { type OurMeeting, readOurMeetings } from '../pilos/meetings.ts';
import type { Run } from '../run.ts';
import { becomeOwner } from '../system/user.ts';
import { describeError } from '../terminal/escape.ts';
import { printJson } from '../terminal/lines.ts';
import { parseMoment } from '../terminal/time-span.ts';
import { addRunOptions, collect, parseCount, type Start } from './options.ts';

export interface DeliverRequest {
  /** `missing`: not delivered for whatever reason; `failed`: tried without success; `all`: delivered ones too. */
  which: 'missing' | 'failed' | 'all';
  /** Published since: a span of time or a date. */
  since: string | undefined;
  meetingIds: string[];
  limit: number | undefined;
  dryRun: boolean;
}

/** Delivers what the request names; non-zero when something of it is still missing. */
export async function deliver(request: DeliverRequest, run: Run): Promise<ExitStatus> {
  const started = Date.now();
  const meetingIds = request.meetingIds.map(validateMeetingId);
  const since = request.since === undefined ? undefined : parseMoment('--since', request.since, started);
  const config = readConfig(run.choice, run.environment);
  becomeOwner(config.publishedDir);
  if (!request.dryRun) run.log.setFile(config.logFile);

  const context = await openDelivery(config, run);
  const meetings = readNamedMeetings(context, meetingIds);
  const { candidates, beingPublished } = chooseCandidates(config, meetings, { which: request.which, since });
  const chosen = request.limit === undefined ? candidates : candidates.slice(0, request.limit);
  const results = request.dryRun
    ? chosen.map((candidate) => planCandidate(context, candidate))
    : await deliverAll(context, chosen, request.which === 'all' ? started : 0);
  if (!request.dryRun) {
    // Also meetings of which nothing had to be sent: their last format may have failed in BBB meanwhile.
    for (const { meetingId, published } of meetings) await finishMeeting(context, meetingId, published);
  }
  const left = candidates.length - chosen.length;
  if (!request.dryRun && isComplete(request)) await countMissing(context, results, left);
  return report(run, { results, left, beingPublished, isDryRun: request.dryRun });
}

/** True when the run has looked at everything that is missing, as the timer's does. */
function isComplete({ which, since, meetingIds }: DeliverRequest): boolean {
  return which === 'missing' && since === undefined && meetingIds.length === 0;
}

async function countMissing(
  { config, run }: DeliveryContext,
  results: DeliveryResult[],
  left: number,
): Promise<void> {
  await tolerate(run, 'the missing recordings are not counted', () =>
    updateMetrics(config, (counters) => {
      counters.missing = left + results.filter((result) => result.state !== 'delivered').length;
    }),
  );
}

/** Those that the request names, or all; a named one that is not here is told. */
function readNamedMeetings({ config, run }: DeliveryContext, meetingIds: string[]): OurMeeting[] {
  const wanted = new Set(meetingIds.map(meetingIdOf));
  const ours = readOurMeetings(config, (id) => wanted.size === 0 || wanted.has(id), run.log.debug);
  for (const { meetingId } of ours) wanted.delete(meetingId);
  for (const id of wanted) run.log.warn(`meeting ${id} is not published here, or not from PILOS`);
  return ours;
}

interface Candidate {
  published: PublishedFormat;
  subDir: string | ExpectedError;
  entry: LedgerEntry | undefined;
  /** When BBB published it, milliseconds since 1970. */
  publishedAt: number;
}

/**
 * What is to be delivered, newest first, but after what has never failed comes what failed longest ago: with
 * `--limit`, the ones that fail every time must not keep the others from their turn.
 */
function chooseCandidates(
  config: Config,
  meetings: OurMeeting[],
  { which, since }: { which: DeliverRequest['which']; since: number | undefined },
): { candidates: Candidate[]; beingPublished: number } {
  const ledger = openLedger(config.workDir);
  const candidates: Candidate[] = [];
  let beingPublished = 0;
  for (const { published, subDir } of meetings) {
    for (const one of published) {
      const entry = ledger.read(one);
      const isMissing = !isDelivered(entry, readStamp(one));
      if (which === 'missing' ? !isMissing : which === 'failed' && entry?.state !== 'failed') continue;
      // After a call of BBB for these files there is nothing to wait for.
      if (!hasBeenTried(one, entry) && isBeingPublished(config, one)) {
        beingPublished += 1;
        continue;
      }
      const publishedAt = statMetadata(one)?.mtimeMs ?? Date.now();
      if (since === undefined || publishedAt >= since)
        candidates.push({ published: one, subDir, entry, publishedAt });
    }
  }
  const failedAt = ({ entry }: Candidate) =>
    entry?.state === 'failed' ? (entry.attempts.at(-1)?.at ?? '') : '';
  candidates.sort(
    (one, other) => failedAt(one).localeCompare(failedAt(other)) || other.publishedAt - one.publishedAt,
  );
  return { candidates, beingPublished };
}

function hasBeenTried(one: PublishedFormat, entry: LedgerEntry | undefined): boolean {
  const published = statMetadata(one);
  const tried = Date.parse(entry?.attempts.at(-1)?.at ?? '');
  return published !== undefined && tried >= published.mtimeMs;
}

/** One failure does not stop the rest; but what fails for all of a destination or host is noticed once. */
async function deliverAll(
  context: DeliveryContext,
  candidates: Candidate[],
  deliveredSince: number,
): Promise<DeliveryResult[]> {
  const results: DeliveryResult[] = [];
  const dead = new Map<string, DeliveryResult>();
  for (const [index, { published, subDir }] of candidates.entries()) {
    context.run.signal.throwIfAborted();
    if (subDir instanceof ExpectedError) {
      results.push(await rememberFailure(context, published, subDir, { destination: '', seconds: 0 }));
      continue;
    }
    const destination = context.spool.destination(subDir);
    const failure = dead.get('') ?? dead.get(destination);
    if (failure !== undefined) {
      results.push(notTried(context, published, subDir, failure));
      continue;
    }
    context.run.log.debug(`${index + 1} of ${candidates.length}: ${archiveName(published)}`);
    const result = await deliverFormat(context, published, subDir, deliveredSince);
    results.push(result);
    if (result.scope === 'spool') dead.set('', result);
    if (result.scope === 'destination') dead.set(destination, result);
  }
  return results;
}

function notTried(
  context: DeliveryContext,
  published: PublishedFormat,
  subDir: string,
  { error = '', exit_status = EXIT.temporary }: DeliveryResult,
): DeliveryResult {
  return {
    ...resultBasis(context, published, subDir),
    state: 'waiting',
    error: `not tried: ${error}`,
    exit_status,
  };
}

function planCandidate(context: DeliveryContext, { published, subDir }: Candidate): DeliveryResult {
  const planned =
    subDir instanceof ExpectedError ? subDir : attempt(() => planDelivery(context, published, subDir));
  if (!(planned instanceof ExpectedError)) return planned;
  const basis = resultBasis(context, published, typeof subDir === 'string' ? subDir : '');
  return { ...basis, state: 'failed', error: describeError(planned), exit_status: exitStatusOf(planned) };
}

interface DeliverReport {
  results: DeliveryResult[];
  /** Left by `--limit`. */
  left: number;
  beingPublished: number;
  isDryRun: boolean;
}

function report(run: Run, { results, left, beingPublished, isDryRun }: DeliverReport): ExitStatus {
  const count = (state: DeliveryResult['state']) => results.filter((result) => result.state === state).length;
  const failed = results.find((result) => result.state === 'failed');
  const status = failed?.exit_status ?? (left > 0 && !isDryRun ? EXIT.temporary : EXIT.ok);
  if (run.json) {
    printJson({ results, left_by_limit: left, being_published: beingPublished, exit_status: status });
    return status;
  }
  if (isDryRun) {
    run.log.info('dry run: nothing is written, sent or logged');
    for (const result of results) {
      run.log.info(
        `${result.archive}: ${result.error ?? `would be delivered to ${result.destination} (${result.bytes} bytes)`}`,
      );
    }
  }
  const parts = [
    `${isDryRun ? count('planned') : count('delivered')} ${isDryRun ? 'to be delivered' : 'delivered'}`,
    `${count('failed')} failed`,
    ...(count('waiting') > 0 ? [`${count('waiting')} not tried, for the same reason`] : []),
    ...(left > 0 ? [`${left} left by --limit`] : []),
    ...(beingPublished > 0 ? [`${beingPublished} still being published by BBB`] : []),
  ];
  run.log.info(results.length + beingPublished === 0 ? 'nothing to deliver' : parts.join(', '));
  return status;
}

export function addDeliverCommand(program: Command, start: Start): void {
  addRunOptions(program.command('deliver'))
    .description('deliver what PILOS does not have; the timer runs this every 15 minutes')
    .addOption(
      new Option('--missing', 'what is not delivered, for whatever reason (default)').conflicts([
        'failed',
        'all',
      ]),
    )
    .addOption(new Option('--failed', 'only what was tried and failed').conflicts(['missing', 'all']))
    .addOption(new Option('--all', 'everything, also what is delivered').conflicts(['missing', 'failed']))
    .option('--since <when>', 'only what was published since then: 12h, 7d, 2w or 2026-01-31')
    .option('-m, --meeting-id <id>', 'only this meeting; may be given several times', collect)
    .option('--limit <n>', 'at most so many', parseCount)
    .option('--dry-run', 'say what would be delivered, and change nothing')
    .action((options, command) => {
      const { since, limit, dryRun = false, meetingId: meetingIds = [] } = options;
      const which = options.all ? 'all' : options.failed ? 'failed' : 'missing';
      return start(command.optsWithGlobals(), (run) =>
        deliver({ which, since, limit, dryRun, meetingIds }, run),
      );
    });
}
