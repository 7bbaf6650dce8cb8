/** What became of a migration, as tables and as JSON. */
import { EXIT, type ExitStatus } from '../errors.ts';
import type { Row } from '../status/status-table.ts';
import { escapeText } from '../terminal/escape.ts';
import { formatBytes, formatDate } from '../terminal/units.ts';
import type { LeftOut } from './candidates.ts';
import type { MigrationResult } from './send.ts';
import type { SendResults } from './send-all.ts';

export interface MigrationReport extends SendResults, LeftOut {
  isDryRun: boolean;
  unknownIds: readonly string[];
}

type State = MigrationResult['state'];

/** Of the first that another run may deliver, else of what PILOS cannot unpack; 66 when nothing at all fits the request. */
export function exitStatusFor({ results, left, outOfTime, isDryRun }: MigrationReport): ExitStatus {
  const statuses = results.flatMap((result) => ('exit_status' in result ? [result.exit_status] : []));
  const mendable = statuses.find((one) => one !== EXIT.data);
  if (mendable !== undefined) return mendable;
  if (left > 0 && !isDryRun) return EXIT.temporary;
  if (statuses.length > 0) return EXIT.data;
  return results.length + left + outOfTime === 0 ? EXIT.noRecording : EXIT.ok;
}

export function reportJson(report: MigrationReport, exitStatus: ExitStatus) {
  const { results, unknownIds, unmatched, outOfTime, own, left } = report;
  return {
    results,
    unmatched: Object.fromEntries(unmatched),
    out_of_period: outOfTime,
    left_to_deliver: own,
    left,
    unknown_external_ids: unknownIds,
    exit_status: exitStatus,
  };
}

/** A line for each state that occurs: how many archives, and how large they are together. */
export function formatSummary(report: MigrationReport): string[] {
  const { results, left, unmatched, outOfTime, own, isDryRun } = report;
  const of = (state: State) => results.filter((result) => result.state === state);
  const states: [State, string][] = [
    isDryRun ? ['planned', 'to be sent'] : ['delivered', 'sent'],
    ['unchanged', 'already sent'],
    ['cannot_be_packed', 'cannot be packed'],
    ['refused', 'refused by PILOS'],
    ['failed', 'failed'],
    ['waiting', 'not tried'],
  ];
  const isUnread = (result: MigrationResult) =>
    'import_state' in result && result.import_state === 'delivered';
  const others: [string, number, string][] = [
    ['sent, but not yet imported', results.filter(isUnread).length, 'the same command asks again'],
    ['unpublished', results.filter(({ published }) => !published).length, 'never public in PILOS'],
    ['left by --limit', left, ''],
    [
      'not matched',
      [...unmatched.values()].reduce((sum, count) => sum + count, 0),
      describeOrigins(unmatched),
    ],
    ['not within --since and --until', outOfTime, ''],
    ["PILOS' own, see deliver", own, ''],
  ];
  const lines = states.flatMap(([state, title], index) =>
    index === 0 || of(state).length > 0 ? [summaryLine(title, of(state).length, sizeOf(of(state)))] : [],
  );
  const rest = others.filter(([, count]) => count > 0);
  return [
    summaryLine('ARCHIVES', undefined, 'SIZE'),
    ...lines,
    ...rest.map(([title, count, note]) => summaryLine(title, count, '', note)),
  ];
}

function summaryLine(title: string, count: number | undefined, size: string, note = ''): string {
  const counted = count === undefined ? 'COUNT' : String(count);
  return `${title.padEnd(30)}  ${counted.padStart(6)}  ${size.padStart(8)}${note && `  (${note})`}`.trimEnd();
}

function sizeOf(results: readonly MigrationResult[]): string {
  const bytes = results.reduce((sum, result) => sum + ('bytes' in result ? result.bytes : 0), 0);
  return bytes === 0 ? '' : formatBytes(bytes);
}

/** `origin greenlight 3, none 28` */
export function describeOrigins(unmatched: ReadonlyMap<string, number>): string {
  const parts = [...unmatched].map(([origin, count]) => `${escapeText(origin).slice(0, 100)} ${count}`);
  return parts.length === 0 ? '' : `origin ${parts.join(', ')}`;
}

const stateTexts: Record<State, [Row['formats'][number]['state'], string]> = {
  delivered: ['delivered', 'sent'],
  unchanged: ['delivered', 'already sent'],
  planned: ['waiting', 'to be sent'],
  cannot_be_packed: ['failed', 'cannot be packed'],
  refused: ['failed', 'refused by PILOS'],
  failed: ['failed', 'failed'],
  waiting: ['waiting', 'not tried'],
};

/** One row for each recording, in the order of the results, whose formats stand together. */
export function rowsOf(results: readonly MigrationResult[]): Row[] {
  const rows = new Map<string, MigrationResult[]>();
  for (const result of results) rows.set(result.record_id, [...(rows.get(result.record_id) ?? []), result]);
  return [...rows.values()].map(rowOf);
}

function rowOf(results: readonly MigrationResult[]): Row {
  const [first] = results;
  const errors = results.flatMap((result) => ('error' in result ? [result.error] : []));
  const reasons = [...new Set(errors.map(({ message, fix }) => `${message}: ${fix}`))];
  return {
    date: formatDate(first?.date ?? ''),
    name: escapeText(results.find(({ name }) => name !== '')?.name ?? ''),
    meetingId: first?.record_id ?? '',
    size: sizeOf(results) || '-',
    formats: results.map(({ format, state }) => {
      const [style, text] = stateTexts[state];
      return { state: style, text: `${format} ${text}` };
    }),
    reason: reasons.map(escapeText).join('; '),
  };
}

/** How many unknown ids are listed, unless all are asked for: most rooms were never recorded. */
const listedIds = 20;

/** The ids of which no recording was found. */
export function formatUnknown({ unknownIds }: MigrationReport, isVerbose: boolean): string[] {
  if (unknownIds.length === 0) return [];
  const listed = isVerbose ? unknownIds : unknownIds.slice(0, listedIds);
  const rest = unknownIds.length - listed.length;
  const many = unknownIds.length === 1 ? '1 id has' : `${unknownIds.length} ids have`;
  return [
    '',
    `${many} no recording here:`,
    ...listed.map((id) => `  ${escapeText(id).slice(0, 200)}`),
    ...(rest > 0 ? [`  and ${rest} more, which --verbose and --json list`] : []),
  ];
}
