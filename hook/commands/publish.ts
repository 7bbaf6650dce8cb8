/**
 * BBB's call after each published format, and one meeting by hand. START READING HERE: a recording goes
 * config → recording → metadata → archive → spool → ledger.
 */

import type { Command } from '@commander-js/extra-typings';
import { eventsFile, meetingIdOf, type PublishedFormat, readPublishedFormats } from '../bbb/bbb.ts';
import { type MeetingMetadata, readEventsHead } from '../bbb/events-head.ts';
import { validateFormat, validateMeetingId } from '../bbb/ids.ts';
import { notPublished } from '../bbb/not-published.ts';
import { type Config, readConfig } from '../config/config.ts';
import { validateSubDir } from '../config/sub-dir.ts';
import type { DeliveryResult } from '../delivery/outcome.ts';
import { attempt, EXIT, type ExitStatus, ExpectedError } from '../errors.ts';
import type { Run, RunOptions } from '../run.ts';
import { becomeOwner } from '../system/user.ts';
import { quote } from '../terminal/escape.ts';
import { printJson } from '../terminal/lines.ts';
import type { Start } from './options.ts';

export interface PublishRequest {
  /** Or the id of one of its segments. */
  meetingId: string;
  /** Undefined: every published format. */
  format: string | undefined;
  dryRun: boolean;
}

/** Delivers one format of a meeting, or all of them; returns the exit status. */
export async function publish(request: PublishRequest, run: Run): Promise<ExitStatus> {
  const meetingId = validateMeetingId(request.meetingId);
  const format = request.format === undefined ? undefined : validateFormat(request.format);
  const config = readConfig(run.choice, run.environment);
  becomeOwner(config.publishedDir);
  if (!request.dryRun) run.log.setFile(config.logFile);

  const published = lazy(() => readPublishedFormats(config, meetingId, format));
  const metadata = await readMetadata(config, run, { meetingId, format, published });
  if (metadata instanceof ExpectedError) return await refuse(request, config, run, published(), metadata);
  if (!config.origins.includes(metadata.origin)) return reportForeign(run, meetingId, metadata);
  if (published().length === 0) throw notPublished(config, meetingId, format);
  const subDir = attempt(() => validateSubDir(metadata.subDir, config.allowedSubDirs));
  if (subDir instanceof ExpectedError) return await refuse(request, config, run, published(), subDir);

  const results = await deliver(request, config, run, published(), subDir);
  return report(run, { meeting_id: meetingId, origin: metadata.origin, sub_dir: subDir, results }, metadata);
}

function lazy<T>(read: () => T): () => T {
  let value: { read: T } | undefined;
  return () => {
    value ??= { read: read() };
    return value.read;
  };
}

interface Meeting {
  meetingId: string;
  format: string | undefined;
  published: () => PublishedFormat[];
}

/** events.xml nearly always tells; what reads the published metadata.xml is only loaded when it does not. */
async function readMetadata(
  config: Config,
  run: Run,
  { meetingId, format, published }: Meeting,
): Promise<MeetingMetadata | ExpectedError> {
  const events = eventsFile(config, meetingIdOf(meetingId));
  try {
    return readEventsHead(events);
  } catch {
    // Tried again below, where the reason is told.
  }
  const files = () => {
    if (published().length === 0) throw notPublished(config, meetingId, format);
    return published().map(({ directory }) => `${directory}/metadata.xml`);
  };
  const { readMeetingMetadata } = await import('../bbb/metadata.ts');
  return attempt(() => readMeetingMetadata(events, files, run.log.warn));
}

/** What delivers is loaded here and not before: most calls of BBB may be for meetings of other front ends. */
async function deliver(
  { meetingId, dryRun }: PublishRequest,
  config: Config,
  run: Run,
  published: PublishedFormat[],
  subDir: string,
): Promise<DeliveryResult[]> {
  const { deliverFormat, finishMeeting, noteForLater, openDelivery, planDelivery } = await import(
    '../delivery/delivery.ts'
  );
  const context = await openDelivery(config, run);
  if (dryRun) return published.map((one) => planDelivery(context, one, subDir));
  const results: DeliveryResult[] = [];
  for (const one of published) {
    const isLater = config.deliver === 'later';
    results.push(
      await (isLater ? noteForLater(context, one, subDir) : deliverFormat(context, one, subDir, Date.now())),
    );
  }
  if (results.some((result) => result.state === 'delivered'))
    await finishMeeting(context, meetingIdOf(meetingId));
  return results;
}

/** Nothing is sent, but the ledger remembers why. */
async function refuse(
  { meetingId, dryRun }: PublishRequest,
  config: Config,
  run: Run,
  published: PublishedFormat[],
  reason: ExpectedError,
): Promise<ExitStatus> {
  if (dryRun || published.length === 0) throw reason;
  const { rememberFailure } = await import('../delivery/outcome.ts');
  const results: DeliveryResult[] = [];
  for (const one of published) {
    results.push(await rememberFailure({ config, run }, one, reason, { destination: '', seconds: 0 }));
  }
  if (run.json) printJson({ meeting_id: meetingId, results, exit_status: reason.exitStatus });
  return reason.exitStatus;
}

function reportForeign(run: Run, meetingId: string, { origin }: MeetingMetadata): ExitStatus {
  run.log.info(`meeting ${meetingId} is not from PILOS (bbb-origin ${quote(origin)}): nothing to do`);
  if (run.json) printJson({ meeting_id: meetingId, origin, results: [], exit_status: EXIT.ok });
  return EXIT.ok;
}

interface PublishReport {
  meeting_id: string;
  origin: string;
  sub_dir: string;
  results: DeliveryResult[];
}

/** Prints `--json` or what a dry run found; the exit status is that of the first failure. */
function report(run: Run, found: PublishReport, metadata: MeetingMetadata): ExitStatus {
  const status = found.results.find((result) => result.state === 'failed')?.exit_status ?? EXIT.ok;
  if (run.json) {
    printJson({ ...found, exit_status: status });
    return status;
  }
  const planned = found.results.filter((result) => result.state === 'planned');
  if (planned.length > 0) {
    const subDir = found.sub_dir === '' ? 'no sub directory' : `sub directory ${found.sub_dir}`;
    run.log.info('dry run: nothing is written, sent or logged');
    run.log.info(`read ${metadata.source}: origin ${found.origin}, ${subDir}`);
  }
  for (const step of planned.flatMap((result) => result.steps ?? [])) run.log.info(step);
  return status;
}

const exampleId = '495513f19d7da5edb02237f3bca1ee0634f1e235-1712758751753';

/** A command line, and what it does. */
export const publishExamples: readonly [string, string][] = [
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
    .option('-m, --meeting-id <id>', 'meeting id, as BBB passes it')
    .option('-f, --format <format>', 'published format; without it, every one of the meeting')
    .option('--dry-run', 'say what would be done, and change nothing')
    .addHelpText('after', examplesHelp)
    .action(async ({ meetingId, format, dryRun = false }, command) => {
      if (meetingId === undefined) return command.error('give a meeting id with -m, or one of the commands');
      await start(command.opts() as RunOptions, (run) => publish({ meetingId, format, dryRun }, run));
    });
}
