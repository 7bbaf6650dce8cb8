/** The spool's mount goes, becomes read-only, or is covered by another one, before and during a run. */
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { runOrThrow, startProgram } from '../../support/program/run-program.ts';
import { testRun } from '../../support/run/test-run.ts';
import { createDisk, type Disk, whenTemporary } from './disk.ts';
import { describeRun, type Program } from './program.ts';
import { createScene, type Problems, type Scene, type SceneOptions } from './scene.ts';
import { holding, holdingBefore, traceCalls } from './trace.ts';
import { type Undo, withUndo } from './undo.ts';
import { watchSpool } from './watch.ts';

interface Mounted {
  scene: Scene;
  disk: Disk;
}

/** A spool that is an ext4 of its own. */
async function createMounted(program: Program, undo: Undo, options: SceneOptions = {}): Promise<Mounted> {
  const scene = createScene(program, options);
  undo(scene.remove);
  const disk = await createDisk(undo, scene.spool, 16 * 1024 * 1024);
  // As other tests make them at any time: it holds a copy of the mount.
  const { child, result } = startProgram('unshare', ['--mount', 'sleep', '600']);
  undo(async () => {
    child.kill('SIGKILL');
    await result;
  });
  return { scene, disk };
}

/** With require_mount an empty mount point takes nothing, also when the spool is named as the mount point. */
export async function checkNotMounted(program: Program): Promise<Problems> {
  return await withUndo(async (undo) => {
    const { scene, disk } = await createMounted(program, undo, { tree: { pilos: { require_mount: true } } });
    await disk.unmount();
    // On the root disk: /tmp, where the spool lies, may be another file system.
    rmdirSync(scene.spool);
    const below = mkdtempSync(`/pilos-spool-${testRun()}-`);
    undo(() => rmSync(below, { recursive: true, force: true }));
    chmodSync(below, 0o777);
    symlinkSync(below, scene.spool);
    const result = await scene.run();
    const problems = scene.problemsAfter(result);
    if (result.status !== 73) problems.push(`ended with ${describeRun(result)}`);
    for (const name of readdirSync(below)) problems.push(`written below the mount point: ${name}`);
    rmSync(scene.spool);
    mkdirSync(scene.spool);
    await disk.mount();
    return [...problems, ...(await scene.recover('deliver'))];
  });
}

export interface DuringOptions {
  /** In front of or behind which call the run is held for two seconds. */
  held: 'behind fchmod' | 'before rename';
  /** What is done then; what it returns is done after the run. */
  fault: (mounted: Mounted) => Promise<() => unknown>;
  statuses: number[];
}

/** Of the renames of a first run, the ledger's and the archive's. */
async function holdingBeforeArchive(scene: Scene): Promise<string[]> {
  const calls = await traceCalls(scene);
  const rename = calls.find(({ name, text }) => name === 'rename' && text.includes('.tar"'));
  if (rename === undefined) throw new Error('the run renamed no archive');
  scene.forget('everything');
  return holdingBefore('rename', rename.when, 2000);
}

/** Something happens to the mount while the archive is written, or between that and the renaming. */
export async function checkDuring(program: Program, options: DuringOptions): Promise<Problems> {
  return await withUndo(async (undo) => {
    const mounted = await createMounted(program, undo);
    const { scene } = mounted;
    const isEarly = options.held === 'behind fchmod';
    const hold = isEarly ? holding('fchmod', 1, 2000) : await holdingBeforeArchive(scene);
    const watch = await watchSpool(undo, scene.spool);
    const { result } = scene.start({ by: hold });
    await whenTemporary(scene.spool);
    if (!isEarly) await sleep(700);
    const repair = await options.fault(mounted);
    let isRepaired = false;
    undo(() => (isRepaired ? undefined : repair()));
    const ended = await result;
    const problems = [];
    if (!options.statuses.includes(ended.status ?? -1)) problems.push(`ended with ${describeRun(ended)}`);
    if (scene.isSenderDone()) problems.push('-sender.done after a failure');
    isRepaired = true;
    await repair();
    problems.push(...(await watch.problems()));
    return [...problems, ...(await scene.recover())];
  });
}

/** The disk is gone; what is written into its empty mount point would be lost. */
export async function unmountLazily({ scene, disk }: Mounted): Promise<() => Promise<void>> {
  await runOrThrow('umount', ['--lazy', scene.spool]);
  return async () => {
    const found = readdirSync(scene.spool);
    if (found.length > 0) throw new Error(`written below the mount point: ${found.join(', ')}`);
    await disk.unmount();
    await disk.mount();
  };
}

/** Another file system covers the spool: what the run writes must not land there. */
export async function coverWithTmpfs({ scene }: Mounted): Promise<() => Promise<void>> {
  await runOrThrow('mount', ['-t', 'tmpfs', '-o', 'size=10m,mode=2775', 'faults', scene.spool]);
  return async () => {
    const found = readdirSync(scene.spool);
    await runOrThrow('umount', [scene.spool]);
    if (found.length > 0) throw new Error(`written into the other file system: ${found.join(', ')}`);
  };
}

export async function remountReadOnly({ scene }: Mounted): Promise<() => Promise<void>> {
  await runOrThrow('mount', ['-o', 'remount,ro', scene.spool]);
  return async () => {
    await runOrThrow('mount', ['-o', 'remount,rw', scene.spool]);
  };
}

/** The disk fails as a whole: every call on it gives EIO. */
export async function breakDisk({ disk }: Mounted): Promise<() => Promise<void>> {
  await disk.cutPower();
  return async () => {
    await disk.unmount();
    await disk.mount();
  };
}

/** Read-only from the beginning. */
export async function checkReadOnly(program: Program): Promise<Problems> {
  return await withUndo(async (undo) => {
    const mounted = await createMounted(program, undo);
    const { scene } = mounted;
    const repair = await remountReadOnly(mounted);
    const result = await scene.run();
    const problems = scene.problemsAfter(result);
    if (result.status !== 73) problems.push(`ended with ${describeRun(result)}`);
    await repair();
    return [...problems, ...(await scene.recover('deliver'))];
  });
}

/** The spool directory is renamed away during the run, with or without another one in its place. */
export async function checkDirectoryReplaced(program: Program, isReplaced: boolean): Promise<Problems> {
  return await withUndo(async (undo) => {
    const scene = createScene(program);
    undo(scene.remove);
    const { result } = scene.start({ by: holding('fchmod', 1, 1500) });
    await whenTemporary(scene.spool);
    const away = `${scene.spool}.old`;
    renameSync(scene.spool, away);
    if (isReplaced) mkdirSync(scene.spool);
    const ended = await result;
    const problems: Problems = [];
    if (ended.status !== 75) problems.push(`ended with ${describeRun(ended)}`);
    if (isReplaced) {
      for (const name of readdirSync(scene.spool)) problems.push(`written into the new directory: ${name}`);
      rmdirSync(scene.spool);
    }
    for (const name of readdirSync(away)) problems.push(`left in the old directory: ${name}`);
    renameSync(away, scene.spool);
    return [...problems, ...(await scene.recover())];
  });
}
