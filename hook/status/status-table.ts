/** {@link RecordingStatus} → what an admin reads on a terminal of any width, or in a pipe. */
import { cut, displayWidth } from '../terminal/display-width.ts';
import { escapeText } from '../terminal/escape.ts';
import { type Layout, type Style, style } from '../terminal/table.ts';
import { formatBytes, formatSeconds } from '../terminal/units.ts';
import type { FormatStatus, RecordingStatus } from './status.ts';

const dateWidth = 16;
const sizeWidth = 8;
/** Up to which the column of names grows in a pipe. */
const widestName = 80;
/** Of BBB's own ids. */
const idWidth = 54;
/** From this width on, a recording fits on one line. */
const wide = 140;

const stateStyles: Record<FormatStatus['state'], Style> = {
  imported: 'green',
  taken: 'green',
  adopted: 'green',
  delivered: 'cyan',
  sending: 'cyan',
  waiting: 'yellow',
  processing: 'cyan',
  failed: 'red',
  refused: 'red',
  outdated: 'red',
  lost: 'red',
  empty: 'dim',
  failed_in_bbb: 'dim',
  not_produced: 'dim',
  unpublished: 'dim',
  deleted: 'dim',
};

/** A state as people read it. */
const stateTexts: Partial<Record<FormatStatus['state'], string>> = {
  empty: 'nothing to publish',
  failed_in_bbb: 'failed in BBB',
  not_produced: 'not produced',
};

export function describeStateName(state: FormatStatus['state']): string {
  return stateTexts[state] ?? state;
}

/** A recording as it stands in the table, without the rest that is known of it: there may be many. */
export interface Row {
  date: string;
  name: string;
  meetingId: string;
  size: string;
  formats: { state: FormatStatus['state']; text: string }[];
  /** Why, behind the states of all formats: it is long, and often the same for each. */
  reason: string;
}

export function formatRow(one: RecordingStatus): Row {
  const bytes = one.formats.reduce((sum, { delivered }) => sum + (delivered?.bytes ?? 0), 0);
  return {
    date: localDate(one.date),
    name: escapeText(one.name),
    meetingId: one.meeting_id,
    size: bytes === 0 ? '-' : formatBytes(bytes),
    // What there is nothing to deliver of, in most meetings, would only fill the table.
    formats: one.formats
      .filter(({ state }) => state !== 'not_produced' && state !== 'empty')
      .map((format) => ({ state: format.state, text: describeState(one, format) })),
    reason: describeReasons(one),
  };
}

function describeReasons({ formats }: RecordingStatus): string {
  const reasons = new Map<string, string[]>();
  for (const { error, format } of formats) {
    if (error === undefined) continue;
    const text = describeReason(error);
    reasons.set(text, [...(reasons.get(text) ?? []), format]);
  }
  const texts = [...reasons].map(([error, of]) =>
    reasons.size === 1 ? escapeText(error) : `${of.join(', ')}: ${escapeText(error)}`,
  );
  return texts.join('; ');
}

function describeReason({ message, fix }: { message: string; fix: string }): string {
  return fix === '' ? message : `${message}: ${fix}`;
}

/** Below a heading, one line for each recording where the terminal is wide enough, three otherwise; none is wider than it. */
export function* formatTable(rows: readonly Row[], layout: Layout): Generator<string> {
  const { width = Number.POSITIVE_INFINITY } = layout;
  if (width < wide) {
    yield* formatNarrowHeading(width, layout);
    for (const row of rows) yield* formatNarrow(row, width, layout);
    return;
  }
  const longest = (texts: string[]) => texts.reduce((most, text) => Math.max(most, displayWidth(text)), 0);
  // In a pipe nothing is cut; one endless name only moves its own line.
  const isCut = layout.width !== undefined;
  const nameWidth = Math.min(
    Math.max(4, longest(rows.map((row) => row.name))),
    isCut ? Math.max(20, width - 130) : widestName,
  );
  const ids = Math.max(idWidth, longest(rows.map((row) => row.meetingId)));
  const heading = `${pad('DATE', dateWidth)}  ${pad('NAME', nameWidth)}  ${pad('MEETING ID', ids)}  ${'SIZE'.padStart(sizeWidth)}  FORMATS`;
  yield style('bold', cut(heading, width), layout);
  for (const row of rows) {
    const { date, name, meetingId, size } = row;
    const start = `${date}  ${pad(isCut ? cut(name, nameWidth) : name, nameWidth)}  ${pad(meetingId, ids)}  ${size.padStart(sizeWidth)}  `;
    yield `${cut(start, width)}${joinFormats(row, width - displayWidth(start), layout)}`;
  }
}

function formatNarrowHeading(width: number, layout: Layout): string[] {
  const nameWidth = narrowNameWidth(width);
  const date = pad('DATE', dateWidth);
  const first =
    nameWidth < 10 ? `${date}  NAME` : `${date}  ${pad('NAME', nameWidth)}  ${'SIZE'.padStart(sizeWidth)}`;
  return [first, '  MEETING ID', '  FORMATS'].map((line) => style('bold', cut(line, width), layout));
}

function narrowNameWidth(width: number): number {
  return Math.max(0, width - dateWidth - sizeWidth - 4);
}

function formatNarrow(row: Row, width: number, layout: Layout): string[] {
  const { date, name, meetingId, size } = row;
  const nameWidth = narrowNameWidth(width);
  const first =
    nameWidth < 10
      ? cut(`${date}  ${name}`, width)
      : `${date}  ${style('bold', pad(cut(name, nameWidth), nameWidth), layout)}  ${size.padStart(sizeWidth)}`;
  return [
    first,
    `  ${style('dim', cut(meetingId, width - 2), layout)}`,
    `  ${joinFormats(row, width - 2, layout)}`,
  ];
}

/** `presentation delivered, video failed: the disk is full`, cut to `width` before it is coloured. */
function joinFormats({ formats, reason }: Row, width: number, layout: Layout): string {
  let left = width;
  const take = (text: string) => {
    const part = cut(text, left);
    left -= displayWidth(part);
    return part;
  };
  const parts = formats.map(({ state, text }, index) => {
    const part = take(`${index === 0 ? '' : ', '}${text}`);
    return part === '' ? '' : style(stateStyles[state], part, layout);
  });
  return parts.join('') + (reason === '' ? '' : take(`: ${reason}`));
}

/** `video failed`; of a segment also which one. */
function describeState({ meeting_id }: RecordingStatus, { record_id, format, state }: FormatStatus): string {
  const segment = record_id === meeting_id ? '' : ` (${record_id.slice(meeting_id.length + 1)})`;
  return `${format}${segment} ${describeStateName(state)}`;
}

/** What a state means that people may wonder about. */
const explanations: Partial<Record<FormatStatus['state'], string>> = {
  empty: 'BBB has finished it and published nothing',
  not_produced: 'BBB has no raw files for it any more',
  unpublished:
    "BBB keeps its files in 'unpublished', beside published_dir; publishRecordings publishes it again",
  deleted: "deleted through BBB's API; BBB keeps its files in 'deleted', beside published_dir, for a while",
};

/** Everything known about one recording, for `--meeting-id`; never cut, so that it can be copied. */
export function formatDetails(one: RecordingStatus, layout: Layout): string[] {
  const isDeleted = one.formats.every((format) => format.local_copy_deleted);
  const mark = one.sender_done ? 'written: the local copy may be deleted' : 'not written';
  return [
    style('bold', escapeText(one.name === '' ? one.meeting_id : one.name), layout),
    `  meeting id    ${one.meeting_id}`,
    `  date          ${localDate(one.date)}`,
    `  local copy    ${isDeleted ? 'deleted; what follows is from the ledger' : `here; -sender.done is ${mark}`}`,
    ...one.formats.flatMap((format) => ['', ...formatFormat(one, format, layout)]),
  ];
}

function formatFormat(one: RecordingStatus, format: FormatStatus, layout: Layout): string[] {
  const { delivered, attempts, state, since, error, local_copy_deleted: isDeleted } = format;
  const when = since === undefined ? '' : ` since ${localDate(since)}`;
  const lines = [
    `  ${style(stateStyles[state], describeState(one, format) + when, layout)}${isDeleted ? ' (local copy deleted)' : ''}`,
  ];
  const explanation = explanations[state];
  if (explanation !== undefined) lines.push(`    ${explanation}`);
  if (error !== undefined) {
    lines.push(`    ${escapeText(error.message)}`);
    if (error.fix !== '') lines.push(`    fix: ${escapeText(error.fix)}`);
  }
  if (delivered !== undefined) {
    const { at, archive, destination, bytes, seconds } = delivered;
    lines.push(`    last delivered ${localDate(at)} as ${escapeText(archive)} to ${escapeText(destination)}`);
    lines.push(`    ${bytes} bytes in ${formatSeconds(seconds)}`);
  }
  for (const { at, result, seconds, error: why } of attempts) {
    const how = why === undefined ? '' : `: ${escapeText(describeReason(why))}`;
    lines.push(`    ${localDate(at)}  ${result} after ${formatSeconds(seconds)}${how}`);
  }
  return lines;
}

/** `2024-04-10 12:34`, local time. */
export function localDate(iso: string): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return '?'.padEnd(dateWidth);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000)
    .toISOString()
    .slice(0, 16)
    .replace('T', ' ');
}

function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - displayWidth(text)));
}
