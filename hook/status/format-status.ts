/** {@link RecordingStatus} → what an admin reads on a terminal of any width, or in a pipe. */
import { styleText } from 'node:util';
import stringWidth from 'string-width';
import { escapeText } from '../errors.ts';
import { formatBytes, formatSeconds } from '../progress.ts';
import type { FormatStatus, RecordingStatus } from './read-status.ts';

export interface Layout {
  /** Columns of the terminal; undefined in a pipe, where nothing is cut. */
  width: number | undefined;
  colours: boolean;
}

const dateWidth = 16;
const sizeWidth = 8;
/** Of BBB's own ids. */
const idWidth = 54;
/** From this width on, a recording fits on one line. */
const wide = 140;

type Style = Parameters<typeof styleText>[0];
const stateStyles: Record<FormatStatus['state'], Style> = {
  delivered: 'green',
  failed: 'red',
  waiting: 'yellow',
  processing: 'cyan',
  'failed in BBB': 'dim',
};

/** One line for each recording where the terminal is wide enough, three otherwise; no line is wider than it. */
export function formatTable(recordings: readonly RecordingStatus[], layout: Layout): string[] {
  const { width } = layout;
  if (width !== undefined && width < wide)
    return recordings.flatMap((one) => formatNarrow(one, width, layout));
  const names = recordings.map((one) => stringWidth(escapeText(one.name)));
  const nameWidth = Math.min(Math.max(4, ...names), width === undefined ? 1000 : Math.max(20, width - 130));
  const ids = Math.max(idWidth, ...recordings.map((one) => one.meeting_id.length));
  const heading = `${pad('DATE', dateWidth)}  ${pad('NAME', nameWidth)}  ${pad('MEETING ID', ids)}  ${'SIZE'.padStart(sizeWidth)}  FORMATS`;
  const lines = recordings.map((one) => {
    const start = `${localDate(one.date)}  ${pad(escapeText(one.name), nameWidth)}  ${pad(one.meeting_id, ids)}  ${size(one).padStart(sizeWidth)}  `;
    const left = width === undefined ? Number.POSITIVE_INFINITY : width - stringWidth(start);
    return `${start}${formats(one, left, layout)}`;
  });
  return [style('bold', heading, layout), ...lines];
}

function formatNarrow(one: RecordingStatus, width: number, layout: Layout): string[] {
  const nameWidth = Math.max(10, width - dateWidth - sizeWidth - 4);
  return [
    `${localDate(one.date)}  ${style('bold', pad(escapeText(one.name), nameWidth), layout)}  ${size(one).padStart(sizeWidth)}`,
    `  ${style('dim', cut(one.meeting_id, width - 2), layout)}`,
    `  ${formats(one, width - 2, layout)}`,
  ];
}

/** `presentation delivered, video failed: the disk is full`, cut to `width` before it is coloured. */
function formats(one: RecordingStatus, width: number, layout: Layout): string {
  let left = width;
  const parts: string[] = [];
  for (const [index, format] of one.formats.entries()) {
    const text = cut(`${index === 0 ? '' : ', '}${describeFormat(one, format)}`, left);
    left -= stringWidth(text);
    if (text !== '') parts.push(style(stateStyles[format.state], text, layout));
  }
  return parts.join('');
}

function describeFormat(
  { meeting_id }: RecordingStatus,
  { record_id, format, state, error }: FormatStatus,
): string {
  const segment = record_id === meeting_id ? '' : ` (${record_id.slice(meeting_id.length + 1)})`;
  return `${format}${segment} ${state}${error === undefined ? '' : `: ${escapeText(error)}`}`;
}

function size({ formats }: RecordingStatus): string {
  const bytes = formats.reduce((sum, one) => sum + (one.bytes ?? 0), 0);
  return bytes === 0 ? '-' : formatBytes(bytes);
}

/** Everything known about one recording, for `--meeting-id`. */
export function formatDetails(one: RecordingStatus, layout: Layout): string[] {
  const lines = [
    style('bold', escapeText(one.name === '' ? one.meeting_id : one.name), layout),
    `  meeting id    ${one.meeting_id}`,
    `  date          ${localDate(one.date)}`,
    `  -sender.done  ${one.sender_done ? 'written: the local copy may be deleted' : 'not written: something is outstanding'}`,
  ];
  for (const format of one.formats) {
    lines.push('', `  ${style(stateStyles[format.state], describeFormat(one, format), layout)}`);
    const { delivered } = format;
    if (delivered !== undefined) {
      lines.push(
        `    last delivered ${localDate(delivered.at)} as ${delivered.name} to ${delivered.destination}`,
      );
      lines.push(`    ${delivered.bytes} bytes in ${formatSeconds(delivered.seconds)}`);
    }
    for (const attempt of format.attempts) {
      const how = attempt.error === undefined ? '' : `: ${escapeText(attempt.error)}`;
      lines.push(
        `    ${localDate(attempt.at)}  ${attempt.outcome} after ${formatSeconds(attempt.seconds)}${how}`,
      );
    }
  }
  return lines;
}

function style(format: Style, text: string, { colours }: Layout): string {
  return colours ? styleText(format, text, { validateStream: false }) : text;
}

/** `2024-04-10 12:34`, local time. */
function localDate(iso: string): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return iso.slice(0, dateWidth).padEnd(dateWidth);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000)
    .toISOString()
    .slice(0, 16)
    .replace('T', ' ');
}

function pad(text: string, width: number): string {
  const fitting = cut(text, width);
  return fitting + ' '.repeat(Math.max(0, width - stringWidth(fitting)));
}

const segmenter = new Intl.Segmenter();

/** Cuts to so many columns, with an ellipsis; wide characters and emoji count as the terminal draws them. */
export function cut(text: string, width: number): string {
  if (text.length * 2 <= width || stringWidth(text) <= width) return text;
  let columns = 0;
  let result = '';
  for (const { segment } of segmenter.segment(text)) {
    columns += stringWidth(segment);
    if (columns > width - 1) break;
    result += segment;
  }
  return width > 0 ? `${result}…` : '';
}
