/** Two rules that no broken part is needed for, only a recording that is out of the ordinary. */
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describeRun, type Program, runOn } from './program.ts';
import { createScene, type Problems } from './scene.ts';
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

/** A meeting of two formats: -sender.done comes with the second delivery, not with the first. */
export async function checkOneOfTwoFormats(program: Program): Promise<Problems> {
  return await withUndo(async (undo) => {
    const formats = ['presentation', 'video'];
    const scene = createScene(program, { tree: { formats }, meeting: { formats }, bytes: 1000 });
    undo(scene.remove);
    const first = await scene.run();
    const problems = first.status === 0 ? [] : [describeRun(first)];
    if (scene.isSenderDone()) problems.push('-sender.done after the first of two formats');
    const second = await runOn(scene.tree, program, ['-m', scene.meeting.id, '-f', 'video']);
    if (second.status !== 0 || !scene.isSenderDone()) problems.push(`the second: ${describeRun(second)}`);
    if (!existsSync(scene.archive)) problems.push('the first archive is gone');
    return problems;
  });
}
