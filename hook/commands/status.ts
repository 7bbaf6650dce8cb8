/** What PILOS has, what is missing, and why. */
import { userInfo } from 'node:os';
import type { Command } from '@commander-js/extra-typings';
import type { MeetingId } from '../bbb/ids.ts';
import { readStrayEntries } from '../bbb/stray-entries.ts';
import type { Config } from '../config/config.ts';
import { readCurrentLedger } from '../delivery/current-ledger.ts';
import { openLedger } from '../delivery/ledger.ts';
import { EXIT, type ExitStatus, ExpectedError } from '../errors.ts';
import { type ConfiguredRun, configureRun, type Run } from '../run.ts';
import { findMeetingId, findRoom } from '../status/find-meeting.ts';
import { type FormatStatus, needsAdmin, type RecordingStatus, readStatus } from '../status/status.ts';
import { formatDetails } from '../status/status-details.ts';
import { describeStateName } from '../status/status-states.ts';
import { formatRow, formatTable, type Row } from '../status/status-table.ts';
import { saveMemory } from '../system/memory.ts';
import { errorDocument, escapeText } from '../terminal/escape.ts';
import { printJson, printOut } from '../terminal/lines.ts';
import { printLines, readLayout } from '../terminal/table.ts';
import { parseMoment } from '../terminal/time-span.ts';
import { addRunOptions, collect, type Start } from './options.ts';

interface StatusRequest {
  failed: boolean;
  missing: boolean;
  since: string | undefined;
  /** Or prefixes of them that only one has. */
  meetingIds: string[];
  room: string | undefined;
  name: string | undefined;
  /** A meeting of which nothing is to be known any more. */
  forget: string | undefined;
}

export function addStatusCommand(program: Command, start: Start): void {
  addRunOptions(program.command('status'))
    .description('list recordings: what PILOS has, what is missing, and why')
    .option('--failed', 'only recordings with a format whose delivery failed')
    .option('--missing', 'only recordings that PILOS does not have completely, also what was deleted here')
    .option('--since <when>', 'only meetings that began since then: 12h, 7d, 2w or 2026-01-31')
    .option('-m, --meeting-id <id>', 'everything about this one; may be given several times', collect)
    .option('--room <external-id>', "only meetings with this id of the front end's")
    .option('--name <text>', 'only meetings with this in their name')
    .option('--forget <id>', 'remove a meeting from the ledger that is lost for good')
    .action((options, command) => {
      const {
        failed = false,
        missing = false,
        since,
        meetingId: meetingIds = [],
        room,
        name,
        forget,
      } = options;
      const request = { failed, missing, since, meetingIds, room, name, forget };
      return start(command.optsWithGlobals(), (run) => status(request, run));
    });
}

/** Prints the recordings that the request asks for; 0 unless one that it names is not here (66), or the spool does not answer (75). */
async function status(request: StatusRequest, unconfigured: Run): Promise<ExitStatus> {
  const since = request.since === undefined ? undefined : parseMoment('--since', request.since, Date.now());
  saveMemory();
  const run = await configureRun(unconfigured, { dryRun: request.forget === undefined });
  const { config } = run;
  if (request.forget !== undefined) return forget(run, request.forget);
  const meetingIds = [...new Set(request.meetingIds.map((id) => findMeetingId(config, '-m', id)))];
  for (const id of meetingIds) requireKnown(config, id);
  const room = request.room === undefined ? undefined : findRoom(config, '--room', request.room);
  const { ledger, problem } = await readCurrentLedger(run, meetingIds);
  const recordings = readStatus(config, { ...request, since, meetingIds, room }, ledger);
  if (run.json) printRecordings(recordings, problem);
  else printTexts(recordings, meetingIds.length > 0);
  if (run.verbose && !run.json && meetingIds.length === 0) printStrayEntries(config);
  if (problem === undefined) return EXIT.ok;
  const isUnseen = problem.code !== 'spool_directory_exchanged';
  const consequence = 'what PILOS has imported since the last run of deliver is not shown';
  if (!run.json) run.log.failure(problem, isUnseen ? consequence : undefined);
  return problem.exitStatus;
}

function requireKnown(config: Config, id: MeetingId): void {
  const all = { failed: false, missing: false, since: undefined, meetingIds: [id] };
  if (readStatus(config, all).next().done === true) throw notHere(id);
}

function forget(run: ConfiguredRun, written: string): ExitStatus {
  const meetingId = findMeetingId(run.config, '--forget', written);
  const ledger = openLedger(run.config.workDir);
  const count = ledger.readMeeting(meetingId).length;
  if (count === 0) throw notHere(meetingId);
  ledger.forget(meetingId);
  run.log.info(`removed ${meetingId} from the ledger (${count} ${count === 1 ? 'format' : 'formats'})`);
  if (run.json) printJson({ forgotten: meetingId, exit_status: EXIT.ok });
  return EXIT.ok;
}

/** One JSON document, one recording at a time. */
function printRecordings(recordings: Iterable<RecordingStatus>, problem: ExpectedError | undefined): void {
  let start = `{\n  "ran_as": ${JSON.stringify(userInfo().username)},\n  "recordings": [`;
  let isEmpty = true;
  for (const one of recordings) {
    printOut(`${start}\n    ${JSON.stringify(one, null, 2).replaceAll('\n', '\n    ')}`);
    start = ',';
    isEmpty = false;
  }
  const unseen = problem && `,\n  "problem": ${JSON.stringify(errorDocument(problem))}`;
  const status = problem?.exitStatus ?? EXIT.ok;
  printOut(`${isEmpty ? `${start}]` : '\n  ]'}${unseen ?? ''},\n  "exit_status": ${status}\n}\n`);
}

function printTexts(recordings: Iterable<RecordingStatus>, isDetailed: boolean): void {
  const layout = readLayout();
  const rows: Row[] = [];
  for (const one of recordings) {
    if (isDetailed) printOut(`${formatDetails(one, layout).join('\n')}\n\n`);
    rows.push(formatRow(one));
  }
  if (!isDetailed && rows.length > 0) printLines(formatTable(rows, layout));
  printOut(summary(rows));
}

/** What lies among the recordings and is none. */
function printStrayEntries(config: Config): void {
  for (const { path, reason } of readStrayEntries(config))
    printOut(`passed over ${escapeText(path)}: ${reason}\n`);
}

/** What needs the admin stands apart from what goes on by itself. */
function summary(rows: readonly Row[]): string {
  const counts = new Map<FormatStatus['state'], number>();
  for (const { formats } of rows) {
    for (const { state } of formats) counts.set(state, (counts.get(state) ?? 0) + 1);
  }
  const list = (isWanted: (state: FormatStatus['state']) => boolean) =>
    [...counts]
      .filter(([state]) => isWanted(state))
      .map(([state, count]) => `${count} ${describeStateName(state)}`)
      .join(', ');
  const many = rows.length === 1 ? '1 recording' : `${rows.length} recordings`;
  const others = list((state) => !needsAdmin(state));
  const urgent = list(needsAdmin);
  return [
    `${many}, read as user ${userInfo().username}`,
    ...(others === '' ? [] : [`formats: ${others}`]),
    ...(urgent === '' ? [] : [`needs you: ${urgent}; see 'pilos-post-publish status -m ID'`]),
    '',
  ].join('\n');
}

function notHere(meetingId: string): ExpectedError {
  return new ExpectedError(`meeting '${meetingId}' has no recording here, or is not from PILOS`, {
    code: 'meeting_not_found',
    exitStatus: EXIT.noRecording,
    fix: "check the id with 'bbb-record --list'; it may be on another BBB server",
  });
}
