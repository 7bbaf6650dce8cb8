/** Rules that no broken part is needed for, only a recording that is out of the ordinary. */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { importSpool } from '../../support/pilos/import-spool.ts';
import { letDeliveryBe } from '../../support/program/traces.ts';
import { rebuild } from './changes.ts';
import { describeRun, type Program, runOn } from './program.ts';
import { createScene, format, type Problems } from './scene.ts';
import { withUndo } from './undo.ts';

/** The meeting asks for a directory that exists, outside of the spool. */
export async function checkHostileSubDir(program: Program): Promise<Problems> {
  return await withUndo(async (undo) => {
    const scene = createScene(program, { meeting: { subDir: '../outside' }, bytes: 1000 });
    undo(scene.remove);
    const outside = join(scene.tree.spoolDir, '../outside');
    mkdirSync(outside, { recursive: true });
    const result = await scene.run();
    const problems = result.status === 65 ? [] : [`ended with ${describeRun(result)}`];
    return [...problems, ...readdirSync(outside).map((name) => `written outside: ${name}`)];
  });
}

/** A meeting of two formats: -sender.done comes with the second import, not with the first. */
export async function checkOneOfTwoFormats(program: Program): Promise<Problems> {
  return await withUndo(async (undo) => {
    const formats = ['presentation', 'video'];
    const scene = createScene(program, { tree: { formats }, meeting: { formats }, bytes: 1000 });
    undo(scene.remove);
    const first = await scene.run();
    const problems = first.status === 0 ? [] : [describeRun(first)];
    problems.push(...(await scene.importArchives()));
    // BBB's second call for it sees that PILOS has it.
    const known = await scene.run();
    if (known.status !== 0) problems.push(`the first again: ${describeRun(known)}`);
    if (scene.isSenderDone()) problems.push('-sender.done after the first of two formats');
    if (existsSync(scene.archive)) problems.push('the first was sent again');
    const second = await runOn(scene.tree, program, ['-m', scene.meeting.id, '-f', 'video']);
    if (second.status !== 0) problems.push(`the second: ${describeRun(second)}`);
    if (scene.isSenderDone()) problems.push('-sender.done before the second was imported');
    const imported = await importSpool(scene.spool, join(scene.tree.root, 'store'));
    if (imported.map(({ result }) => result).join() !== 'imported')
      problems.push('PILOS has not imported it');
    return [...problems, ...(await scene.confirm())];
  });
}

/** PILOS decides: while the archive waits, and when it lies in failed/, there is no -sender.done. */
export async function checkRefused(program: Program): Promise<Problems> {
  return await withUndo(async (undo) => {
    const scene = createScene(program, { bytes: 1000 });
    undo(scene.remove);
    const runs = [await scene.run(), await scene.deliverMissing()];
    const problems: Problems = [];
    if (scene.isSenderDone()) problems.push('-sender.done while the archive waits in the spool');
    const failed = join(scene.spool, 'failed');
    mkdirSync(failed);
    renameSync(scene.archive, join(failed, basename(scene.archive)));
    // The timer does not send it again either.
    runs.push(await scene.deliverMissing(), await scene.deliverMissing());
    if (scene.isSenderDone()) problems.push('-sender.done though PILOS has refused the archive');
    if (existsSync(scene.archive)) problems.push('sent again though PILOS has refused it');
    for (const one of runs) if (one.status !== 0) problems.push(`ended with ${describeRun(one)}`);
    rmSync(failed, { recursive: true });
    return [...problems, ...(await scene.recover('again'))];
  });
}

/** Published again a moment after its delivery: PILOS, which ends by deleting that name, may be reading the first. */
export async function checkWaitsForImport(program: Program): Promise<Problems> {
  return await withUndo(async (undo) => {
    const scene = createScene(program, { bytes: 1000 });
    undo(scene.remove);
    const first = await scene.run();
    const before = readFileSync(scene.archive);
    rebuild(scene.meeting.published(format));
    const second = await scene.run();
    const problems: Problems = first.status === 0 ? [] : [`the first: ${describeRun(first)}`];
    if (second.status !== 75) problems.push(`the second: ${describeRun(second)}`);
    if (!readFileSync(scene.archive).equals(before))
      problems.push('replaced while PILOS may be importing it');
    letDeliveryBe(scene.tree, scene.meeting.id, format, { minutes: 4 });
    return [...problems, ...(await scene.recover('deliver'))];
  });
}
