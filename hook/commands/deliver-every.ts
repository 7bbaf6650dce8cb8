/** `deliver --every`: what the timer does, for a server without systemd, such as a container. */
import { setTimeout as sleep } from 'node:timers/promises';
import { EXIT, type ExitStatus, ExpectedError } from '../errors.ts';
import type { Run } from '../run.ts';
import { type ChildResult, runChild } from '../system/child-process.ts';
import { ownCommand } from '../system/own-command.ts';
import { quote } from '../terminal/escape.ts';
import { parseDuration } from '../terminal/time-span.ts';
import { formatSeconds } from '../terminal/units.ts';

const shortest = 1000;
/** Node's timers count milliseconds in 31 bits, which is 24 days. */
const longest = 7 * 86_400_000;
/** Seconds in which a run that is to end may clean up; `docker stop` allows 10. */
const graceSeconds = 30;

/** Milliseconds; throws an ExpectedError (64) for what is no span of time from a second to a week. */
export function parseInterval(value: string, { json }: Pick<Run, 'json'>): number {
  if (json)
    throw new ExpectedError('--every and --json do not go together: only a run that ends has one document', {
      code: 'every_with_json',
      exitStatus: EXIT.usage,
      fix: 'leave one of them out',
    });
  const interval = parseDuration('--every', value);
  if (interval >= shortest && interval <= longest) return interval;
  throw new ExpectedError(`--every ${quote(value)} is not between 1s and 7d`, {
    code: 'every_out_of_range',
    exitStatus: EXIT.usage,
    fix: 'write it as 15m or 1h',
  });
}

/**
 * Runs `deliver` every `interval` milliseconds until a signal ends it: with 0 between two runs, with the status of
 * the run that was cut otherwise. Each run is a process of its own, which reads the configuration, the user's groups
 * and the program itself anew, and leaves no memory behind; however it ends, the next one comes. Like a timer, it
 * skips what would begin while a run lasts.
 */
export async function deliverEvery(interval: number, args: readonly string[], run: Run): Promise<ExitStatus> {
  const [program = '', ...words] = ownCommand();
  const command = [program, ...words, ...withoutEvery(args)];
  const begin = performance.now();
  for (;;) {
    const result = await deliverOnce(command, run);
    if (result === undefined) return EXIT.temporary;
    const pause = interval - ((performance.now() - begin) % interval);
    if (result.exitStatus !== EXIT.ok)
      run.log.warn(`${describeEnding(result)}: it runs again in ${formatSeconds(pause / 1000)}`);
    try {
      await sleep(pause, undefined, { signal: run.signal });
    } catch (error) {
      if (!run.signal.aborted) throw error;
      return EXIT.ok;
    }
  }
}

/** Undefined when a signal has cut it; it has said so itself. */
async function deliverOnce(command: readonly string[], run: Run): Promise<ChildResult | undefined> {
  try {
    return await runChild(command, {
      inheritsOutput: true,
      endsWithUs: true,
      signal: run.signal,
      graceSeconds,
    });
  } catch (error) {
    if (!run.signal.aborted) throw error;
    return undefined;
  }
}

/** The arguments of a single run. */
function withoutEvery(args: readonly string[]): string[] {
  return args.filter((word, index) => !/^--every(=|$)/.test(word) && args[index - 1] !== '--every');
}

function describeEnding({ spawnError, signal, exitStatus }: ChildResult): string {
  if (spawnError !== undefined) return `deliver could not be started (${spawnError})`;
  return signal === undefined ? `deliver ended with ${exitStatus}` : `${signal} ended deliver`;
}
