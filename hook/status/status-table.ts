/** {@link RecordingStatus} → what an admin reads on a terminal of any width, or in a pipe. */
import { cut, displayWidth } from '../terminal/display-width.ts';
import { escapeText } from '../terminal/escape.ts';
import { type Layout, style } from '../terminal/table.ts';
import { formatBytes, formatDate } from '../terminal/units.ts';
import type { FormatStatus, RecordingStatus } from './status.ts';
import { describeReason, describeState, stateStyles } from './status-states.ts';

const dateWidth = 16;
const sizeWidth = 8;
/** Up to which the column of names grows in a pipe. */
const widestName = 80;
/** Of BBB's own ids. */
const idWidth = 54;
/** From this width on, a recording fits on one line. */
const wide = 140;

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
    date: formatDate(one.date),
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
    const start = `${pad(date, dateWidth)}  ${pad(isCut ? cut(name, nameWidth) : name, nameWidth)}  ${pad(meetingId, ids)}  ${size.padStart(sizeWidth)}  `;
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
      ? cut(`${pad(date, dateWidth)}  ${name}`, width)
      : `${pad(date, dateWidth)}  ${style('bold', pad(cut(name, nameWidth), nameWidth), layout)}  ${size.padStart(sizeWidth)}`;
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

function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - displayWidth(text)));
}
