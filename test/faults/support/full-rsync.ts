/** rsync without a place for the archive: work_dir is full, or the other side may not write. */
import { chmodSync, statSync } from 'node:fs';
import { runOrThrow } from '../../support/program/run-program.ts';
import { mountTmpfs } from './disk.ts';
import { describeRun, type Program } from './program.ts';
import type { Problems } from './scene.ts';
import { createRemoteScene, type PilosHost } from './ssh.ts';
import { holding } from './trace.ts';
import { withUndo } from './undo.ts';

/** At first it is too small from the beginning, then it fills up while the archive is written. */
export async function checkWorkDirFullOverRsync(program: Program, host: PilosHost): Promise<Problems> {
  return await withUndo(async (undo) => {
    const scene = createRemoteScene(program, host, undo);
    const { workDir } = scene.tree;
    await mountTmpfs(undo, workDir, `size=1m,mode=755,uid=${host.bbbUser.uid},gid=${host.bbbUser.gid}`);
    const tooSmall = await scene.run();
    await runOrThrow('mount', ['-o', 'remount,size=4m', workDir]);
    const { result } = scene.start({ by: holding('statfs', 1, 1500) });
    await runOrThrow('sh', ['-c', 'sleep 0.7; head -c 3000000 /dev/zero > "$0"/filler', workDir]);
    const filling = await result;
    await runOrThrow('rm', [`${workDir}/filler`]);
    const problems = [...scene.problemsAfter(tooSmall), ...scene.problemsAfter(filling)];
    for (const { status, ...run } of [tooSmall, filling])
      if (status !== 74) problems.push(`ended with ${describeRun({ status, ...run })}`);
    problems.push(...scene.leftovers().map((file) => `left over: ${file}`));
    return [...problems, ...(await scene.recover())];
  });
}

/** PILOS' user may not write to its spool: nothing but rsync's exit status says so. */
export async function checkClosedSpoolOverRsync(program: Program, host: PilosHost): Promise<Problems> {
  return await withUndo(async (undo) => {
    const scene = createRemoteScene(program, host, undo);
    const { mode } = statSync(scene.spool);
    chmodSync(scene.spool, 0o555);
    const ended = await scene.run();
    chmodSync(scene.spool, mode);
    const problems = scene.problemsAfter(ended);
    if (ended.status === 0) problems.push('ended as if it were delivered');
    return [...problems, ...(await scene.recover())];
  });
}
