/** A bar with bytes, rate and time left for work over a second, on a terminal; never in a pipe. */
import { createStatusLine } from './status-line.ts';
import { formatBytes, formatSeconds } from './units.ts';

/** Milliseconds before a bar appears. */
const patience = 1000;

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
  const { draw, clear } = createStatusLine(patience);
  let ended = 0;
  /** Bytes of those that have ended; of each that has not, those of its last stage. */
  let before = 0;
  const current = new Map<object, number>();
  const show = (title: string, share: number) =>
    draw((seconds, columns) => {
      const done = before + [...current.values()].reduce((sum, bytes) => sum + bytes, 0);
      return formatSeries({ ended, count, title, share, done, total, rate: done / seconds }, columns);
    });
  const start = (title: string, size: number, lastStage: string): ProgressTask => {
    const key = {};
    current.set(key, 0);
    return {
      update: (bytes, stage) => {
        if (stage !== lastStage) return;
        current.set(key, Math.max(bytes, current.get(key) ?? 0));
        show(title, size > 0 ? Math.min(bytes / size, 1) : 1);
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
function formatSeries(shown: ShownSeries, columns: number): string {
  const { ended, count, title, share, done, total, rate } = shown;
  const left = Math.max(total - done, 0);
  const time = rate > 0 ? formatSeconds(left / rate) : '?';
  const rest = ` ${Math.floor(share * 100)}% | ${formatBytes(left)} left, ${formatBytes(rate)}/s, ${time}`;
  const position = `${ended} of ${count} | `;
  return `${position}${shorten(title, columns - position.length - rest.length)}${rest}`.slice(0, columns);
}

function startBar(title: string, total: number): ProgressTask {
  const { draw, clear, restart } = createStatusLine(patience);
  let shownStage = '';
  return {
    update(done, stage) {
      // rsync says 0 once more when it renames what has arrived.
      if (stage === shownStage && done === 0) return;
      if (stage !== shownStage) restart();
      shownStage = stage;
      draw((seconds, columns) => formatBar({ stage, title, done, total, rate: done / seconds }, columns));
    },
    clear,
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

/** The line, in so many columns. */
export function formatBar({ stage, title, done, total, rate }: Shown, columns: number): string {
  const share = total > 0 ? Math.min(done / total, 1) : 1;
  const bar = '='.repeat(Math.round(share * barLength)).padEnd(barLength, '-');
  const left = rate > 0 ? formatSeconds(Math.max(total - done, 0) / rate) : '?';
  const size = `${formatBytes(done)} of ${formatBytes(total)}`;
  const rest = `[${bar}] ${Math.floor(share * 100)}% | ${size} | ${formatBytes(rate)}/s | ${left} left`;
  const name = shorten(title, columns - `${stage}  ${rest}`.length);
  return [stage, name, rest]
    .filter((part) => part !== '')
    .join(' ')
    .slice(0, columns);
}

function shorten(title: string, space: number): string {
  if (title.length <= space) return title;
  return space < leastTitle ? '' : `…${title.slice(1 - space)}`;
}
