/**
 * `metrics_file`: what was delivered, for the textfile collector of Prometheus' node exporter. The counters are
 * kept in `work_dir`, since a textfile may be deleted by anyone.
 * Format: https://prometheus.io/docs/instrumenting/exposition_formats/
 */
import { chmodSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { withErrnoTranslated } from '../system/errno.ts';
import { acquireLock } from '../system/lock.ts';
import { replaceFile } from '../system/work-dir.ts';

export interface FormatCounters {
  deliveries: number;
  failures: number;
  bytes: number;
  seconds: number;
  /** Seconds since 1970, 0 for never. */
  lastSuccess: number;
}

export interface Counters {
  formats: Record<string, FormatCounters>;
  /** Formats of recordings that are published, ours and not delivered; undefined until `deliver` has looked. */
  missing?: number | undefined;
  /** How many formats are in which state, when `deliver` last looked at everything. */
  states?: Record<string, number> | undefined;
  /** Since when the oldest archive waits in a spool, seconds since 1970, 0 for none. */
  oldestWaiting?: number | undefined;
  /** When `deliver` last looked at everything, seconds since 1970. */
  lastRun?: number | undefined;
  /** What `check --notify` has found, and when. */
  problems?: CheckProblem[] | undefined;
  lastCheck?: number | undefined;
}

interface CheckProblem {
  /** The name of the check, which never changes. */
  check: string;
  state: string;
  count: number;
}

interface MetricsSettings {
  workDir: string;
  /** Undefined: nothing is counted. */
  metricsFile: string | undefined;
}

/** Changes the counters and writes the textfile, one process at a time. */
export async function updateMetrics(
  settings: MetricsSettings,
  change: (counters: Counters) => void,
): Promise<void> {
  const { workDir, metricsFile } = settings;
  if (metricsFile === undefined) return;
  const lock = await acquireLock(`${workDir} metrics`, { wait: true });
  try {
    const counters = readCounters(`${workDir}/metrics.json`);
    change(counters);
    withErrnoTranslated(`cannot write ${workDir}/metrics.json`, () =>
      replaceFile(workDir, `${workDir}/metrics.json`, `${JSON.stringify(counters, null, 2)}\n`),
    );
    withErrnoTranslated(`cannot write metrics_file ${metricsFile}`, () =>
      writeTextfile(metricsFile, formatMetrics(counters)),
    );
  } finally {
    await lock?.release();
  }
}

/** When a complete run of `deliver` was counted last, seconds since 1970; undefined without metrics. */
export function readLastRun(workDir: string): number | undefined {
  return readCounters(`${workDir}/metrics.json`).lastRun;
}

export function countersOf({ formats }: Counters, format: string): FormatCounters {
  formats[format] ??= { deliveries: 0, failures: 0, bytes: 0, seconds: 0, lastSuccess: 0 };
  return formats[format];
}

function readCounters(file: string): Counters {
  try {
    // Not `readFileSync(file, 'utf8')`: that aborts the program when close fails, as it may on FUSE or NFS.
    return parseCounters(JSON.parse(readFileSync(file).toString()));
  } catch {
    // not there yet, or broken: counting starts again, which Prometheus understands
    return parseCounters({});
  }
}

/** Takes over what is a count, and nothing else: the file may have been edited, or cut by a crash of the machine. */
function parseCounters(read: unknown): Counters {
  const { formats, missing, states, oldestWaiting, lastRun, problems, lastCheck } = (read ?? {}) as Record<
    string,
    unknown
  >;
  // Without a prototype: a format may have any name.
  const counters: Counters = { formats: Object.create(null) as Counters['formats'] };
  if (isCount(missing)) counters.missing = missing;
  if (isCount(oldestWaiting)) counters.oldestWaiting = oldestWaiting;
  if (isCount(lastRun)) counters.lastRun = lastRun;
  if (isCount(lastCheck)) counters.lastCheck = lastCheck;
  if (Array.isArray(problems)) counters.problems = problems.filter(isCheckProblem);
  const counted = Object.entries(states ?? {}).filter((entry): entry is [string, number] =>
    isCount(entry[1]),
  );
  if (counted.length > 0) counters.states = Object.fromEntries(counted);
  for (const [format, values] of Object.entries(formats ?? {})) {
    const of = countersOf(counters, format);
    for (const key of Object.keys(of) as (keyof FormatCounters)[]) {
      const value: unknown = (values as Partial<FormatCounters> | null)?.[key];
      if (isCount(value)) of[key] = value;
    }
  }
  return counters;
}

function isCheckProblem(value: unknown): value is CheckProblem {
  const { check, state, count } = (value ?? {}) as Record<string, unknown>;
  return typeof check === 'string' && typeof state === 'string' && isCount(count);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

/**
 * The collector reads only names ending in `.prom`, so it never sees the temporary one. That has a fixed name,
 * since a killed run's would lie there for ever; the lock keeps others away from it.
 */
function writeTextfile(file: string, text: string): void {
  const temporary = `${file}.tmp`;
  try {
    rmSync(temporary, { force: true });
    writeFileSync(temporary, text, { flag: 'wx' });
    chmodSync(temporary, 0o644);
    renameSync(temporary, file);
  } catch (error) {
    try {
      rmSync(temporary, { force: true });
    } catch {
      // The first error tells more.
    }
    throw error;
  }
}

const families: readonly [keyof FormatCounters, name: string, type: 'counter' | 'gauge', help: string][] = [
  ['deliveries', 'deliveries_total', 'counter', 'Archives delivered into the spool of PILOS.'],
  ['failures', 'failures_total', 'counter', 'Deliveries that failed.'],
  ['bytes', 'delivered_bytes_total', 'counter', 'Bytes of the delivered archives.'],
  ['seconds', 'delivery_seconds_total', 'counter', 'Time that the deliveries took.'],
  ['lastSuccess', 'last_success_timestamp_seconds', 'gauge', 'When an archive was last delivered.'],
];

const missingHelp =
  "Published formats of PILOS' recordings that are not delivered, when deliver last looked.";

/** The text of the metrics file. */
export function formatMetrics(counters: Counters): string {
  const formats = Object.entries(counters.formats).sort(([one], [other]) => (one < other ? -1 : 1));
  const lines = families.flatMap(([key, name, type, help]) => {
    // A format that was never delivered has no last success: 0 would be one in 1970.
    const known = formats.filter(([, values]) => key !== 'lastSuccess' || values[key] > 0);
    const samples = known.map(
      ([format, values]) => [`{format="${escapeLabel(format)}"}`, values[key]] as const,
    );
    return formatFamily(name, type, help, samples);
  });
  if (counters.missing !== undefined)
    lines.push(...formatFamily('recordings_missing', 'gauge', missingHelp, [['', counters.missing]]));
  lines.push(...formatGauges(counters));
  return `${lines.join('\n')}\n`;
}

function formatGauges({ states, oldestWaiting, lastRun, problems, lastCheck }: Counters): string[] {
  const gauge = (name: string, help: string, value: number | undefined) =>
    value === undefined ? [] : formatFamily(name, 'gauge', help, [['', value]]);
  const samples = Object.entries(states ?? {}).map(
    ([state, count]) => [`{state="${state}"}`, count] as const,
  );
  return [
    ...formatFamily(
      'formats',
      'gauge',
      'Formats of recordings in each state, see docs/commands.md.',
      samples,
    ),
    ...gauge(
      'oldest_waiting_timestamp_seconds',
      'When the oldest archive that PILOS has not taken was delivered, 0 for none.',
      oldestWaiting,
    ),
    ...gauge('last_run_timestamp_seconds', 'When deliver last looked at everything.', lastRun),
    ...formatFamily(
      'check_problems',
      'gauge',
      'Problems and warnings of each check, when its timer last ran.',
      (problems ?? []).map(
        ({ check, state, count }) =>
          [`{check="${escapeLabel(check)}",state="${escapeLabel(state)}"}`, count] as const,
      ),
    ),
    ...gauge('last_check_timestamp_seconds', 'When the timer last ran check.', lastCheck),
  ];
}

function formatFamily(
  name: string,
  type: string,
  help: string,
  samples: readonly (readonly [labels: string, value: number])[],
): string[] {
  if (samples.length === 0) return [];
  const full = `pilos_post_publish_${name}`;
  const lines = samples.map(([labels, value]) => `${full}${labels} ${value}`);
  return [`# HELP ${full} ${help}`, `# TYPE ${full} ${type}`, ...lines];
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
