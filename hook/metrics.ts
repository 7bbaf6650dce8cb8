/**
 * `metrics_file`: what was delivered, for the textfile collector of Prometheus' node exporter. The counters are
 * kept in `work_dir`, since a textfile may be deleted by anyone.
 * Format: https://prometheus.io/docs/instrumenting/exposition_formats/
 */
import { chmodSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { withErrnoTranslated } from './errors.ts';
import { acquireLock } from './lock.ts';
import { replaceFile } from './work-dir.ts';

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
  /** Recordings that are published, ours and not delivered; undefined until `resend` has looked. */
  missing?: number | undefined;
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

export function countersOf(counters: Counters, format: string): FormatCounters {
  counters.formats[format] ??= { deliveries: 0, failures: 0, bytes: 0, seconds: 0, lastSuccess: 0 };
  return counters.formats[format];
}

function readCounters(file: string): Counters {
  try {
    // Not `readFileSync(file, 'utf8')`: that aborts the program when close fails, as it may on FUSE or NFS.
    const read: unknown = JSON.parse(readFileSync(file).toString());
    if (typeof read === 'object' && read !== null && 'formats' in read) return read as Counters;
  } catch {
    // not there yet, or broken: counting starts again, which Prometheus understands
  }
  return { formats: {} };
}

/** The collector reads only names ending in `.prom`, so it never sees the temporary one. */
function writeTextfile(file: string, text: string): void {
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    writeFileSync(temporary, text);
    chmodSync(temporary, 0o644);
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
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

/** The text of the metrics file. */
export function formatMetrics(counters: Counters): string {
  const lines: string[] = [];
  const formats = Object.entries(counters.formats).sort(([one], [other]) => (one < other ? -1 : 1));
  for (const [key, name, type, help] of families) {
    lines.push(`# HELP pilos_post_publish_${name} ${help}`, `# TYPE pilos_post_publish_${name} ${type}`);
    for (const [format, values] of formats)
      lines.push(`pilos_post_publish_${name}{format="${format}"} ${values[key]}`);
  }
  if (counters.missing !== undefined) {
    const name = 'pilos_post_publish_recordings_missing';
    lines.push(
      `# HELP ${name} Published recordings of PILOS that are not delivered.`,
      `# TYPE ${name} gauge`,
    );
    lines.push(`${name} ${counters.missing}`);
  }
  return `${lines.join('\n')}\n`;
}
