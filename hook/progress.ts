/** A bar with bytes, rate and time left for work over a second, on a terminal; never in a pipe. */
import type { SingleBar } from 'cli-progress';

/** Milliseconds before a bar appears. */
const patience = 1000;

export interface Progress {
  isShown: boolean;
  /** Begins a piece of work of `total` bytes. */
  start(title: string, total: number): ProgressTask;
}

export interface ProgressTask {
  /** Bytes of the present stage that are done, e.g. of `packing`, then of `sending`. */
  update(done: number, stage: string): void;
  stop(): void;
}

const silent: ProgressTask = { update: () => undefined, stop: () => undefined };

export function createProgress(isShown: boolean): Progress {
  return { isShown, start: (title, total) => (isShown ? startBar(title, total) : silent) };
}

function startBar(title: string, total: number): ProgressTask {
  let begin = Date.now();
  let shownStage = '';
  let bar: SingleBar | undefined;
  let isLoading = false;
  let isStopped = false;
  const show = async () => {
    isLoading = true;
    const { SingleBar } = await import('cli-progress');
    if (isStopped) return;
    bar = new SingleBar({
      format: `{stage} ${title} [{bar}] {percentage}% | {done} of {all} | {rate}/s | {left} left`,
      barsize: 20,
      clearOnComplete: true,
      hideCursor: null,
      linewrap: false,
      stream: process.stderr,
    });
    bar.start(total, 0, fields(0, total, begin, shownStage));
  };
  return {
    update(done, stage) {
      if (stage !== shownStage) [begin, shownStage] = [Date.now(), stage];
      if (bar !== undefined) bar.update(done, fields(done, total, begin, stage));
      else if (!isLoading && Date.now() - begin > patience) void show();
    },
    stop() {
      isStopped = true;
      bar?.stop();
    },
  };
}

function fields(done: number, total: number, begin: number, stage: string): Record<string, string> {
  const elapsed = Math.max((Date.now() - begin) / 1000, 0.001);
  const rate = done / elapsed;
  return {
    stage,
    done: formatBytes(done),
    all: formatBytes(total),
    rate: formatBytes(rate),
    left: rate > 0 ? formatSeconds((total - done) / rate) : '?',
  };
}

/** `1.5 GB`, in powers of 1000 as disks and networks are sold. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toPrecision(2)} ${units[unit]}`;
}

/** `45 s`, `3 min 5 s`, `2 h 10 min`. */
export function formatSeconds(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
