/** Delivers what PILOS does not have, and confirms what it was given: by hand, and every 15 minutes by the timer. */
import { type Command, Option } from '@commander-js/extra-typings';
import { meetingIdOf, type RecordId, validateRecordId } from '../bbb/ids.ts';
import { readUnreadableFormats } from '../bbb/stray-entries.ts';
import { type Backlog, readBacklog, type Which } from '../delivery/backlog.ts';
import { confirmMount } from '../delivery/confirm-mount.ts';
import { type DeliveryContext, openDelivery } from '../delivery/context.ts';
import { deliverBacklog, planBacklog } from '../delivery/deliver-backlog.ts';
import { firstExitStatus } from '../delivery/exit-status.ts';
import { finishRun } from '../delivery/finish-run.ts';
import type { DeliveryResult } from '../delivery/result.ts';
import { EXIT, type ExitStatus, ExpectedError } from '../errors.ts';
import { type PilosMeeting, readPilosMeetings } from '../pilos/meetings.ts';
import { type ConfiguredRun, configureRun, type Run } from '../run.ts';
import { findMeetingId } from '../status/find-meeting.ts';
import { printJson } from '../terminal/lines.ts';
import { parseMoment } from '../terminal/time-span.ts';
import { addRunOptions, collect, parseCount, type Start } from './options.ts';

interface DeliverRequest {
  which: Which;
  /** Published since: a span of time or a date. */
  since: string | undefined;
  meetingIds: string[];
  limit: number | undefined;
  dryRun: boolean;
  /** How often, a span of time; undefined: once. */
  every: string | undefined;
  /** What is mounted at the spool now is right. */
  confirmMount: boolean;
  /** The address that the spool had before; undefined: the same. */
  movedFrom: string | undefined;
}

export function addDeliverCommand(program: Command, start: Start): void {
  addRunOptions(program.command('deliver'))
    .description('deliver what PILOS does not have; the timer runs this every 15 minutes')
    .addOption(new Option('--failed', 'only what was tried and failed').conflicts('again'))
    .addOption(new Option('--again', 'also what PILOS had imported, since it was deleted there'))
    .option('--since <when>', 'only what was published since then: 12h, 7d, 2w or 2026-01-31')
    .option(
      '-m, --meeting-id <id>',
      'only this meeting, or the one that begins so; may be given several times',
      collect,
    )
    .option('--limit <n>', 'at most so many', parseCount)
    .option('--dry-run', 'say what would be delivered, and change nothing')
    .addOption(
      new Option(
        '--every <span>',
        'again and again, every 15m for example, where no timer does so: in a container',
      ).conflicts(['again', 'dryRun']),
    )
    .addOption(
      new Option(
        '--confirm-mount',
        'what is mounted at spool_dir now is right, though it is not what was there at the last delivery',
      ).conflicts(['dryRun', 'every']),
    )
    .addOption(
      new Option(
        '--moved-from <address>',
        'the spool had this address before, and what was delivered there stays delivered',
      ).conflicts(['dryRun', 'every']),
    )
    .action((options, command) => {
      const { dryRun = false, confirmMount = false, meetingId: meetingIds = [] } = options;
      const { since, limit, every, movedFrom } = options;
      const which = options.again ? 'all' : options.failed ? 'failed' : 'missing';
      return start(command.optsWithGlobals(), (run) =>
        deliver({ which, since, limit, dryRun, confirmMount, meetingIds, every, movedFrom }, run),
      );
    });
}

/** Delivers what the request names; non-zero when something of it is still missing. */
async function deliver(request: DeliverRequest, unconfigured: Run): Promise<ExitStatus> {
  for (const id of request.meetingIds) validateRecordId(id);
  const since = request.since === undefined ? undefined : parseMoment('--since', request.since, Date.now());
  if (request.every !== undefined) {
    const { deliverEvery, parseInterval } = await import('./deliver-every.ts');
    return await deliverEvery(
      parseInterval(request.every, unconfigured),
      process.argv.slice(2),
      unconfigured,
    );
  }
  const run = await configureRun(unconfigured, request);

  const meetingIds = request.meetingIds.map((id) => findMeetingId(run.config, '-m', id));
  const context = await openDelivery(run);
  if (request.confirmMount) await confirmMount(context);
  if (request.movedFrom !== undefined) {
    const { moveDeliveries } = await import('../delivery/moved-spool.ts');
    await moveDeliveries(context, request.movedFrom);
  }
  for (const { path, reason } of readUnreadableFormats(run.config))
    run.log.warn(`nothing of ${path} is delivered: it ${reason}`);
  const meetings = readNamedMeetings(run, meetingIds);
  const isUnattended = meetingIds.length === 0 && request.limit === undefined;
  const backlog = readBacklog(context, meetings, { ...request, since, isUnattended });
  if (request.dryRun) return report(context, backlog, await planBacklog(context, backlog), request);

  const results = await deliverBacklog(context, backlog, {
    isNamed: meetingIds.length > 0,
    again: request.which === 'all',
  });
  await unlessInterrupted(run, async () => {
    await finishRun(context, meetings, { results, isComplete: isComplete(request) });
    if (!isComplete(request)) return;
    const { reportCheckTimer } = await import('../check/check-timer.ts');
    await reportCheckTimer(run);
  });
  return report(context, backlog, results, request);
}

/** Who interrupts it still wants to know how far it came. */
async function unlessInterrupted({ signal, log }: ConfiguredRun, action: () => Promise<void>): Promise<void> {
  try {
    signal.throwIfAborted();
    await action();
  } catch (error) {
    if (!signal.aborted) throw error;
    log.failure(signal.reason);
  }
}

/** True when the run has gone through everything that is missing, as the timer's does. */
function isComplete({ which, since, meetingIds }: DeliverRequest): boolean {
  return which === 'missing' && since === undefined && meetingIds.length === 0;
}

/** Those that the request names, or all. Throws ExpectedError (66) for a named one that is not here. */
function readNamedMeetings({ config, log }: ConfiguredRun, meetingIds: RecordId[]): PilosMeeting[] {
  const wanted = new Set(meetingIds.map(meetingIdOf));
  const meetings = readPilosMeetings(config, (id) => wanted.size === 0 || wanted.has(id), log.debug);
  for (const { meetingId } of meetings) wanted.delete(meetingId);
  const [missing] = wanted;
  if (missing === undefined) return meetings;
  throw new ExpectedError(`meeting ${missing} is not published here, or not from PILOS`, {
    code: 'meeting_not_found',
    exitStatus: EXIT.noRecording,
    fix: "check the id with 'pilos-post-publish status', or 'bbb-record --list' on the other BBB servers",
  });
}

function report(
  { run, dead }: DeliveryContext,
  { left, beingPublished }: Backlog,
  results: DeliveryResult[],
  { dryRun }: DeliverRequest,
): ExitStatus {
  const isUnfinished = (left > 0 && !dryRun) || run.signal.aborted;
  // A spool that could not be asked what PILOS has taken: nothing is known of what it was given.
  const [unanswered] = dead.values();
  const unfinished = isUnfinished ? EXIT.temporary : EXIT.ok;
  const status = firstExitStatus(results) ?? unanswered?.exit_status ?? unfinished;
  if (run.json) {
    printJson({ results, left, being_published: beingPublished, exit_status: status });
    return status;
  }
  if (dryRun) {
    run.log.info('dry run: nothing is written, sent or logged');
    for (const result of results) run.log.info(`${result.archive}: ${describePlanned(result)}`);
  }
  const count = (state: DeliveryResult['state']) => results.filter((result) => result.state === state).length;
  const parts = [
    [dryRun ? count('planned') : count('delivered'), dryRun ? 'to be delivered' : 'delivered'],
    [count('unchanged'), 'delivered before'],
    [count('failed'), 'failed'],
    [count('outdated'), 'outdated'],
    [count('waiting'), 'not tried'],
    [left, "left for later, see 'max_unattended' and --limit"],
    [beingPublished, 'still being published by BBB'],
  ] as const;
  const counted = parts.filter(([number], index) => index === 0 || number > 0).map((part) => part.join(' '));
  run.log.info(results.length + beingPublished + left === 0 ? 'nothing to deliver' : counted.join(', '));
  return status;
}

function describePlanned(result: DeliveryResult): string {
  if (result.state === 'planned')
    return `would be delivered to ${result.destination} (${result.bytes} bytes)`;
  return 'error' in result && result.error !== undefined
    ? `${result.error.message}: ${result.error.fix}`
    : result.state;
}
