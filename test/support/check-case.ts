/** One thing to break, how `check` is to find it, and that the command it names mends it. */
import { expect, it } from 'vitest';
import { amiss, type CheckScene, theFinding } from './check-scene.ts';

export interface CheckCase {
  what: string;
  id: string;
  /** 0 for a warning. */
  status: number;
  says: RegExp;
  spoil: (scene: CheckScene) => unknown;
  /** For what no command can mend: what an admin does instead. */
  byHand?: (scene: CheckScene) => unknown;
}

/** Milliseconds that a check takes at most, also when something hangs and the machine is busy. */
const longest = 30_000;

/** Expects `scene` to be in order before, finds exactly this, runs the remedy literally, and finds nothing more. */
export async function expectFoundAndMended(
  scene: CheckScene,
  { id, status, says, spoil, byHand }: CheckCase,
): Promise<void> {
  await spoil(scene);
  const spoiled = await scene.look();
  expect(amiss(spoiled)).toEqual([status === 0 ? `${id}?` : id]);
  expect([spoiled.exit_status, spoiled.status]).toEqual([status, status]);
  expect(spoiled.milliseconds).toBeLessThan(longest);
  const { problem, remedy } = theFinding(spoiled);
  expect(problem).toMatch(says);
  if (byHand === undefined) await scene.sh(remedy ?? 'exit 99');
  else {
    expect(remedy).toBeUndefined();
    await byHand(scene);
  }
  const mended = await scene.look();
  expect(amiss(mended)).toEqual([]);
  expect([mended.exit_status, mended.status]).toEqual([0, 0]);
}

/** A test for each of the cases. */
export function itFindsAndMends(scene: () => CheckScene, cases: readonly CheckCase[]): void {
  it.each(cases)('$what is found, and mended by the command it names', async (one) => {
    await expectFoundAndMended(scene(), one);
  });
}
