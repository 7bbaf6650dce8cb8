/** One thing to break, how `check` is to find it, and that it is gone when the command it names has been run. */
import { expect, it } from 'vitest';
import { amiss, type CheckReport, type CheckScene, theFinding } from './check-scene.ts';

export interface CheckCase {
  what: string;
  id: string;
  /** 0 for a warning. */
  status: number;
  says: RegExp;
  spoil: (scene: CheckScene) => unknown;
  /** What stands before the program for the look that finds it. */
  by?: (scene: CheckScene) => readonly string[];
  /** What the admin is asked to put in the place of /THE/SPOOL/DIRECTORY in the command. */
  directory?: () => string;
  /** For what no command can mend: what an admin does instead. */
  byHand?: (scene: CheckScene) => unknown;
  /** What the text tells to do beside the command. */
  afterwards?: (scene: CheckScene) => unknown;
}

/** Milliseconds that a check takes at most, also when something hangs and the machine is busy. */
const longest = 30_000;

/** Expects `scene` to be in order before, finds exactly this, runs the fix literally, and finds nothing more. */
export async function expectFoundAndMended(scene: CheckScene, one: CheckCase): Promise<void> {
  await expectFoundInTurn(scene, [one]);
}

/**
 * The same for several in turn, of one and the same spool: what was mended is gone while the next is broken, and
 * nothing is left in the end. They stand in the order in which a transfer comes to them.
 */
export async function expectFoundInTurn(scene: CheckScene, cases: readonly CheckCase[]): Promise<void> {
  let mended: CheckCase | undefined;
  for (const one of cases) {
    await expectNext(scene, one, mended);
    mended = one;
  }
  await expectNothingLeft(scene);
}

/** @param before what was mended before, and not looked at since */
async function expectNext(scene: CheckScene, one: CheckCase, before: CheckCase | undefined): Promise<void> {
  await one.spoil(scene);
  const spoiled = await scene.look({ by: one.by?.(scene) ?? [] });
  expectFound(one, spoiled);
  if (before !== undefined && before.id !== one.id) {
    const states = spoiled.findings.filter(({ id }) => id === before.id).map(({ state }) => state);
    expect([...new Set(states)], before.what).toEqual(['ok']);
  }
  await mend(scene, one, theFinding(spoiled).fix);
  await one.afterwards?.(scene);
}

async function expectNothingLeft(scene: CheckScene): Promise<void> {
  const last = await scene.look();
  expect(amiss(last)).toEqual([]);
  expect([last.exit_status, last.status]).toEqual([0, 0]);
}

function expectFound({ what, id, status, says }: CheckCase, spoiled: CheckReport): void {
  expect(amiss(spoiled), what).toEqual([status === 0 ? `${id}?` : id]);
  expect([spoiled.exit_status, spoiled.status], what).toEqual([status, status]);
  expect(spoiled.milliseconds, what).toBeLessThan(longest);
  expect(theFinding(spoiled).problem, what).toMatch(says);
}

async function mend(
  scene: CheckScene,
  { what, directory, byHand }: CheckCase,
  fix: string | undefined,
): Promise<void> {
  if (byHand !== undefined) {
    expect(fix, what).toBeUndefined();
    await byHand(scene);
    return;
  }
  const placeholder = '/THE/SPOOL/DIRECTORY';
  if (directory === undefined) expect(fix, what).not.toContain(placeholder);
  // Where rsync there tells its own path, the command has that instead.
  else
    expect(
      [placeholder, directory()].some((path) => fix?.includes(path)),
      what,
    ).toBe(true);
  await scene.sh(fix?.replaceAll(placeholder, directory?.() ?? '') ?? 'exit 99');
}

/** A test for each of the cases, in turn, and one that nothing is left of them. */
export function itFindsAndMends(scene: () => CheckScene, cases: readonly CheckCase[]): void {
  let mended: CheckCase | undefined;
  for (const one of cases)
    it(`${one.what} is found, and what was mended before is gone`, async () => {
      await expectNext(scene(), one, mended);
      mended = one;
    });
  it(`nothing is wrong when ${cases.at(-1)?.what} is mended`, () => expectNothingLeft(scene()));
}
