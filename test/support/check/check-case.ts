/** One thing to break, how `check` is to find it, and that it is gone when its fix has been run. */
import { dirname } from 'node:path';
import { expect, it } from 'vitest';
import type { RemoteSpool } from './check-remote-spool.ts';
import { type CheckReport, type CheckScene, problemsIn, theProblem } from './check-scene.ts';

export interface CheckCase {
  what: string;
  check: string;
  /** 0 for a warning. */
  status: number;
  /** Matched against `PROBLEM: FIX`. */
  says: RegExp;
  spoil: (scene: CheckScene) => unknown;
  /** What stands before the program for the check that finds it. */
  by?: (scene: CheckScene) => readonly string[];
  /** The command in a fix that is a sentence; {@link commandIn} or what the admin makes of it. */
  command?: (fix: string, scene: CheckScene) => string;
  /** For what no command can fix: what an admin does instead. */
  byHand?: (scene: CheckScene) => unknown;
  /** What the text says to do beside the command. */
  afterwards?: (scene: CheckScene) => unknown;
}

/** The command at the end of `on HOST: COMMAND`, and of other sentences. */
export const commandIn = (fix: string) => fix.slice(fix.lastIndexOf(': ') + 2);

/** Milliseconds that a check takes at most, also when something hangs and the machine is busy. */
const longest = 30_000;

/** Expects `scene` to be in order before, finds exactly this, runs the fix literally, and finds nothing more. */
export async function expectFoundAndFixed(scene: CheckScene, one: CheckCase): Promise<void> {
  await expectFoundInTurn(scene, [one]);
}

/**
 * The same for several in turn, of one and the same spool: what was fixed is gone while the next is broken, and
 * nothing is left in the end. They stand in the order in which a transfer comes to them.
 */
export async function expectFoundInTurn(scene: CheckScene, cases: readonly CheckCase[]): Promise<void> {
  let fixed: CheckCase | undefined;
  for (const one of cases) {
    await expectNext(scene, one, fixed);
    fixed = one;
  }
  await expectNothingLeft(scene);
}

/** @param before what was fixed before, and not checked since */
async function expectNext(scene: CheckScene, one: CheckCase, before: CheckCase | undefined): Promise<void> {
  await one.spoil(scene);
  const spoiled = await scene.readReport({ by: one.by?.(scene) ?? [] });
  expectFound(one, spoiled);
  if (before !== undefined && before.check !== one.check) {
    const states = spoiled.results.filter(({ check }) => check === before.check).map(({ state }) => state);
    expect([...new Set(states)], before.what).toEqual(['ok']);
  }
  await fix(scene, one, theProblem(spoiled).fix);
  await one.afterwards?.(scene);
  const place = await placeOf(scene);
  if (place.startsWith('/')) await expectWorking(scene, one.what, place);
}

/**
 * What `check` is about: BBB's user delivers, and PILOS' user, whatever the modes are, reads and deletes it. Where the
 * spool lies on another host, only after the last case: one may begin with what the one before has left to do.
 *
 * @param place where PILOS has the spool, or a directory above it
 */
async function expectWorking(scene: CheckScene, what: string, place: string): Promise<void> {
  const { tree, pilos } = scene;
  const { id } = tree.addMeeting();
  const places = ['published/*', 'recording/raw', 'recording/status/*'];
  const files = places.map((path) => `${tree.varDir}/${path}/${id}*`).join(' ');
  const kept = `${tree.root}/kept`;
  await scene.sh(`mkdir ${kept} && if [ -d ${tree.workDir} ]; then cp -a ${tree.workDir}/. ${kept}; fi`);
  // A fix may have made another user of BBB.
  await scene.sh(`chown -R --reference=${tree.publishedDir} ${files}`);
  const { status, stderr } = await scene.run(['deliver', '-m', id]);
  expect(`${status} ${stderr}`, what).toMatch(/^0 /);
  const found = await scene.sh(`find -L ${place} -name ${id}-presentation.tar`);
  const archive = found.stdout.trim();
  expect(archive, what).toContain(id);
  const asPilos = `setpriv --reuid=${pilos.uid} --regid=${pilos.gid} --init-groups --`;
  await scene.sh(
    `${asPilos} tar --extract --to-stdout --file ${archive} >/dev/null && ${asPilos} rm ${archive}`,
  );
  // The next case finds a server that knows nothing of it.
  await scene.sh(`rm -rf ${files} ${tree.workDir}/* ${tree.logDir}/post_publish.log
    cp -a ${kept}/. ${tree.workDir} && rm -r ${kept}`);
}

/** Where pilos.yml sends it. */
async function placeOf({ sh, tree }: CheckScene): Promise<string> {
  const { stdout } = await sh(`sed -n 's/^spool_dir: *//p' ${tree.pilosYml}`);
  return stdout.trim().replace(/^['"]|['"]$/g, '');
}

async function expectNothingLeft(scene: CheckScene): Promise<void> {
  const last = await scene.readReport();
  expect(problemsIn(last)).toEqual([]);
  expect([last.exit_status, last.status]).toEqual([0, 0]);
  if (isRemote(scene)) await expectWorking(scene, 'everything', dirname(scene.spool));
}

function isRemote(scene: CheckScene): scene is CheckScene & RemoteSpool {
  return 'spool' in scene;
}

function expectFound({ what, check, status, says }: CheckCase, spoiled: CheckReport): void {
  expect(problemsIn(spoiled), what).toEqual([status === 0 ? `${check}?` : check]);
  expect([spoiled.exit_status, spoiled.status], what).toEqual([status, status]);
  expect(spoiled.milliseconds, what).toBeLessThan(longest);
  const { problem, fix: said } = theProblem(spoiled);
  expect(`${problem}: ${said}`, what).toMatch(says);
}

async function fix(
  scene: CheckScene,
  { what, command, byHand }: CheckCase,
  said: string | undefined,
): Promise<void> {
  // Every problem comes with something to do about it.
  if (said === undefined) throw new Error(`${what} has no fix`);
  if (byHand !== undefined) await byHand(scene);
  else await scene.sh(command === undefined ? said : command(said, scene));
}

/** A test for each of the cases, in turn, and one that nothing is left of them. */
export function itFindsAndFixes(scene: () => CheckScene, cases: readonly CheckCase[]): void {
  let fixed: CheckCase | undefined;
  for (const one of cases)
    it(`${one.what} is found, and what was fixed before is gone`, async () => {
      await expectNext(scene(), one, fixed);
      fixed = one;
    });
  it(`nothing is wrong when ${cases.at(-1)?.what} is fixed`, () => expectNothingLeft(scene()));
}
