/** The power goes: an ext4 that keeps only what was synced, mounted again and looked at. */
import { existsSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { pick, printFigure } from '../../support/program/test-size.ts';
import { createDisk, type Disk, whenTemporary } from './disk.ts';
import { describeRun, type Program } from './program.ts';
import { createScene, type Problems, type Scene } from './scene.ts';
import { holding, holdingBefore, traceCalls } from './trace.ts';
import { type Undo, withUndo } from './undo.ts';

const diskSize = 24 * 1024 * 1024;

interface Powered {
  scene: Scene;
  disk: Disk;
}

async function createPowered(program: Program, undo: Undo): Promise<Powered> {
  const scene = createScene(program);
  undo(scene.remove);
  return { scene, disk: await createDisk(undo, scene.spool, diskSize) };
}

async function losePower({ disk }: Powered): Promise<void> {
  await disk.cutPower();
  await disk.unmount();
  await disk.mount();
}

/**
 * The power goes right after exit 0: the archive has to be there, whole.
 *
 * @param by what the program is run by, e.g. a strace that leaves fsync out
 */
export async function checkPowerLossAfterExit(
  program: Program,
  count: number,
  by: readonly string[] = [],
): Promise<Problems> {
  return await withUndo(async (undo) => {
    const powered = await createPowered(program, undo);
    const { scene } = powered;
    const problems: Problems = [];
    let whole = 0;
    for (let round = 1; round <= count; round += 1) {
      scene.forget('everything');
      await powered.disk.sync();
      const result = await scene.run({ by });
      await losePower(powered);
      const found = result.status === 0 ? [] : [`ended with ${describeRun(result)}`];
      if (!existsSync(scene.archive)) found.push('exit 0, and after the power loss the archive is not there');
      else found.push(...(await scene.importArchives()));
      if (found.length === 0) whole += 1;
      problems.push(...found.map((problem) => `power loss ${round}: ${problem}`));
      // What the loss left, such as a temporary file, must not add up.
      if (found.length > 0) await scene.recover();
    }
    if (by.length === 0)
      printFigure(`power loss right after exit 0: ${whole} of ${count} archives there and whole`);
    return problems;
  });
}

/** What a run does with the spool, from the first byte to the last sync. */
const durable = /^(?:write|fsync|rename|fchmod|close)$/;

/** The power goes at `count` moments of a run: no partial archive, and the next run delivers. */
export async function checkPowerLossDuring(program: Program, count: number): Promise<Problems> {
  return await withUndo(async (undo) => {
    const powered = await createPowered(program, undo);
    const { scene } = powered;
    const all = await traceCalls(scene);
    const begun = all.findIndex(({ name }) => name === 'fchmod');
    const calls = all
      .slice(begun)
      .filter(({ name, text }) => durable.test(name) && text.includes(scene.spool));
    const points = pick(calls, count);
    const { size } = statSync(scene.archive);
    const problems = await scene.importArchives();
    let there = 0;
    for (let round = 0; round < count; round += 1) {
      const call = points[round % points.length];
      if (call === undefined) throw new Error('the run made no call on the spool');
      scene.forget('everything');
      await powered.disk.sync();
      // Held before the call at first, and behind it when it is this call's turn again.
      const hold = Math.floor(round / points.length) % 2 === 0 ? holdingBefore : holding;
      const { result } = scene.start({ by: hold(call.name, call.when, 1000) });
      await whenTemporary(scene.spool);
      await sleep(100 + ((round * 37) % 300));
      await powered.disk.cutPower();
      const ended = await result;
      await powered.disk.unmount();
      await powered.disk.mount();
      if (existsSync(scene.archive)) there += 1;
      const found = problemsAfterLoss(scene, size, ended.status === 0);
      found.push(...(await scene.recover()));
      problems.push(...found.map((problem) => `power loss at ${call.name} ${call.when}: ${problem}`));
    }
    printFigure(
      `power loss during a run: ${count} times at ${points.length} calls, ${there} had the archive already`,
    );
    return problems;
  });
}

function problemsAfterLoss(scene: Scene, size: number, isExitZero: boolean): Problems {
  const isThere = existsSync(scene.archive);
  const problems: Problems = [];
  if (isExitZero && !isThere) problems.push('exit 0, and the archive is not there');
  if (scene.isSenderDone()) problems.push('-sender.done, and PILOS has not imported the archive');
  const found = isThere ? statSync(scene.archive).size : size;
  if (found !== size) problems.push(`the archive has ${found} of ${size} bytes`);
  return problems;
}
