/** kill -9 at many points of a delivery. */

import { pick, printFigure } from '../../support/program/test-size.ts';
import { describeRun, type Program } from './program.ts';
import { asksAgain, createScene, type Problems, type Scene } from './scene.ts';
import { type Call, inject, traceCalls } from './trace.ts';
import { withUndo } from './undo.ts';
import { watchSpool } from './watch.ts';

/** Of these a delivery makes few, and they matter most. */
const important = /^(?:write|fsync|rename|fchmod|fchown|unlink|mkdir|rmdir|statfs|bind|ftruncate)$/;

/** Kill points: all the important calls, and of the others as many as are wanted. */
function chooseKillPoints(calls: readonly Call[], count: number): Call[] {
  const first = calls.filter(({ name }) => important.test(name));
  const others = calls.filter(({ name }) => !important.test(name));
  const chosen = [...pick(first, count), ...pick(others, Math.max(count - first.length, 0))];
  return calls.filter((call) => chosen.includes(call));
}

/** Kills a delivery to the mounted spool in front of `count` system calls, and delivers after each. */
export async function checkKilledAnywhere(
  program: Program,
  count: number,
  only: (call: Call) => boolean = () => true,
): Promise<Problems> {
  return await withUndo(async (undo) => {
    const scene = createScene(program);
    undo(scene.remove);
    const calls = await traceCalls(scene);
    const problems = await scene.importArchives();
    const watch = await watchSpool(undo, scene.spool);
    const points = chooseKillPoints(calls.filter(only), count);
    let killed = 0;
    for (const [index, call] of points.entries()) {
      const found = await killAt(scene, call, index);
      if (found.isKilled) killed += 1;
      problems.push(...found.problems.map((problem) => `killed at ${call.name} ${call.when}: ${problem}`));
    }
    problems.push(...(await watch.problems()));
    const { polls } = await watch.stop();
    printFigure(
      `kill -9, mounted spool: ${killed} of ${points.length} points, ${polls} polls of the observer`,
    );
    // A run makes now and then a call more or less before the last ones.
    if (points.length - killed > Math.max(1, points.length * 0.05))
      problems.push(`only ${killed} of ${points.length} runs were killed`);
    return problems;
  });
}

/**
 * Every other time it is the first delivery, and after half of these the timer delivers instead of BBB; the others
 * send what PILOS has imported once more.
 */
async function killAt(
  scene: Scene,
  call: Call,
  index: number,
): Promise<{ isKilled: boolean; problems: Problems }> {
  const isFirst = index % 2 === 0;
  scene.forget(isFirst ? 'everything' : 'sender.done');
  const { result } = await inject(scene, call, 'signal=SIGKILL', isFirst ? {} : asksAgain);
  const isKilled = result.signal === 'SIGKILL';
  const problems = scene.problemsAfter(result);
  if (!isKilled && result.status !== 0) problems.push(`not killed, but ${describeRun(result)}`);
  const first = index % 4 === 0 ? 'deliver' : 'publish';
  return { isKilled, problems: [...problems, ...(await scene.recover(isFirst ? first : 'again'))] };
}
