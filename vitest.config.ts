import { defineConfig } from 'vitest/config';

const minute = 60_000;
/** Removes what the tests leave on the machine, also when they are interrupted. */
const guard = 'test/support/run/guard.ts';

export default defineConfig({
  test: {
    // One more than CI has processors: many tests wait, for a timeout or another process.
    maxWorkers: 3,
    reporters: ['default', ['json', { outputFile: 'dist/test-report.json' }]],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          globalSetup: guard,
          testTimeout: 2 * minute,
          hookTimeout: 2 * minute,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts', 'test/fleet/fleet.test.ts'],
          globalSetup: [guard, 'test/support/program/require-executable.ts'],
          testTimeout: 2 * minute,
          hookTimeout: 2 * minute,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'faults',
          include: ['test/faults/**/*.test.ts'],
          globalSetup: [guard, 'test/support/program/require-executable.ts'],
          testTimeout: 5 * minute,
          hookTimeout: 2 * minute,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
