/** Random walks of a BBB server, this program and PILOS: at rest, `status` says what PILOS has, and nothing was lost. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { sized } from '../../support/program/test-size.ts';
import { startWalk } from '../../support/walk/walk.ts';
import { steps } from '../../support/walk/world.ts';

const minute = 60_000;
const walks = sized(3, 400);
const length = sized(18, 25);
const isFull = walks > 100;

it(`loses nothing, and says what PILOS has, on ${walks} walks`, {
  timeout: sized(5, 400) * minute,
}, async () => {
  const step = fc.tuple(fc.constantFrom(...steps), fc.nat({ max: 20 }));
  const path = fc.array(step, { minLength: length, maxLength: length });
  await fc.assert(
    fc.asyncProperty(path, async (taken) => {
      const walk = await startWalk();
      try {
        await walk.take('publish', 0);
        for (const [name, choice] of taken) await walk.take(name, choice);
        expect(await walk.problems()).toEqual([]);
      } finally {
        walk.remove();
      }
    }),
    // In CI the same walks each time; at full length others, of which a failing one shrinks.
    isFull ? { numRuns: walks } : { numRuns: walks, seed: 20261126, endOnFailure: true },
  );
});
