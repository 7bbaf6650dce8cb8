/** Sends the recordings of other front ends for import: sources → candidates → pace → send → report. */

import { resolve } from 'node:path';
import type { Command } from '@commander-js/extra-typings';
import { isBeingPublished } from '../bbb/format-states.ts';
import { type DeliveryContext, openDelivery } from '../delivery/context.ts';
import { EXIT, type ExitStatus } from '../errors.ts';
import { type Candidate, chooseCandidates } from '../migrate/candidates.ts';
import { confirmSent } from '../migrate/confirm-sent.ts';
import type { PaceRules } from '../migrate/decide-pace.ts';
import { createPacer } from '../migrate/pace.ts';
import {
  describeOrigins,
  exitStatusFor,
  formatSummary,
  formatUnknown,
  type MigrationReport,
  reportJson,
  rowsOf,
} from '../migrate/report.ts';
import {
  type MigrateRequest,
  readPublicRule,
  readRules,
  readWanted,
  validateSubDirOption,
} from '../migrate/request.ts';
import { type Sending, subDirsOf } from '../migrate/send.ts';
import { planAll, sendAll } from '../migrate/send-all.ts';
import { readSources } from '../migrate/sources.ts';
import { configureRun, type Run } from '../run.ts';
import { formatTable } from '../status/status-table.ts';
import { escapeText } from '../terminal/escape.ts';
import { printJson } from '../terminal/lines.ts';
import { printLines, readLayout } from '../terminal/table.ts';
import { addRunOptions, collect, parseCount, type Start } from './options.ts';

/** Sends what the request names; 0 only when all of it is sent. */
async function migrate(request: MigrateRequest, unconfigured: Run): Promise<ExitStatus> {
  const started = Date.now();
  const wanted = readWanted(request, started, unconfigured);
  const rules = readRules(request);
  const publicRule = readPublicRule(request);
  const directories = request.from.map((directory) => resolve(directory));
  const run = await configureRun(unconfigured, request);
  const { config } = run;
  const subDir = validateSubDirOption(request.subDir, config);

  const isHere = directories.length === 0;
  const { candidates, ...others } = chooseCandidates(readSources(config, directories), wanted, {
    ownOrigins: isHere ? config.origins : [],
    isComing: (published) => isHere && isBeingPublished(config, published),
    publicRule,
  });
  const context = await openDelivery(run);
  const { map } = wanted;
  const resent = { sentSince: request.again ? started : 0, againRefused: request.refused };
  const sending = { context, subDir, map, ...resent };
  const subDirs = await checkDestinations(sending, candidates);
  announceVersion(request, run);
  if (request.refused && !request.dryRun) await confirmSent(sending, candidates);
  const limit = request.limit ?? Number.POSITIVE_INFINITY;
  const sent = request.dryRun
    ? planAll(sending, candidates, limit)
    : await sendAll(sending, candidates, {
        ...{ limit, waits: request.wait },
        pacer: openPacer(context, subDirs, rules),
      });
  const status = report({ ...sent, ...others, isDryRun: request.dryRun }, sending, request);
  run.signal.throwIfAborted();
  return status;
}

/** PILOS' changelog does not say it, its sources do. */
function announceVersion({ public: isAll, publicWhen, dryRun }: MigrateRequest, { log }: Run): void {
  log.info(
    'PILOS must know the meetings, or it refuses every archive: its import:greenlight-v2 and -v3 create them since early 2026 (pull request 3034)',
  );
  if ((isAll || publicWhen.length > 0) && !dryRun)
    log.info(
      'public/ is read by PILOS since the same time, as in 4.13; an older one leaves archives there for ever',
    );
}

/** A mounted spool that is not there is reported before the first recording is packed. */
async function checkDestinations(sending: Sending, candidates: readonly Candidate[]): Promise<string[]> {
  const used = subDirsOf(sending, candidates);
  const subDirs = used.length === 0 ? [sending.subDir] : used;
  const { spool, run } = sending.context;
  for (const subDir of subDirs)
    await spool.describeDelivery({ name: 'x.tar', size: 0, subDir, signal: run.signal });
  return subDirs;
}

/** A question over ssh costs a connection. */
function openPacer({ config, spool, run }: DeliveryContext, subDirs: string[], rules: PaceRules) {
  const interval = config.spool.kind === 'local' ? 1000 : 10_000;
  return createPacer({ spool, subDirs, interval }, rules, run);
}

function report(found: MigrationReport, { context, subDir }: Sending, { quiet }: MigrateRequest): ExitStatus {
  const { run, spool } = context;
  const status = exitStatusFor(found);
  if (status === EXIT.noRecording) reportNothingFits(found, run);
  if (run.json) printJson(reportJson(found, status));
  else if (!quiet) {
    if (found.isDryRun) run.log.info('dry run: nothing is written, sent or logged');
    const shown = found.isDryRun ? found.results : found.results.filter(isProblem);
    if (shown.length > 0) printLines(formatTable(rowsOf(shown), readLayout()));
    printLines(['', ...formatSummary(found), ...formatUnknown(found, run.verbose)]);
    if (found.isDryRun) run.log.info(`all of it would go to ${spool.destination(subDir)}`);
  }
  return status;
}

function isProblem({ state }: { state: string }): boolean {
  return ['cannot_be_packed', 'failed', 'refused'].includes(state);
}

function reportNothingFits({ unmatched, own }: MigrationReport, { log }: Run): void {
  const origins = describeOrigins(unmatched);
  const here = origins === '' ? 'there is no other recording' : `what there is: ${origins}`;
  const deliver = own === 0 ? '' : `; ${own} are PILOS' own, which 'pilos-post-publish deliver' delivers`;
  log.error(escapeText(`no recording fits --meeting-ids and --origin: ${here}${deliver}`));
}

export function addMigrateCommand(program: Command, start: Start): void {
  addRunOptions(program.command('migrate'))
    .description('send the recordings of another front end for import; they stay as they are')
    .option('--meeting-ids <file>', "only recordings of these external meeting ids, one a line, '#' comments")
    .option('--origin <origin>', "only those with this bbb-origin, 'none' for none; may be repeated", collect)
    .option(
      '--from <dir>',
      'look in DIR/FORMAT/MEETING_ID; may be repeated (default: published_dir)',
      collect,
    )
    .option('--sub-dir <name>', 'sub directory of the spool, as in RECORDING_SPOOL_SUB_DIRECTORY of PILOS')
    .option('--since <when>', 'only meetings that began since then: 12h, 7d, 2w or 2026-01-31')
    .option('--until <when>', 'only meetings that began before then')
    .option('--map <file>', 'two ids a line: that in the recording, and that of the meeting in PILOS')
    .option('--public', 'let everyone see them in PILOS, except those that are unpublished')
    .option(
      '--public-when <key=value>',
      'only those with this in their metadata, such as gl-listed=true; may be repeated',
      collect,
    )
    .option('--limit <n>', 'send at most so many', parseCount)
    .option('--again', 'send also what was sent before')
    .option('--refused', 'send also what PILOS has refused')
    .option('--max-waiting <n>', 'wait while so many archives lie in the spool', parseCount, 20)
    .option('--pause <time>', 'wait so long after each archive when the spool cannot be read', '6s')
    .option('--patience <time>', 'give up when PILOS takes no archive for so long', '1h')
    .option('--no-wait', 'do not wait until PILOS has imported the last ones')
    .option('--dry-run', 'say what would be sent, and change nothing')
    .action((options, command) => {
      const { origin: origins = [], from = [], publicWhen = [], ...others } = options;
      const {
        public: isPublic = false,
        again = false,
        refused = false,
        dryRun = false,
        wait,
        ...rest
      } = others;
      const { meetingIds, map, since, until, limit, subDir = '', maxWaiting, pause, patience } = rest;
      const wanted = { meetingIds, map, origins, from, subDir, since, until, limit, again, refused };
      const shown = { public: isPublic, publicWhen };
      return start(command.optsWithGlobals(), (run) =>
        migrate({ ...wanted, ...shown, wait, maxWaiting, pause, patience, dryRun, quiet: run.quiet }, run),
      );
    });
}
