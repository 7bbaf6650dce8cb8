/** Measures whole processes, and compares two of them as a ratio: the machine is shared, so both run in turn. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

export interface Cost {
  /** Seconds. */
  wall: number;
  /** Seconds of processor time, user and system, children included. */
  cpu: number;
  /** Bytes, the peak of the largest single process. */
  memory: number;
  /** Bytes that were given to a disk. */
  written: number;
}

export interface Command {
  words: readonly string[];
  environment?: NodeJS.ProcessEnv;
  /** With which it has to end; 0 by default. */
  exitStatus?: number;
  /** Puts things back before each run; not measured. */
  prepare?: () => void;
  /** Looks at what a run has made, and throws when it is not right. */
  verify?: () => void;
}

/** Runs the command once; throws when it fails. */
export function measure({
  words,
  environment = process.env,
  exitStatus = 0,
  prepare,
  verify,
}: Command): Cost {
  prepare?.();
  const script = join(import.meta.dirname, 'measure.py');
  const output = execFileSync('python3', [script, ...words], { env: environment, encoding: 'utf8' });
  const { status, ...cost } = JSON.parse(output) as Cost & { status: number };
  if (status !== exitStatus) throw new Error(`exit status ${status}: ${words.join(' ')}`);
  verify?.();
  return cost;
}

export interface Comparison {
  own: Cost;
  other: Cost;
  /** Median of the ratios of each pair. */
  ratio: Cost;
}

/** Runs both commands in turn, `pairs` times, after one run of each that does not count. */
export function compare(own: Command, other: Command, pairs: number, warmUp = true): Comparison {
  if (warmUp) for (const command of [own, other]) measure(command);
  const runs = Array.from({ length: pairs }, () => ({ own: measure(own), other: measure(other) }));
  return {
    own: medians(runs.map((run) => run.own)),
    other: medians(runs.map((run) => run.other)),
    ratio: medians(runs.map((run) => mapCost((key) => run.own[key] / run.other[key]))),
  };
}

function medians(costs: readonly Cost[]): Cost {
  return mapCost((key) => median(costs.map((cost) => cost[key])));
}

function mapCost(value: (key: keyof Cost) => number): Cost {
  return { wall: value('wall'), cpu: value('cpu'), memory: value('memory'), written: value('written') };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] ?? Number.NaN) + (sorted[Math.ceil(middle)] ?? Number.NaN)) / 2;
}
