/** A bar with bytes, rate and time left for work over a second, on a terminal; never in a pipe. */
import { formatBytes, formatSeconds } from './units.ts';

/** Milliseconds before a bar appears, and between two drawings of it. */
const patience = 1000;
const interval = 100;

export interface Progress {
  isShown: boolean;
  /** Begins a piece of work of `total` bytes, which is done when its last stage is. */
  start(title: string, total: number, lastStage: string): ProgressTask;
  /** From now on one line shows how far all of so many pieces of work are. */
  startSeries(count: number, total: number): ProgressSeries;
}

interface ProgressSeries {
  /** One of them has ended, however. */
  count(): void;
  end(): void;
}

interface ProgressTask {
  /** Bytes of the present stage that are done, e.g. of `packing`, then of `sending`. */
  update(done: number, stage: string): void;
  /** Takes the bar away before a line is printed, and in the end; the next update shows it again. */
  clear(): void;
}

const silent = {
  update: () => undefined,
  clear: () => undefined,
  count: () => undefined,
  end: () => undefined,
};

export function createProgress(isShown: boolean): Progress {
  if (!isShown) return { isShown, start: () => silent, startSeries: () => silent };
  let series: ReturnType<typeof startSeries> | undefined;
  return {
    isShown,
    start: (title, total, lastStage) => series?.start(title, total, lastStage) ?? startBar(title, total),
    startSeries: (count, total) => {
      const started = startSeries(count, total);
      series = started;
      const end = () => {
        started.clear();
        series = undefined;
      };
      return { count: started.count, end };
    },
  };
}

function startSeries(count: number, total: number) {
  const begin = Date.now();
  let drawn = 0;
  let ended = 0;
  /** Bytes of those that have ended; of each that has not, those of its last stage. */
  let before = 0;
  const current = new Map<object, number>();
  const draw = (title: string, share: number) => {
    const now = Date.now();
    if (now - begin < patience || now - drawn < interval) return;
    drawn = now;
    const done = before + [...current.values()].reduce((sum, bytes) => sum + bytes, 0);
    const rate = done / ((now - begin) / 1000);
    const line = formatSeries(
      { ended, count, title, share, done, total, rate },
      process.stderr.columns || 80,
    );
    process.stderr.write(`\r${line}\x1b[K`);
  };
  const clear = () => {
    if (drawn > 0) process.stderr.write('\r\x1b[2K');
    drawn = 0;
  };
  const start = (title: string, size: number, lastStage: string): ProgressTask => {
    const key = {};
    current.set(key, 0);
    return {
      update: (bytes, stage) => {
        if (stage !== lastStage) return;
        current.set(key, Math.max(bytes, current.get(key) ?? 0));
        draw(title, size > 0 ? Math.min(bytes / size, 1) : 1);
      },
      clear: () => {
        before += current.get(key) ?? 0;
        current.set(key, 0);
        clear();
      },
    };
  };
  const countOne = () => {
    ended += 1;
  };
  return { start, clear, count: countOne };
}

interface ShownSeries {
  ended: number;
  count: number;
  title: string;
  /** Of the one that is under way, 0 to 1. */
  share: number;
  done: number;
  total: number;
  rate: number;
}

/** `12 of 120 | …758751753-presentation.tar 45% | 1.4 GB left, 12 MB/s, 3 min 5 s`, in so many columns. */
function formatSeries(
  { ended, count, title, share, done, total, rate }: ShownSeries,
  columns: number,
): string {
  const left = Math.max(total - done, 0);
  const time = rate > 0 ? formatSeconds(left / rate) : '?';
  const rest = ` ${Math.floor(share * 100)}% | ${formatBytes(left)} left, ${formatBytes(rate)}/s, ${time}`;
  const position = `${ended} of ${count} | `;
  return `${position}${shorten(title, columns - 1 - position.length - rest.length)}${rest}`.slice(
    0,
    columns - 1,
  );
}

function startBar(title: string, total: number): ProgressTask {
  let begin = Date.now();
  let shownStage = '';
  let drawn = 0;
  return {
    update(done, stage) {
      const now = Date.now();
      if (stage !== shownStage) [begin, shownStage] = [now, stage];
      // rsync says 0 once more when it renames what has arrived.
      else if (done === 0) return;
      if (now - begin < patience || now - drawn < interval) return;
      drawn = now;
      const rate = done / ((now - begin) / 1000);
      const bar = formatBar({ stage, title, done, total, rate }, process.stderr.columns || 80);
      process.stderr.write(`\r${bar}\x1b[K`);
    },
    clear() {
      if (drawn > 0) process.stderr.write('\r\x1b[2K');
      drawn = 0;
    },
  };
}

interface Shown {
  stage: string;
  title: string;
  done: number;
  total: number;
  /** Bytes in a second. */
  rate: number;
}

const barLength = 12;
/** What is worth its place of a title that does not fit: its end has the format. */
const leastTitle = 12;

/** The line for a terminal of so many columns; what is written into the last column would begin a next line. */
export function formatBar({ stage, title, done, total, rate }: Shown, columns: number): string {
  const share = total > 0 ? Math.min(done / total, 1) : 1;
  const bar = '='.repeat(Math.round(share * barLength)).padEnd(barLength, '-');
  const left = rate > 0 ? formatSeconds(Math.max(total - done, 0) / rate) : '?';
  const size = `${formatBytes(done)} of ${formatBytes(total)}`;
  const rest = `[${bar}] ${Math.floor(share * 100)}% | ${size} | ${formatBytes(rate)}/s | ${left} left`;
  const space = columns - 1 - `${stage}  ${rest}`.length;
  return [stage, shorten(title, space), rest]
    .filter((part) => part !== '')
    .join(' ')
    .slice(0, columns - 1);
}

function shorten(title: string, space: number): string {
  if (title.length <= space) return title;
  return space < leastTitle ? '' : `…${title.slice(1 - space)}`;
}
