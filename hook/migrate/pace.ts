/** PILOS imports one archive after the other: no more lie in its spool than it can take in a while. */
import { setTimeout } from 'node:timers/promises';
import { EXIT, ExpectedError } from '../errors.ts';
import type { Run } from '../run.ts';
import type { Spool } from '../spool/spool.ts';
import { createStatusLine } from '../terminal/status-line.ts';
import { formatSeconds } from '../terminal/units.ts';
import { decidePace, type PaceRules, type Wait } from './decide-pace.ts';

export interface Pacer {
  /** Returns when one more archive may be sent; throws ExpectedError when PILOS takes none (75) or the spool is gone. */
  admit(): Promise<void>;
  /** Returns when PILOS has taken these archives; throws as {@link admit}. */
  drain(archives: ReadonlySet<string>): Promise<void>;
}

interface PacedSpool {
  spool: Pick<Spool, 'readWaiting' | 'destination'>;
  /** Those that get archives: PILOS takes from all of them, one after the other. */
  subDirs: readonly string[];
  /** Milliseconds between two questions. */
  interval: number;
}

export function createPacer(paced: PacedSpool, rules: PaceRules, run: Run): Pacer {
  const readArchives = createReader(paced, rules, run);
  const line = createStatusLine(0);
  const sleep = (milliseconds: number) => setTimeout(milliseconds, undefined, { signal: run.signal });
  const destination = destinationsOf(paced);
  /** How many more may be sent before it is asked again. */
  let room = 0;
  let isFirst = true;
  let isTold = false;

  /**
   * Asks until so few archives lie there that one may be sent; gives up as {@link decidePace} does.
   *
   * @returns how many may be sent then; undefined when nobody can say
   */
  async function waitForRoom(
    read: () => Promise<string[] | undefined>,
    maxWaiting: number,
    report: (count: number) => void,
  ): Promise<number | undefined> {
    for (let wait: Wait | undefined; ; ) {
      const names = await read();
      if (names === undefined) return undefined;
      const decision = decidePace(names, wait, Date.now(), { ...rules, maxWaiting });
      if (decision.step === 'send') return decision.room;
      if (decision.step === 'give up') throw nothingTaken(destination, names.length, rules);
      if (wait === undefined) report(names.length);
      wait = decision.wait;
      const since = formatSeconds((Date.now() - wait.since) / 1000);
      const text = `waiting: ${countArchives(names.length)} in the spool, none taken for ${since}`;
      if (run.progress.isShown) line.draw((_, columns) => text.slice(0, columns));
      await sleep(Math.min(paced.interval, rules.patience / 3));
    }
  }

  const reportFull = (count: number) => {
    if (!isTold)
      run.log.info(
        `${countArchives(count)} in ${destination}: waiting until PILOS has imported some (--max-waiting ${rules.maxWaiting})`,
      );
    isTold = true;
  };
  const reportLast = (count: number) =>
    run.log.info(`waiting until PILOS has imported the last ${countArchives(count)} (or --no-wait)`);

  return {
    async admit() {
      const wasFirst = isFirst;
      isFirst = false;
      if (room === 0)
        room = (await waitForRoom(readArchives, rules.maxWaiting, reportFull).finally(line.clear)) ?? 0;
      if (room > 0) room -= 1;
      else if (!wasFirst) await sleep(rules.pause);
    },
    async drain(archives) {
      const isOne = (name: string) => archives.has(name.slice(name.lastIndexOf('/') + 1));
      const readThese = async () => (await readArchives())?.filter(isOne);
      await waitForRoom(readThese, 1, reportLast).finally(line.clear);
    },
  };
}

function destinationsOf({ spool, subDirs }: PacedSpool): string {
  return subDirs.map((subDir) => spool.destination(subDir)).join(' and ');
}

/** Asks the spool; where that is refused, says so once, and never again asks. */
function createReader(paced: PacedSpool, rules: PaceRules, { log, signal }: Run) {
  let isBlind = false;
  return async (): Promise<string[] | undefined> => {
    if (isBlind) return undefined;
    const watcher = { signal, debug: log.debug, warn: log.warn };
    const all: string[] = [];
    for (const subDir of paced.subDirs) {
      const names = await paced.spool.readWaiting(subDir, watcher);
      if (names === undefined) break;
      all.push(...names.map((name) => `${subDir}/${name}`));
      if (subDir === paced.subDirs.at(-1)) return all;
    }
    isBlind = true;
    const pause = formatSeconds(rules.pause / 1000);
    log.warn(
      `${destinationsOf(paced)} may not be read with this key, so nobody knows how many archives lie there: a pause of ${pause} after each instead (--pause)`,
    );
    return undefined;
  };
}

function nothingTaken(destination: string, count: number, { patience }: PaceRules): ExpectedError {
  return new ExpectedError(
    `PILOS has taken nothing for ${formatSeconds(patience / 1000)} from ${destination}, where there are ${countArchives(count)}`,
    {
      code: 'importer_stuck',
      exitStatus: EXIT.temporary,
      fix: "look at PILOS' scheduler, at Horizon and at failed/, then run the same command again",
      scope: 'spool',
    },
  );
}

function countArchives(count: number): string {
  return count === 1 ? '1 archive' : `${count} archives`;
}
