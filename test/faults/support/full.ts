/** Disks that are really full. */

import { type ProgramResult, runOrThrow } from '../../support/program/run-program.ts';
import { createDisk, fill, mountTmpfs, whenTemporary } from './disk.ts';
import { describeRun, type FaultRun, type Program } from './program.ts';
import { createScene, type Problems, type Scene } from './scene.ts';
import { holding } from './trace.ts';
import { type Undo, withUndo } from './undo.ts';
import { watchSpool } from './watch.ts';

const megabyte = 1024 * 1024;

/** The spool is not usable: found before the first byte, or while writing. */
const isFull = ({ status }: ProgramResult) => status === 73;

async function endsFull(scene: Scene, result: ProgramResult, repair: () => unknown): Promise<Problems> {
  const problems = scene.problemsAfter(result);
  if (!isFull(result)) problems.push(`ended with ${describeRun(result)}`);
  problems.push(
    ...scene
      .leftovers()
      .filter((file) => file !== 'filler')
      .map((file) => `left over: ${file}`),
  );
  await repair();
  return [...problems, ...(await scene.recover())];
}

/** There is no space from the beginning. */
export async function checkSpoolIsFull(program: Program, kind: 'tmpfs' | 'ext4'): Promise<Problems> {
  return await withUndo(async (undo) => {
    const scene = await sceneOnSmallSpool(program, undo, kind);
    const repair = await fill(scene.spool);
    return await endsFull(scene, await scene.run(), repair);
  });
}

/** It is full when half of the archive is written: another server was faster. */
export async function checkSpoolFillsUp(program: Program, kind: 'tmpfs' | 'ext4'): Promise<Problems> {
  return await withUndo(async (undo) => {
    const scene = await sceneOnSmallSpool(program, undo, kind);
    const watch = await watchSpool(undo, scene.spool);
    // Held between the look at the space and the first byte.
    const { result } = scene.start({ by: holding('fchmod', 1, 1500) });
    await whenTemporary(scene.spool);
    const repair = await fill(scene.spool);
    const problems = await endsFull(scene, await result, repair);
    return [...problems, ...(await watch.problems())];
  });
}

async function sceneOnSmallSpool(program: Program, undo: Undo, kind: 'tmpfs' | 'ext4'): Promise<Scene> {
  const scene = createScene(program);
  undo(scene.remove);
  if (kind === 'tmpfs') await mountTmpfs(undo, scene.spool, 'size=5m,mode=2775');
  else await createDisk(undo, scene.spool, 12 * megabyte);
  return scene;
}

/** No inode is left. */
export async function checkSpoolHasNoInode(program: Program): Promise<Problems> {
  return await withUndo(async (undo) => {
    const scene = createScene(program);
    undo(scene.remove);
    await mountTmpfs(undo, scene.spool, 'size=5m,mode=2775,nr_inodes=2');
    const repair = await fill(scene.spool);
    return await endsFull(scene, await scene.run(), repair);
  });
}

/** The archive may not be so large: `ulimit -f`, the nearest to a quota that needs no kernel of its own. */
export async function checkFileSizeLimit(program: Program): Promise<Problems> {
  return await withUndo(async (undo) => {
    const scene = createScene(program);
    undo(scene.remove);
    const run: FaultRun = { by: ['prlimit', '--fsize=1000000', '--'] };
    return await endsFull(scene, await scene.run(run), () => undefined);
  });
}

/** work_dir is full: over a mounted spool that costs the ledger's note, never the archive. */
export async function checkWorkDirIsFull(program: Program): Promise<Problems> {
  return await withUndo(async (undo) => {
    const scene = createScene(program);
    undo(scene.remove);
    await mountTmpfs(undo, scene.tree.workDir, 'size=64k,nr_inodes=1');
    const result = await scene.run();
    const problems = scene.problemsAfter(result);
    if (result.status !== 0) problems.push(`ended with ${describeRun(result)}`);
    if (scene.isSenderDone()) problems.push('-sender.done without an import');
    problems.push(...(await scene.importArchives()));
    await runOrThrow('mount', ['-o', 'remount,size=1m,nr_inodes=100', scene.tree.workDir]);
    return [...problems, ...(await scene.recover('deliver'))];
  });
}
