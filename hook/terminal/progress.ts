/** A bar with bytes, rate and time left for work over a second, on a terminal; never in a pipe. */
import type { SingleBar } from 'cli-progress';
import { formatBytes, formatSeconds } from './units.ts';

/** Milliseconds before a bar appears. */
const patience = 1000;

export interface Progress {
  isShown: boolean;
  /** Begins a piece of work of `total` bytes. */
  start(title: string, total: number): ProgressTask;
}

interface ProgressTask {
  /** Bytes of the present stage that are done, e.g. of `packing`, then of `sending`. */
  update(done: number, stage: string): void;
  /** Takes the bar away before a line is printed; the next update shows it again. */
  clear(): void;
  stop(): void;
}

const silent: ProgressTask = { update: () => undefined, clear: () => undefined, stop: () => undefined };

export function createProgress(isShown: boolean): Progress {
  return { isShown, start: (title, total) => (isShown ? startBar(title, total) : silent) };
}

function startBar(title: string, total: number): ProgressTask {
  let begin = Date.now();
  let shownStage = '';
  let latest = 0;
  let bar: SingleBar | undefined;
  let isLoading = false;
  let isStopped = false;
  const rate = () => latest / Math.max((Date.now() - begin) / 1000, 0.001);
  const show = async () => {
    isLoading = true;
    const { SingleBar } = await import('cli-progress');
    if (isStopped) return;
    bar = new SingleBar({
      format: (_, { value }, { stage, rate }) =>
        formatBar({ stage, title, done: value, total, rate }, process.stderr.columns || 80),
      clearOnComplete: true,
      hideCursor: null,
      linewrap: null,
      stream: process.stderr,
    });
    bar.start(total, latest, { stage: shownStage, rate: rate() });
  };
  return {
    update(done, stage) {
      if (stage !== shownStage) [begin, shownStage] = [Date.now(), stage];
      // rsync says 0 once more when it renames what has arrived.
      else if (done === 0) return;
      latest = done;
      if (bar !== undefined) bar.update(done, { stage, rate: rate() });
      else if (!isLoading && Date.now() - begin > patience) void show();
    },
    clear() {
      if (bar !== undefined) process.stderr.write('\r\x1b[K');
    },
    stop() {
      isStopped = true;
      bar?.stop();
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

/** What the bar and the title need to be worth their place. */
const leastBar = 10;
const leastTitle = 12;

/** The line for a terminal of so many columns: of what does not fit, first the title is shortened, from its front. */
export function formatBar({ stage, title, done, total, rate }: Shown, columns: number): string {
  const share = total > 0 ? Math.min(done / total, 1) : 1;
  const left = rate > 0 ? formatSeconds((total - done) / rate) : '?';
  const percentage = `${Math.floor(share * 100)}%`;
  const numbers = `${percentage} | ${formatBytes(done)} of ${formatBytes(total)} | ${formatBytes(rate)}/s | ${left} left`;
  // A terminal goes to the next line when the last column is written.
  const space = columns - 1 - `${stage} ${numbers}`.length;
  const titleSpace = Math.min(title.length, space - leastBar - '[] '.length - 1);
  const name =
    titleSpace === title.length
      ? `${title} `
      : titleSpace < leastTitle
        ? ''
        : `…${title.slice(1 - titleSpace)} `;
  const bar = Math.min(40, space - name.length - '[] '.length);
  const filled = Math.round(share * bar);
  const drawn = bar < leastBar ? '' : `[${'='.repeat(filled)}${'-'.repeat(bar - filled)}] `;
  return `${stage} ${name}${drawn}${numbers}`.slice(0, columns - 1);
}
