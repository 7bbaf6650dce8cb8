/** kill -9 at many moments of a delivery over rsync. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ProgramResult } from '../../support/program/run-program.ts';
import { printFigure, spread } from '../../support/program/test-size.ts';
import { largeSize } from '../../support/rsync/rsync-sender.ts';
import type { Program } from './program.ts';
import type { Problems, Scene } from './scene.ts';
import { createRemoteScene, type KeyKind, type PilosHost } from './ssh.ts';
import { inject, traceCalls } from './trace.ts';
import { withUndo } from './undo.ts';
import { watchSpool } from './watch.ts';

const bandwidth = 6_000_000;

/** Kills a delivery after `count` spans of time, spread over what a whole one takes, and delivers after each. */
export async function checkKilledOverRsync(
  program: Program,
  host: PilosHost,
  { key, count, bytes }: { key: KeyKind; count: number; bytes: number },
): Promise<Problems> {
  return await withUndo(async (undo) => {
    const scene = createRemoteScene(program, host, undo, { key, bytes, bandwidth });
    const watch = await watchSpool(undo, scene.spool);
    const began = performance.now();
    const problems = await scene.recover();
    const duration = performance.now() - began;
    let killed = 0;
    for (const after of spread(count, 50, duration * 0.9)) {
      const ended = await killedWithin(scene, after);
      if (ended.signal === 'SIGKILL') killed += 1;
      const found = [...scene.problemsAfter(ended), ...(await scene.recover())];
      problems.push(...found.map((problem) => `killed after ${after.toFixed(0)} ms: ${problem}`));
    }
    problems.push(...(await watch.problems()));
    printFigure(
      `kill -9, rsync with the ${key} key: ${killed} of ${count} moments in ${duration.toFixed(0)} ms`,
    );
    if (killed < count * 0.9) problems.push(`only ${killed} of ${count} runs were killed`);
    return problems;
  });
}

/** On a machine that is busy for a while, the run before may have reported too long a time: then half of it. */
async function killedWithin(scene: Scene, milliseconds: number, attempts = 3): Promise<ProgramResult> {
  scene.forget('everything');
  const { child, result } = scene.start();
  await sleep(milliseconds);
  child.kill('SIGKILL');
  const ended = await result;
  if (ended.signal === 'SIGKILL' || attempts === 1) return ended;
  return await killedWithin(scene, milliseconds / 2, attempts - 1);
}

/** What the program itself does in work_dir and with its children, the main thread's calls. */
const important = /^(?:write|rename|fchmod|unlink|rmdir|mkdir|statfs|clone|clone3|vfork|wait4|kill|bind)$/;

/** The same in front of system calls: before and after each of rsync's runs, and in work_dir. */
export async function checkKilledInFrontOfCalls(
  program: Program,
  host: PilosHost,
  choose: <T>(calls: T[]) => T[],
): Promise<Problems> {
  return await withUndo(async (undo) => {
    const scene: Scene = createRemoteScene(program, host, undo, { bytes: largeSize });
    const calls = (await traceCalls(scene)).filter(({ name }) => important.test(name));
    const problems = await scene.importArchives();
    const chosen = choose(calls.slice(0, -1));
    let killed = 0;
    for (const call of chosen) {
      scene.forget('everything');
      const { result } = await inject(scene, call, 'signal=SIGKILL', {}, 'any');
      // A child may make as many calls of this name as well: then it was rsync or ssh that was killed.
      if (result.status !== 0) killed += 1;
      const found = [...scene.problemsAfter(result), ...(await scene.recover())];
      problems.push(...found.map((problem) => `killed at ${call.name} ${call.when}: ${problem}`));
    }
    printFigure(`kill -9, rsync, in front of system calls: ${killed} of ${chosen.length} points`);
    if (killed < chosen.length * 0.8) problems.push(`only ${killed} of ${chosen.length} runs were killed`);
    return problems;
  });
}
