/** The suite itself: it notices every mutant of the program. */
import { afterAll, describe, expect, it } from 'vitest';
import { pick, printFigure, quietly, sized } from '../support/program/test-size.ts';
import { checks } from './support/checks.ts';
import { buildMutant, mutateModule } from './support/mutants.ts';
import { deliveryMutants } from './support/mutants-delivery.ts';
import { spoolMutants } from './support/mutants-spool.ts';
import { usePilosHost } from './support/ssh.ts';
import { withUndo } from './support/undo.ts';

const pilosHost = usePilosHost();

describe.each([
  ['the mounted spool', spoolMutants],
  ['everything around the spool', deliveryMutants],
])('of %s', (what, mutants) => {
  let noticed = 0;
  const tried = pick(mutants, sized(4, mutants.length));

  it.each(tried)('notices the mutant: $name', async ({ seams, killedBy, finding }) => {
    await withUndo(async (undo) => {
      const mutant = await buildMutant(undo, seams);
      const problems = await quietly(() => checks[killedBy](mutant, pilosHost()));
      expect(problems.join('\n')).toMatch(finding);
      noticed += 1;
    });
  });

  it.each(mutants)(
    'has the functions that the mutant replaces, also where only make faults tries it: $name',
    ({ seams }) => {
      for (const { module } of seams) expect(() => mutateModule(module, seams)).not.toThrow();
    },
  );

  const names = [...new Set(tried.map(({ killedBy }) => killedBy))];
  // In CI the same checks are run on the executable by the other files.
  it.each(pick(names, sized(1, names.length)))('finds nothing without a mutation: %s', async (name) => {
    await withUndo(async (undo) => {
      const program = await buildMutant(undo, []);
      expect(await quietly(() => checks[name](program, pilosHost()))).toEqual([]);
    });
  });

  afterAll(() => printFigure(`mutants of ${what}: ${noticed} of ${tried.length} noticed`));
});
