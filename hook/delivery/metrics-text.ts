/** The text of `metrics_file`. Format: https://prometheus.io/docs/instrumenting/exposition_formats/ */
import type { Counters, FormatCounters } from './counters.ts';

type Samples = readonly (readonly [labels: string, value: number])[];

const families: readonly [keyof FormatCounters, name: string, type: 'counter' | 'gauge', help: string][] = [
  ['deliveries', 'deliveries_total', 'counter', 'Archives delivered into the spool of PILOS.'],
  ['failures', 'failures_total', 'counter', 'Deliveries that failed.'],
  ['bytes', 'delivered_bytes_total', 'counter', 'Bytes of the delivered archives.'],
  ['seconds', 'delivery_seconds_total', 'counter', 'Time that the deliveries took.'],
  ['lastSuccess', 'last_success_timestamp_seconds', 'gauge', 'When an archive was last delivered.'],
];

export function formatMetrics(counters: Counters): string {
  const formats = Object.entries(counters.formats).sort(([one], [other]) => (one < other ? -1 : 1));
  const lines = families.flatMap(([key, name, type, help]) => {
    // A format that was never delivered has no last success: 0 would be one in 1970.
    const known = formats.filter(([, values]) => key !== 'lastSuccess' || values[key] > 0);
    const samples = known.map(([format, values]) => [labels({ format }), values[key]] as const);
    return formatFamily(name, type, help, samples);
  });
  return `${[...lines, ...formatGauges(counters)].join('\n')}\n`;
}

function formatGauges({ states, recordings, problems = [], ...counters }: Counters): string[] {
  const gauge = (name: string, help: string, samples: Samples) => formatFamily(name, 'gauge', help, samples);
  const single = (value: number | undefined): Samples => (value === undefined ? [] : [['', value]]);
  const byState = (counts: Record<string, number> = {}): Samples =>
    Object.entries(counts).map(([state, count]) => [labels({ state }), count] as const);
  const found = problems.map(({ check, state, count }) => [labels({ check, state }), count] as const);
  return [
    ...gauge('formats', 'Formats of recordings in each state, see docs/commands.md.', byState(states)),
    ...gauge('recordings', 'Recordings that have a format in this state.', byState(recordings)),
    ...gauge('recordings_missing', 'Recordings that are not delivered completely.', single(counters.missing)),
    ...gauge(
      'oldest_waiting_timestamp_seconds',
      'When the oldest archive that PILOS has not taken was delivered, 0 for none.',
      single(counters.oldestWaiting),
    ),
    ...gauge(
      'last_run_timestamp_seconds',
      'When deliver last went through everything, 0 for never.',
      single(counters.lastRun ?? 0),
    ),
    ...gauge('check_problems', 'Problems and warnings of each check, when its timer last ran.', found),
    ...gauge('last_check_timestamp_seconds', 'When the timer last ran check.', single(counters.lastCheck)),
  ];
}

function formatFamily(name: string, type: string, help: string, samples: Samples): string[] {
  if (samples.length === 0) return [];
  const full = `pilos_post_publish_${name}`;
  const lines = samples.map(([of, value]) => `${full}${of} ${value}`);
  return [`# HELP ${full} ${help}`, `# TYPE ${full} ${type}`, ...lines];
}

function labels(values: Record<string, string>): string {
  const all = Object.entries(values).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return `{${all.join(',')}}`;
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
