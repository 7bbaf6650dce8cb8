/** Modes and owners of what a run leaves. */
import { chmodSync, chownSync, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describeRun, type Program } from './program.ts';
import { createScene, type Problems, type Scene } from './scene.ts';
import { createRemoteScene, type PilosHost } from './ssh.ts';
import { withUndo } from './undo.ts';

/** Everything in the tree, with what `describe` says of it. */
function listTree(root: string, describe: (path: string) => string): Map<string, string> {
  const names = readdirSync(root, { recursive: true, encoding: 'utf8' }).sort();
  return new Map(names.map((name) => [name, describe(join(root, name))]));
}

const modeOf = (path: string): string => (lstatSync(path).mode & 0o7777).toString(8);

/** The modes of what a first delivery makes, under three umasks: always the same, and the archive's 0664. */
export async function checkUmasks(program: Program): Promise<Problems> {
  return await withUndo(async (undo) => {
    const problems: Problems = [];
    const found: Map<string, string>[] = [];
    for (const umask of ['022', '000', '077']) {
      const scene = createScene(program, { tree: { seed: 'umask' } });
      undo(scene.remove);
      const before = listTree(scene.tree.root, modeOf);
      const result = await scene.run({ by: ['sh', '-c', `umask ${umask} && exec "$@"`, 'sh'] });
      problems.push(...scene.problemsAfter(result));
      const after = listTree(scene.tree.root, modeOf);
      for (const name of before.keys()) after.delete(name);
      found.push(after);
      const archive = (lstatSync(scene.archive).mode & 0o7777).toString(8);
      if (archive !== '664') problems.push(`umask ${umask}: the archive has mode ${archive}`);
      for (const [name, mode] of found[0] ?? []) {
        if (after.get(name) !== mode)
          problems.push(`umask ${umask}: ${name} has mode ${after.get(name)}, not ${mode}`);
      }
    }
    return problems;
  });
}

const isRoots = (path: string): string => (lstatSync(path).uid === 0 ? 'root' : '');

/** Owned by root and not there before. */
function rootOwned(root: string, before: Map<string, string>): Problems {
  const after = listTree(root, isRoots);
  return [...after].flatMap(([name, owner]) =>
    owner === 'root' && !before.has(name) ? [`${name} belongs to root`] : [],
  );
}

/** Root calls it by hand: whatever it makes belongs to the owner of published_dir. */
export async function checkRunAsRoot(program: Program, host: PilosHost): Promise<Problems> {
  return await withUndo(async (undo) => {
    const scene = createScene(program);
    undo(scene.remove);
    scene.tree.giveTo(host.bbbUser);
    chownSync(scene.spool, 0, host.bbbUser.gid);
    chmodSync(scene.spool, 0o2775);
    const over = createRemoteScene(program, host, undo);
    return [...(await ownersAfter(scene)), ...(await ownersAfter(over))];
  });
}

async function ownersAfter(scene: Scene): Promise<Problems> {
  const before = listTree(scene.tree.root, isRoots);
  const runs = [await scene.run(), await scene.deliverMissing()];
  const problems = runs.flatMap((result) => (result.status === 0 ? [] : [describeRun(result)]));
  problems.push(...rootOwned(scene.tree.root, before));
  if (lstatSync(scene.archive, { throwIfNoEntry: false })?.uid === 0)
    problems.push('the archive belongs to root');
  return [...problems, ...(await scene.importArchives())];
}
