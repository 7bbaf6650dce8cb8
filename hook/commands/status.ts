/** What was delivered, what is missing, and why. */

import { userInfo } from 'node:os';
import type { Command } from '@commander-js/extra-typings';
import { meetingIdOf } from '../bbb/bbb.ts';
import { validateMeetingId } from '../bbb/ids.ts';
import { unpublishedReason } from '../bbb/not-published.ts';
import { readConfig } from '../config/config.ts';
import { EXIT, type ExitStatus, ExpectedError } from '../errors.ts';
import type { Run } from '../run.ts';
import { formatDetails, formatRow, formatTable, type Row } from '../status/format-status.ts';
import { type FormatStatus, type RecordingStatus, readStatus } from '../status/read-status.ts';
import { becomeOwner } from '../system/user.ts';
import { printOut } from '../terminal/lines.ts';
import { printLines, readLayout } from '../terminal/table.ts';
import { parseMoment } from '../terminal/time-span.ts';
import { addRunOptions, collect, type Start } from './options.ts';

export interface StatusRequest {
  failed: boolean;
  missing: boolean;
  since: string | undefined;
  meetingIds: string[];
}

/** Prints the recordings that the request asks for; 0 unless one that it names is not here (66). */
export async function status(request: StatusRequest, run: Run): Promise<ExitStatus> {
  const meetingIds = [...new Set(request.meetingIds.map((id) => meetingIdOf(validateMeetingId(id))))];
  const since = request.since === undefined ? undefined : parseMoment('--since', request.since, Date.now());
  const config = readConfig(run.choice, run.environment);
  becomeOwner(config.publishedDir);
  for (const id of meetingIds) {
    const all = { failed: false, missing: false, since: undefined, meetingIds: [id] };
    if (readStatus(config, all).next().done === true) throw unpublishedReason(config, id) ?? notHere(id);
  }
  const recordings = readStatus(config, { ...request, since, meetingIds });
  if (run.json) printRecordings(recordings);
  else printTexts(recordings, meetingIds.length > 0);
  return EXIT.ok;
}

/** One JSON document, one recording at a time. */
function printRecordings(recordings: Iterable<RecordingStatus>): void {
  let start = `{\n  "ran_as": ${JSON.stringify(userInfo().username)},\n  "recordings": [`;
  let isEmpty = true;
  for (const one of recordings) {
    printOut(`${start}\n    ${JSON.stringify(one, null, 2).replaceAll('\n', '\n    ')}`);
    start = ',';
    isEmpty = false;
  }
  printOut(isEmpty ? `${start}]\n}\n` : '\n  ]\n}\n');
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

const countedStates = ['delivered', 'failed', 'waiting', 'processing', 'failed in BBB'] as const;

function summary(rows: readonly Row[]): string {
  const counts = new Map<FormatStatus['state'], number>();
  for (const { formats } of rows) {
    for (const { state } of formats) counts.set(state, (counts.get(state) ?? 0) + 1);
  }
  const states = countedStates.flatMap((state) =>
    counts.has(state) ? [`${counts.get(state)} ${state}`] : [],
  );
  const many = rows.length === 1 ? '1 recording' : `${rows.length} recordings`;
  const formats = states.length === 0 ? '' : `formats: ${states.join(', ')}\n`;
  return `${many}, looked at as user ${userInfo().username}\n${formats}`;
}

function notHere(meetingId: string): ExpectedError {
  return new ExpectedError(`meeting '${meetingId}' has no recording here, or is not from PILOS`, {
    exitStatus: EXIT.noRecording,
    fix: "check the id with 'bbb-record --list'; it may be on another BBB server",
  });
}

export function addStatusCommand(program: Command, start: Start): void {
  addRunOptions(program.command('status'))
    .description('list recordings: what PILOS has, what is missing, and why')
    .option('--failed', 'only recordings with a format whose delivery failed')
    .option('--missing', 'only recordings that PILOS does not have completely')
    .option('--since <when>', 'only meetings that began since then: 12h, 7d, 2w or 2026-01-31')
    .option('-m, --meeting-id <id>', 'everything about this one; may be given several times', collect)
    .action(({ failed = false, missing = false, since, meetingId: meetingIds = [] }, command) =>
      start(command.optsWithGlobals(), (run) => status({ failed, missing, since, meetingIds }, run)),
    );
}
