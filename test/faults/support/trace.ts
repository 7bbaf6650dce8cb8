/** strace: which system calls a run makes, and the same run with one of them broken. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ProgramResult } from '../../support/program/run-program.ts';
import { describeRun, type FaultRun } from './program.ts';
import type { Scene } from './scene.ts';

export interface Call {
  name: string;
  /** The how-manieth call of this name that the main thread makes, or the one before: see byLuck. */
  when: number;
  /** The call as strace prints it, with the path behind each descriptor. */
  text: string;
}

const line = /^(\d+) +(?:<\.\.\. )?([a-z_0-9]+)(?:\(| resumed)/;

/** What does not depend on the recording but on the threads' luck. */
const uninteresting =
  /^(?:futex|m(?:map|unmap|advise|protect|remap)|rt_.*|clock_.*|epoll_.*|io_uring.*|brk|exit.*)$/;

/** Read by V8's threads when two want the same lock for the first time, which every other run does. */
const byLuck = '/sys/devices/system/cpu/online';

/** The calls of the main thread from the first one that touches the tree on; the scene is run once. */
export async function traceCalls(scene: Scene): Promise<Call[]> {
  return await withLog(async (log) => {
    const result = await scene.run({ by: ['strace', '-f', '-y', '-s', '300', '-o', log] });
    if (result.status !== 0) throw new Error(`the traced run: ${describeRun(result)}`);
    return parseTrace(readFileSync(log, 'latin1'), scene.tree.pilosYml);
  });
}

function parseTrace(text: string, first: string): Call[] {
  const calls: Call[] = [];
  const counts = new Map<string, number>();
  let main: string | undefined;
  let isReached = false;
  for (const row of text.split('\n')) {
    const [, pid, name] = line.exec(row) ?? [];
    main ??= pid;
    if (pid !== main || name === undefined || row.includes(' resumed>') || row.includes(byLuck)) continue;
    const when = (counts.get(name) ?? 0) + 1;
    counts.set(name, when);
    isReached ||= row.includes(first);
    if (isReached && !uninteresting.test(name)) calls.push({ name, when, text: row });
  }
  return calls;
}

export interface Injection {
  result: ProgramResult;
  /** The calls that were broken, as strace prints them. */
  broken: string[];
}

/** Whose calls strace follows. */
type Thread = 'main' | 'any';

/**
 * Runs the scene with `what` done to a call of the main thread, or of `'any'`: strace counts those of each by itself, and
 * what another one does by then is up to the machine's load.
 *
 * @param what in strace's words, e.g. `error=ENOSPC` or `signal=SIGKILL`
 */
export async function inject(
  scene: Scene,
  { name, when }: Pick<Call, 'name' | 'when'>,
  what: string,
  run: FaultRun = {},
  thread: Thread = 'main',
): Promise<Injection> {
  return await withLog(async (log) => {
    const by = [...stracing(log, name, `${what}:when=${when}`, thread), ...(run.by ?? [])];
    const result = await scene.run({ ...run, by });
    const text = readFileSync(log, 'latin1');
    // Of one thread, strace does not say which.
    return { result, broken: brokenCalls(thread === 'any' ? text : text.replace(/^/gm, '0 ')) };
  });
}

function stracing(log: string, name: string, injection: string, thread: Thread): string[] {
  return [
    'strace',
    ...(thread === 'any' ? ['-f'] : []),
    '-y',
    '-s',
    '300',
    '-o',
    log,
    '-e',
    `trace=${name}`,
    '-e',
    `inject=${name}:${injection}`,
  ];
}

/** A command prefix that holds the run for so long behind the call `name`, counted from `when`. */
export function holding(name: string, when: number | '1+', milliseconds: number): string[] {
  return stracing('/dev/null', name, `delay_exit=${milliseconds * 1000}:when=${when}`, 'any');
}

/** The same in front of the call. */
export function holdingBefore(name: string, when: number | '1+', milliseconds: number): string[] {
  return stracing('/dev/null', name, `delay_enter=${milliseconds * 1000}:when=${when}`, 'any');
}

function brokenCalls(log: string): string[] {
  const rows = log.split('\n');
  const isBroken = (row: string) => row.includes('(INJECTED)') || row.includes('(DELAYED)');
  return rows.flatMap((row, index) => {
    if (!isBroken(row)) return [];
    const [, pid, name] = line.exec(row) ?? [];
    if (!row.includes(' resumed>')) return [row];
    const begun = rows
      .slice(0, index)
      .findLast((other) => other.startsWith(`${pid} `) && other.includes(`${name}(`));
    return [`${begun ?? ''}${row}`];
  });
}

async function withLog<T>(action: (log: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'faults-trace-'));
  try {
    return await action(join(directory, 'log'));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
