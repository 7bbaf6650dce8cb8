/** Some of the mutated inputs given to the program itself, which must end, and write nothing but what it may. */
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { createBbbTree } from '../../support/bbb/bbb-tree.ts';
import { diffSnapshots, snapshotTree } from '../../support/files/snapshot-tree.ts';
import { printFigure } from '../../support/program/test-size.ts';
import { type FuzzTarget, fuzzMeetingId, fuzzSeed, mutated, originals } from './fuzz.ts';
import { describeRun, type Program, runOn } from './program.ts';
import { format, type Problems } from './scene.ts';
import { withUndo } from './undo.ts';

const statuses = [0, 64, 65, 66, 69, 73, 74, 75, 77, 78];

/** A file system that is read-only but for the tree, and no network: a mutated path or host leads nowhere. */
const confined = (root: string) => [
  ...['unshare', '--mount', '--net', 'sh', '-c'],
  ...[`mount --bind ${root} ${root} && cd . && mount -o remount,bind,ro / && cd "$PWD" && exec "$@"`, 'sh'],
];

export async function checkMutatedFiles(
  program: Program,
  target: FuzzTarget,
  count: number,
): Promise<Problems> {
  return await withUndo(async (undo) => {
    const tree = createBbbTree({ subDirs: ['instance1'] });
    undo(tree.remove);
    const { id, eventsFile, published } = tree.addMeeting({ id: fuzzMeetingId });
    const file = {
      'pilos.yml': tree.pilosYml,
      'events.xml': eventsFile,
      'metadata.xml': join(published(format), 'metadata.xml'),
    }[target];
    if (target === 'metadata.xml') rmSync(eventsFile);
    const problems: Problems = [];
    const allowed = [tree.workDir, tree.spoolDir, tree.logDir, join(tree.recordingDir, 'status/published')];
    const isOutside = (line: string) =>
      !allowed.some((path) => line.includes(path.slice(tree.root.length + 1)));
    let delivered = 0;
    // At first one that is not mutated: it has to be delivered, or the others would show nothing.
    const [original = ''] = originals(target, tree.root);
    const inputs = fc.sample(mutated(target, tree.root), { numRuns: count, seed: fuzzSeed });
    for (const input of [Buffer.from(original), ...inputs]) {
      writeFileSync(file, input);
      const before = snapshotTree(tree.root);
      const by = target === 'pilos.yml' ? confined(tree.root) : [];
      const result = await runOn(tree, program, ['-m', id, '-f', format], { by });
      const shown = JSON.stringify(input.toString('latin1').slice(0, 3000));
      if (!statuses.includes(result.status ?? -1)) problems.push(`${describeRun(result)} with ${shown}`);
      if (result.status === 0) delivered += 1;
      if (input.equals(Buffer.from(original)) && delivered === 0)
        problems.push(`original: ${describeRun(result)}`);
      // A mutated pilos.yml may name other directories in the tree; nothing else may.
      const outside =
        target === 'pilos.yml' ? [] : diffSnapshots(before, snapshotTree(tree.root)).filter(isOutside);
      if (outside.length > 0) problems.push(`${outside.join('; ')} with ${shown}`);
      problems.push(
        ...strangeArchives(tree.spoolDir, id).map((name) => `in the spool: ${name} with ${shown}`),
      );
    }
    printFigure(`mutated ${target} given to the program: ${count}, of which ${delivered - 1} ended with 0`);
    return problems;
  });
}

/** Nothing but the archive, at the top or in the sub directory that exists. */
function strangeArchives(spool: string, id: string): string[] {
  const names = readdirSync(spool, { recursive: true, encoding: 'utf8' });
  const archive = `${id}-${format}.tar`;
  for (const name of [archive, `instance1/${archive}`]) {
    if (existsSync(join(spool, name))) rmSync(join(spool, name));
  }
  return names.filter((name) => !['instance1', archive, `instance1/${archive}`].includes(name));
}
