/**
 * BBB's call after each published format, and one meeting by hand. START READING HERE: a recording goes
 * config → bbb → archive → spool → delivery, which keeps the ledger.
 */
import type { Command } from '@commander-js/extra-typings';
import { type PublishedFormat, readPublishedFormats } from '../bbb/bbb.ts';
import type { MeetingMetadata } from '../bbb/events-head.ts';
import {
  type Format,
  isBbbRecordId,
  meetingIdOf,
  type RecordId,
  validateFormat,
  validateRecordId,
} from '../bbb/ids.ts';
import { readMetadata } from '../bbb/meeting-metadata.ts';
import type { Config } from '../config/config.ts';
import { validateSubDir } from '../config/sub-dir.ts';
import type { DeliveryContext } from '../delivery/context.ts';
import { firstExitStatus } from '../delivery/exit-status.ts';
import type { DeliveryResult } from '../delivery/result.ts';
import { attempt, EXIT, type ExitStatus, ExpectedError } from '../errors.ts';
import { type ConfiguredRun, configureRun, type Run, type RunOptions } from '../run.ts';
import { quote } from '../terminal/escape.ts';
import { printJson } from '../terminal/lines.ts';
import type { Start } from './options.ts';

export interface PublishRequest {
  /** Or the id of one of its segments. */
  meetingId: string;
  /** Undefined: every published format. */
  format: string | undefined;
  /** Send also what PILOS has imported, since it was deleted there. */
  again: boolean;
  dryRun: boolean;
}

const exampleId = '495513f19d7da5edb02237f3bca1ee0634f1e235-1712758751753';

/** A command line, and what it does. */
const publishExamples: readonly [string, string][] = [
  [`pilos-post-publish -m ${exampleId} -f presentation`, 'what BBB calls: deliver one format of a meeting'],
  [`sudo pilos-post-publish -m ${exampleId}`, 'deliver all its published formats, as user bigbluebutton'],
  [
    `sudo pilos-post-publish -m ${exampleId} --dry-run`,
    'say what would be read, packed, written and run, and change nothing',
  ],
];

const examplesHelp = `
Examples:
${publishExamples.map(([command, meaning]) => `  ${command}\n      ${meaning}`).join('\n')}
`;

/** The options of the program itself, which is what BBB calls. */
export function addPublishOptions(program: Command, start: Start): void {
  program
    .option('-m, --meeting-id <id>', 'meeting id, as BBB passes it, or its beginning')
    .option('-f, --format <format>', 'published format; without it, every one of the meeting')
    .option('--again', 'deliver also what PILOS had imported and somebody has deleted there')
    .option('--dry-run', 'say what would be done, and change nothing')
    .addHelpText('after', examplesHelp)
    .action(async ({ meetingId, format, again = false, dryRun = false }, command) => {
      if (meetingId === undefined) return command.error('give a meeting id with -m, or one of the commands');
      await start(command.opts() as RunOptions, (run) => publish({ meetingId, format, again, dryRun }, run));
    });
}

/** Delivers one format of a meeting, or all of them; returns the exit status. */
export async function publish(request: PublishRequest, unconfigured: Run): Promise<ExitStatus> {
  const givenId = validateRecordId(request.meetingId);
  const format = request.format === undefined ? undefined : validateFormat(request.format);
  const run = await configureRun(unconfigured, request);
  const { config } = run;
  const meetingId = await findMeeting(config, givenId);

  const metadata = await readMetadata(config, meetingId, format, run.log.warn);
  if ('origin' in metadata && !config.origins.includes(metadata.origin))
    return reportForeign(run, meetingId, metadata.origin);
  const published = readPublishedFormats(config, meetingId, format);
  if (published.length === 0)
    return await finishWithNothingPublished(
      { dryRun: request.dryRun, meetingId, format },
      run,
      'origin' in metadata ? metadata.origin : '',
    );
  const subDir =
    metadata instanceof ExpectedError
      ? metadata
      : attempt(() => validateSubDir(metadata.subDir, config.allowedSubDirs));

  const results = await deliverAll(request, run, published, subDir);
  return report(run, meetingId, metadata, results);
}

/** BBB gives a whole id. A person may give the beginning of one, which is searched for on the whole server. */
async function findMeeting(config: Config, givenId: RecordId): Promise<RecordId> {
  if (isBbbRecordId(givenId) || meetingIdOf(givenId) !== givenId) return givenId;
  const { findMeetingId } = await import('../status/find-meeting.ts');
  return findMeetingId(config, '-m', givenId);
}

/** Most meetings have a format that BBB finishes without publishing anything: no failure. Throws for everything else. */
async function finishWithNothingPublished(
  { meetingId, format, dryRun }: { meetingId: RecordId; format: Format | undefined; dryRun: boolean },
  run: ConfiguredRun,
  origin: string,
): Promise<ExitStatus> {
  const { readNothingPublished } = await import('../bbb/not-published.ts');
  const nothing = readNothingPublished(run.config, run.config.publishSteps, meetingId, format);
  if (nothing.kind === 'missing') throw nothing.error;
  const formats = nothing.formats.join(', ');
  run.log.info(`BBB published nothing as ${formats} of meeting ${meetingId}: nothing to deliver`);
  if (!dryRun) {
    const { openDelivery, settle } = await import('../delivery/deliver-meeting.ts');
    await settle(await openDelivery(run), meetingIdOf(meetingId));
  }
  if (run.json) printJson({ meeting_id: meetingId, origin, results: [], exit_status: EXIT.ok });
  return EXIT.ok;
}

/** What delivers is loaded only here: most calls of BBB may be for meetings of other front ends. */
async function deliverAll(
  request: PublishRequest,
  run: ConfiguredRun,
  published: readonly PublishedFormat[],
  subDir: string | ExpectedError,
): Promise<DeliveryResult[]> {
  const { deliverMeeting, openDelivery, planMeeting } = await import('../delivery/deliver-meeting.ts');
  const context: DeliveryContext = await openDelivery(run);
  if (request.dryRun) return await planMeeting(context, published, subDir);
  return await deliverMeeting(context, published, subDir, { isNamed: true, again: request.again });
}

function reportForeign(run: ConfiguredRun, meetingId: string, origin: string): ExitStatus {
  run.log.info(`meeting ${meetingId} is not from PILOS (bbb-origin ${quote(origin)}): nothing to do`);
  if (run.json) printJson({ meeting_id: meetingId, origin, results: [], exit_status: EXIT.ok });
  return EXIT.ok;
}

/** Prints `--json` or what a dry run found; the exit status is that of the first failure. */
function report(
  run: ConfiguredRun,
  meetingId: string,
  metadata: MeetingMetadata | ExpectedError,
  results: DeliveryResult[],
): ExitStatus {
  const status = firstExitStatus(results) ?? EXIT.ok;
  const { origin, subDir, source } =
    metadata instanceof ExpectedError ? { origin: '', subDir: '', source: '' } : metadata;
  if (run.json) {
    printJson({ meeting_id: meetingId, origin, sub_dir: subDir, results, exit_status: status });
    return status;
  }
  const planned = results.filter((result) => result.state === 'planned');
  if (planned.length > 0) {
    const where = subDir === '' ? 'no sub directory' : `sub directory ${subDir}`;
    run.log.info('dry run: nothing is written, sent or logged');
    run.log.info(`read ${source}: origin ${origin}, ${where}`);
  }
  for (const step of planned.flatMap(({ steps }) => steps)) run.log.info(step);
  return status;
}
