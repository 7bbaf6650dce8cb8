/** PILOS imports one archive after the other: no more lie in its spool than it can take in a while. */
import { setTimeout } from 'node:timers/promises';
import { EXIT, ExpectedError } from '../errors.ts';
import { formatSeconds } from '../progress.ts';
import type { Session } from '../session.ts';
import type { Spool } from '../spool/index.ts';

export interface PaceRules {
  /** Archives that may lie in the spool. */
  maxWaiting: number;
  /** Milliseconds after each archive, where the spool cannot be read. */
  pause: number;
  /** Milliseconds that we wait for PILOS to take one. */
  patience: number;
}

/** The archives that lay there at the last look, and since when none of them has gone. */
export interface Wait {
  names: readonly string[];
  since: number;
}

export type Decision = { step: 'send'; room: number } | { step: 'wait'; wait: Wait } | { step: 'give up' };

/**
 * What to do when `names` lie in the spool.
 *
 * @param before what the last look showed, when we were waiting already
 * @param now milliseconds since 1970
 */
export function decidePace(
  names: readonly string[],
  before: Wait | undefined,
  now: number,
  rules: Pick<PaceRules, 'maxWaiting' | 'patience'>,
): Decision {
  if (names.length < rules.maxWaiting) return { step: 'send', room: rules.maxWaiting - names.length };
  // Others may send to the same spool: what comes says nothing about PILOS, what goes does.
  const isTaken = before?.names.some((name) => !names.includes(name)) ?? true;
  if (before === undefined || isTaken) return { step: 'wait', wait: { names, since: now } };
  if (now - before.since >= rules.patience) return { step: 'give up' };
  return { step: 'wait', wait: { names, since: before.since } };
}

export interface Pacer {
  /** Returns when one more archive may be sent; throws ExpectedError when PILOS takes none (75) or the spool is gone. */
  admit(): Promise<void>;
}

interface PacedSpool {
  spool: Pick<Spool, 'readWaiting' | 'destination'>;
  subDir: string;
  /** Milliseconds between two looks. */
  interval: number;
}

export function createPacer(paced: PacedSpool, rules: PaceRules, session: Session): Pacer {
  const { spool, subDir } = paced;
  const destination = spool.destination(subDir);
  /** How many more may be sent before the next look. */
  let room = 0;
  let isFirst = true;
  let isBlind = false;
  const sleep = (milliseconds: number) => setTimeout(milliseconds, undefined, { signal: session.signal });

  async function look(): Promise<string[] | undefined> {
    if (isBlind) return undefined;
    const { debug, warn } = session.log;
    const names = await spool.readWaiting(subDir, { signal: session.signal, debug, warn });
    if (names !== undefined) return names;
    isBlind = true;
    const pause = formatSeconds(rules.pause / 1000);
    warn(
      `${destination} may not be read with this key, so nobody knows how many archives lie there: a pause of ${pause} after each instead (--pause)`,
    );
    return undefined;
  }

  return {
    async admit() {
      const wasFirst = isFirst;
      isFirst = false;
      if (room === 0) room = await waitForRoom(paced, rules, session, look, sleep);
      if (room > 0) room -= 1;
      else if (!wasFirst) await sleep(rules.pause);
    },
  };
}

/** How many may be sent now; 0 when nobody can tell. */
async function waitForRoom(
  { spool, subDir, interval }: PacedSpool,
  rules: PaceRules,
  session: Session,
  look: () => Promise<string[] | undefined>,
  sleep: (milliseconds: number) => Promise<void>,
): Promise<number> {
  const line = createWaitLine(session);
  let wait: Wait | undefined;
  try {
    for (;;) {
      const names = await look();
      if (names === undefined) return 0;
      const decision = decidePace(names, wait, Date.now(), rules);
      if (decision.step === 'send') return decision.room;
      if (decision.step === 'give up') throw nothingTaken(spool.destination(subDir), names.length, rules);
      if (wait === undefined) {
        session.log.info(
          `${countArchives(names.length)} in ${spool.destination(subDir)}: waiting until PILOS has imported some (--max-waiting ${rules.maxWaiting})`,
        );
      }
      wait = decision.wait;
      line.show(names.length, (Date.now() - wait.since) / 1000);
      await sleep(Math.min(interval, rules.patience / 3));
    }
  } finally {
    line.clear();
  }
}

/** On a terminal, one line that tells how long we have been waiting. */
function createWaitLine({ progress }: Session) {
  const write = (text: string) => {
    if (progress.isShown)
      process.stderr.write(`\r${text.slice(0, (process.stderr.columns || 80) - 1)}\x1b[K`);
  };
  return {
    show: (count: number, seconds: number) =>
      write(`waiting: ${countArchives(count)} in the spool, none taken for ${formatSeconds(seconds)}`),
    clear: () => write(''),
  };
}

function nothingTaken(destination: string, count: number, { patience }: PaceRules): ExpectedError {
  return new ExpectedError(
    `PILOS has taken nothing for ${formatSeconds(patience / 1000)} from ${destination}, where there are ${countArchives(count)}`,
    {
      exitStatus: EXIT.temporary,
      remedy: "look at PILOS' scheduler, at Horizon and at failed/, then run the same command again",
      scope: 'spool',
    },
  );
}

function countArchives(count: number): string {
  return count === 1 ? '1 archive' : `${count} archives`;
}
