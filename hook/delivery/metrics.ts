/**
 * `metrics_file`: what was delivered, for the textfile collector of Prometheus' node exporter. The counters are
 * kept in `work_dir`, since a textfile may be deleted by anyone.
 */
import { chmodSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { withErrnoTranslated } from '../system/errno.ts';
import { acquireLock } from '../system/lock.ts';
import { replaceFile } from '../system/work-dir.ts';
import { type Counters, countersOf, parseCounters } from './counters.ts';
import { formatMetrics } from './metrics-text.ts';

interface MetricsSettings {
  workDir: string;
  /** Undefined: nothing is counted. */
  metricsFile: string | undefined;
  /** The formats of this server. */
  publishSteps?: readonly string[];
}

/** Changes the counters and writes the textfile, one process at a time. */
export async function updateMetrics(
  settings: MetricsSettings,
  change: (counters: Counters) => void,
): Promise<void> {
  const { workDir, metricsFile, publishSteps = [] } = settings;
  if (metricsFile === undefined) return;
  const lock = await acquireLock(`${workDir} metrics`, { wait: true });
  try {
    const counters = readCounters(`${workDir}/metrics.json`);
    // Prometheus sees no increase to the first value of a series: what may fail one day starts at 0.
    for (const format of publishSteps) countersOf(counters, format);
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

function readCounters(file: string): Counters {
  try {
    // Not `readFileSync(file, 'utf8')`: that aborts the program when close fails, as it may on FUSE or NFS.
    return parseCounters(JSON.parse(readFileSync(file).toString()));
  } catch {
    // not there yet, or broken: counting starts again, which Prometheus understands
    return parseCounters({});
  }
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
      // The first error says more.
    }
    throw error;
  }
}
