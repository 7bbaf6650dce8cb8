/** One recording with all that is known of it, for `--meeting-id`. */
import { escapeText } from '../terminal/escape.ts';
import { type Layout, style } from '../terminal/table.ts';
import { formatDate, formatSeconds } from '../terminal/units.ts';
import type { FormatStatus, RecordingStatus } from './status.ts';
import { describeReason, describeState, explanations, stateStyles } from './status-states.ts';

/** Never cut, so that it can be copied. */
export function formatDetails(one: RecordingStatus, layout: Layout): string[] {
  const isDeleted = one.formats.every((format) => format.local_copy_deleted);
  const mark = one.sender_done ? 'written: the local copy may be deleted' : 'not written';
  return [
    style('bold', escapeText(one.name === '' ? one.meeting_id : one.name), layout),
    `  meeting id    ${one.meeting_id}`,
    `  date          ${formatDate(one.date)}`,
    `  local copy    ${isDeleted ? 'deleted; what follows is from the ledger' : `here; -sender.done is ${mark}`}`,
    ...one.formats.flatMap((format) => ['', ...formatFormat(one, format, layout)]),
  ];
}

function formatFormat(one: RecordingStatus, format: FormatStatus, layout: Layout): string[] {
  const { delivered, attempts, state, since, error, local_copy_deleted: isDeleted } = format;
  const when = since === undefined ? '' : ` since ${formatDate(since)}`;
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
    lines.push(
      `    last delivered ${formatDate(at)} as ${escapeText(archive)} to ${escapeText(destination)}`,
    );
    lines.push(`    ${bytes} bytes in ${formatSeconds(seconds)}`);
  }
  for (const { at, result, seconds, error: why } of attempts) {
    const how = why === undefined ? '' : `: ${escapeText(describeReason(why))}`;
    lines.push(`    ${formatDate(at)}  ${result} after ${formatSeconds(seconds)}${how}`);
  }
  return lines;
}
