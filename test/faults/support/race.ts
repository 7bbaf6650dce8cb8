/** Others at the same recording or the same spool: importers, other calls of BBB, the timer, another server. */
import { existsSync, readdirSync, readFileSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { importSpool } from '../../support/pilos/import-spool.ts';
import type { ProgramResult } from '../../support/program/run-program.ts';
import { printFigure } from '../../support/program/test-size.ts';
import { whenTemporary } from './disk.ts';
import { describeRun, type Program } from './program.ts';
import { asksAgain, createScene, format, type Problems, type Scene, sceneOf } from './scene.ts';
import { holding } from './trace.ts';
import { withUndo } from './undo.ts';
import { watchSpool } from './watch.ts';

/** An importer takes and deletes every archive on sight: each one is whole, and each delivery says that it is done. */
export async function checkImporterRace(scene: Scene, count: number, what: string): Promise<Problems> {
  return await withUndo(async (undo) => {
    const watch = await watchSpool(undo, scene.spool, true);
    const problems: Problems = [];
    for (let round = 1; round <= count; round += 1) {
      const result = await scene.run(round === 1 ? {} : asksAgain);
      if (result.status !== 0) problems.push(`delivery ${round}: ${describeRun(result)}`);
      const isTaken = await waitUntil(() => !existsSync(scene.archive));
      if (!isTaken) problems.push(`delivery ${round} was not taken`);
    }
    const { seen } = await watch.stop();
    problems.push(...(await watch.problems()), ...scene.leftovers().map((file) => `left over: ${file}`));
    if (seen.length !== count) problems.push(`${seen.length} archives were taken in ${count} deliveries`);
    printFigure(`importer racing us, ${what}: ${seen.length} of ${count} archives taken whole`);
    return problems;
  });
}

async function waitUntil(isTrue: () => boolean): Promise<boolean> {
  for (const deadline = Date.now() + 20_000; Date.now() < deadline; await sleep(5)) if (isTrue()) return true;
  return false;
}

function problemsOfRuns(results: readonly ProgramResult[]): Problems {
  return results
    .filter(({ status }) => status !== 0)
    .map((result) => `one ended with ${describeRun(result)}`);
}

/** So many calls for the same recording at the same moment. */
export async function checkManyAtOnce(scene: Scene, count: number, what: string): Promise<Problems> {
  return await withUndo(async (undo) => {
    const watch = await watchSpool(undo, scene.spool);
    const results = await Promise.all(Array.from({ length: count }, () => scene.run()));
    const problems = problemsOfRuns(results);
    const sent = results.filter(({ stdout }) => /delivered \S+\.tar \(/.test(stdout)).length;
    if (sent !== 1) problems.push(`${sent} of ${count} sent it`);
    problems.push(...scene.leftovers().map((file) => `left over: ${file}`));
    if (scene.isSenderDone()) problems.push('-sender.done before the import');
    problems.push(...(await watch.problems()));
    problems.push(...(await scene.importArchives()), ...(await scene.confirm()));
    printFigure(`runs at once, ${what}: ${count}, of which ${sent} sent it`);
    return problems;
  });
}

/** The timer's deliver beside BBB's calls for the same recordings, `rounds` times. */
export async function checkTimerBesideCalls(program: Program, rounds: number): Promise<Problems> {
  return await withUndo(async (undo) => {
    const first = createScene(program);
    undo(first.remove);
    const others = [1, 2].map(() => sceneOf(program, first.tree, first.tree.addMeeting(), first.spool));
    const scenes = [first, ...others];
    const watch = await watchSpool(undo, first.spool);
    const problems: Problems = [];
    for (let round = 0; round < rounds; round += 1) {
      for (const scene of scenes) scene.forget('everything');
      const runs = [first.deliverMissing(), ...scenes.map((scene) => scene.run()), first.deliverMissing()];
      problems.push(...problemsOfRuns(await Promise.all(runs)));
      const archives = readdirSync(first.spool).sort();
      const expected = scenes.map(({ meeting }) => `${meeting.id}-${format}.tar`).sort();
      if (archives.join() !== expected.join())
        problems.push(`in the spool: ${archives.join(', ') || 'nothing'}`);
      for (const { isSenderDone } of scenes)
        if (isSenderDone()) problems.push('-sender.done before the import');
      for (const { archive, reason } of await importSpool(
        first.spool,
        join(first.tree.root, `store-${round}`),
      ))
        if (reason !== null) problems.push(`PILOS cannot import ${archive}: ${reason}`);
      for (const scene of scenes) problems.push(...(await scene.confirm()));
    }
    problems.push(...(await watch.problems()));
    printFigure(`deliver beside BBB's calls: ${rounds} times 2 beside ${scenes.length}`);
    return problems;
  });
}

const week = 7 * 24 * 3600;

/** Two servers with one spool: neither takes the other's living file for a leftover, each clears its own. */
export async function checkTwoServers(program: Program): Promise<Problems> {
  return await withUndo(async (undo) => {
    const one = createScene(program);
    undo(one.remove);
    const other = createScene(program, { tree: { spool: one.spool }, arrivals: one.spool });
    undo(other.remove);
    const asOther = ['unshare', '--uts', 'sh', '-c', 'hostname bbb-other && exec "$@"', 'sh'];
    const problems: Problems = [];
    const expectNamed = (wanted: boolean, what: string) => {
      const isThere = temporaryOf(other) !== undefined;
      if (isThere !== wanted)
        problems.push(`${what}: the other server's file is ${isThere ? '' : 'not '}there`);
    };

    // The other server writes, held, while this one delivers twice.
    const { result } = other.start({ by: [...asOther, ...holding('fchmod', 1, 8000)] });
    await whenTemporary(other.spool);
    problems.push(...problemsOfRuns([await one.run()]));
    expectNamed(true, 'alive');
    one.forget('everything');
    problems.push(...problemsOfRuns([await one.deliverMissing()]));
    expectNamed(true, 'alive after deliver');
    problems.push(...problemsOfRuns([await result]));

    // The other server is killed; this one cannot know, and leaves its file for a week.
    other.forget('everything');
    const { child, result: killed } = other.start({ by: [...asOther, ...holding('fchmod', 1, 2500)] });
    await whenTemporary(other.spool);
    killBelow(child.pid ?? 0);
    await killed;
    problems.push(...problemsOfRuns([await firstRun(one)]));
    expectNamed(true, 'killed');
    const left = join(other.spool, temporaryOf(other) ?? '');
    utimesSync(left, Date.now() / 1000 - week - 3600, Date.now() / 1000 - week - 3600);
    problems.push(...problemsOfRuns([await firstRun(one)]));
    expectNamed(false, 'killed a week ago');

    // Killed again, its own next run clears what it left.
    const { child: again, result: killedAgain } = other.start({
      by: [...asOther, ...holding('fchmod', 1, 2500)],
    });
    await whenTemporary(other.spool);
    killBelow(again.pid ?? 0);
    await killedAgain;
    problems.push(...problemsOfRuns([await other.run({ by: asOther })]));
    expectNamed(false, 'run again');
    problems.push(...one.leftovers().filter((file) => !file.endsWith('.tar')));
    printFigure('two servers in one spool: 1 alive, 2 killed');
    return problems;
  });
}

/** As if it had never been delivered: what was is not sent again, and so nothing in the spool is looked at. */
async function firstRun(scene: Scene): Promise<ProgramResult> {
  scene.forget('everything');
  return await scene.run();
}

function temporaryOf({ meeting, spool }: Scene): string | undefined {
  return readdirSync(spool).find((name) => name.startsWith(`.${meeting.id}`));
}

/** Kills what one of our own commands has started, and it: strace would let its child live. */
function killBelow(pid: number): void {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .trim()
    .split(' ')
    .filter(Boolean);
  for (const child of children) killBelow(Number(child));
  process.kill(pid, 'SIGKILL');
}
