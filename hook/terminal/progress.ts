/** A bar with bytes, rate and time left for work over a second, on a terminal; never in a pipe. */
import { formatBytes, formatSeconds } from './units.ts';

/** Milliseconds before a bar appears, and between two drawings of it. */
const patience = 1000;
const interval = 100;

export interface Progress {
  isShown: boolean;
  /** Begins a piece of work of `total` bytes. */
  start(title: string, total: number): ProgressTask;
}

interface ProgressTask {
  /** Bytes of the present stage that are done, e.g. of `packing`, then of `sending`. */
  update(done: number, stage: string): void;
  /** Takes the bar away before a line is printed, and in the end; the next update shows it again. */
  clear(): void;
}

const silent: ProgressTask = { update: () => undefined, clear: () => undefined };

export function createProgress(isShown: boolean): Progress {
  return { isShown, start: (title, total) => (isShown ? startBar(title, total) : silent) };
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
/** What is worth its place of a title that does not fit: its end tells the format. */
const leastTitle = 12;

/** The line for a terminal of so many columns; what is written into the last column would begin a next line. */
export function formatBar({ stage, title, done, total, rate }: Shown, columns: number): string {
  const share = total > 0 ? Math.min(done / total, 1) : 1;
  const bar = '='.repeat(Math.round(share * barLength)).padEnd(barLength, '-');
  const left = rate > 0 ? formatSeconds(Math.max(total - done, 0) / rate) : '?';
  const size = `${formatBytes(done)} of ${formatBytes(total)}`;
  const rest = `[${bar}] ${Math.floor(share * 100)}% | ${size} | ${formatBytes(rate)}/s | ${left} left`;
  const space = columns - 1 - `${stage}  ${rest}`.length;
  const name = title.length <= space ? title : space < leastTitle ? '' : `…${title.slice(1 - space)}`;
  return [stage, name, rest]
    .filter((part) => part !== '')
    .join(' ')
    .slice(0, columns - 1);
}
