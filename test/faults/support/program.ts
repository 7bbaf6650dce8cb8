/** The program that a check of the fault suite is run on: the one that ships, or a mutant of it. */
import { join } from 'node:path';
import type { BbbTree } from '../../support/bbb/bbb-tree.ts';
import { type ProgramResult, type RunningProgram, startProgram } from '../../support/program/run-program.ts';

export interface Program {
  /** Path of the executable, or of Node and a script. */
  command: readonly [string, ...string[]];
}

const projectDir = join(import.meta.dirname, '../../..');

export const shipped: Program = { command: [join(projectDir, 'dist/pilos-post-publish')] };

export interface FaultRun {
  /** A command that the program is run by, such as strace with its options. */
  by?: readonly string[];
  env?: Record<string, string>;
  /** Further arguments of the program. */
  args?: readonly string[];
  /** The program is killed then, which shows as signal SIGKILL: nothing here takes so long. */
  timeoutMilliseconds?: number;
}

/** Starts the program as BBB does, in its working directory, on the configuration of `tree`. */
export function startOn(
  tree: BbbTree,
  { command }: Program,
  args: readonly string[],
  { by = [], env, args: further = [], timeoutMilliseconds = 300_000 }: FaultRun = {},
): RunningProgram {
  const [first = '', ...rest] = [...by, ...command, ...args, ...further];
  return startProgram(first, rest, {
    cwd: tree.scriptsDir,
    // One thread beside the main one: strace counts the calls of each thread by itself.
    env: { ...tree.env, UV_THREADPOOL_SIZE: '1', ...env },
    timeoutMilliseconds,
  });
}

export function runOn(
  tree: BbbTree,
  program: Program,
  args: readonly string[],
  run: FaultRun = {},
): Promise<ProgramResult> {
  return startOn(tree, program, args, run).result;
}

/** How a run ended, in a few words. */
export function describeRun({ status, signal, stderr }: ProgramResult): string {
  return `${signal ?? `exit ${status}`}${stderr === '' ? '' : ` (${stderr.trim().slice(-300)})`}`;
}
