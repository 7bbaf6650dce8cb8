/** A fleet's day as a small table. Pure. */
import { importWorkers } from '../support/pilos/importer-command.ts';
import type { FleetReport } from './fleet.ts';
import { describeStates } from './problems.ts';
import type { ServerReport } from './server-report.ts';

/** Of a large fleet, only the first servers, of which one is cut off, and the last have a line of their own. */
const mostLines = 8;

export function renderTable(report: FleetReport): string {
  const { options, servers, instances, importing, seconds, left } = report;
  const delivered = servers.reduce((sum, server) => sum + server.delivered, 0);
  const where = options.layout === 'storage' ? 'one central spool' : 'an sshd with rrsync for each instance';
  const waits = instances.map(({ longestWait }) => longestWait);
  const lines = [
    `layout ${options.layout}: ${options.servers} BBB servers, ${instances.length} PILOS instances, ${where}, ${options.recordings} recordings`,
    '',
    ...renderServers(servers),
    '',
    ...renderInstances(report),
    '',
    `${Math.round((delivered / seconds) * 60)} deliveries per minute; the longest call took ${longest(servers.map((server) => server.longestCall))}, the longest wait in the spool ${longest(waits)}`,
    `importing took ${((importing.seconds / importing.archives) * 1000).toFixed(1)} ms for each archive, ${Math.round((importing.seconds / seconds / (instances.length * importWorkers)) * 100)} % of the importers' time`,
    `left in the spool: ${left.length}`,
    ...servers.flatMap(({ plan, failure }) => quoteLine(plan.name, failure)),
    ...servers.flatMap(({ plan, refusal }) => quoteLine(plan.name, refusal)),
  ];
  return `${lines.join('\n')}\n`;
}

function quoteLine(name: string, output: string | undefined): string[] {
  return output === undefined ? [] : [`${name} said: ${output}`];
}

function longest(seconds: readonly number[]): string {
  return `${Math.max(0, ...seconds).toFixed(1)} s`;
}

function renderServers(servers: readonly ServerReport[]): string[] {
  const isShown = ({ plan }: ServerReport, index: number) =>
    index < mostLines - 2 || plan.allowed !== undefined || servers.length <= mostLines;
  const shown = servers.filter(isShown).map(serverRow);
  const rest = servers.filter((server, index) => !isShown(server, index));
  const heading = ['server', 'serves', 'calls', 'delivered', 'failed', 'refused', 'by deliver', 'status'];
  const others = rest.length === 0 ? [] : [sumRow(rest)];
  return align([heading, ...shown, ...others]);
}

function serverRow({ plan, calls, delivered, failed, refused, resent, states }: ServerReport): string[] {
  const serves = plan.serves.join(', ') + (plan.allowed === undefined ? '' : ' only');
  return [
    plan.name,
    serves,
    ...[calls, delivered, failed, refused, resent].map(String),
    describeStates(states),
  ];
}

function sumRow(servers: readonly ServerReport[]): string[] {
  const sum = (count: (server: ServerReport) => number) =>
    `${servers.reduce((total, server) => total + count(server), 0)}`;
  const counts = [
    sum(({ calls }) => calls),
    sum(({ delivered }) => delivered),
    sum(({ failed }) => failed),
    sum(({ refused }) => refused),
    sum(({ resent }) => resent),
  ];
  return [
    `${servers.length} more`,
    '',
    ...counts,
    `${sum(({ states }) => states['imported'] ?? 0)} imported`,
  ];
}

function renderInstances({ instances }: FleetReport): string[] {
  const heading = ['instance', 'expected', 'imported', 'again', 'lost', 'foreign', 'different', 'bytes'];
  const rows = instances.map((one) => {
    const counts = [
      one.expected,
      one.imported,
      one.again,
      one.lost.length,
      one.foreign.length,
      one.different.length,
    ];
    return [one.name, ...counts.map(String), one.bytes.toLocaleString('en')];
  });
  return align([heading, ...rows]);
}

/** Columns as wide as their longest cell; numbers to the right. */
function align(rows: readonly string[][]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const cell = (text: string, column: number) =>
    /^[\d,]+$/.test(rows[1]?.[column] ?? '')
      ? text.padStart(widths[column] ?? 0)
      : text.padEnd(widths[column] ?? 0);
  return rows.map((row) => row.map(cell).join('  ').trimEnd());
}
