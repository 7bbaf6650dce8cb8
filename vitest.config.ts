import { defineConfig } from 'vitest/config';

const minute = 60_000;
/** Machines are shared and noisy: a test of whole servers and processes may be unlucky once, not twice. */
const retry = process.env['CI'] === 'true' ? 1 : 0;

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
          testTimeout: minute / 2,
          hookTimeout: minute / 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'e2e',
          retry,
          include: ['test/e2e/**/*.test.ts', 'test/fleet/fleet.test.ts'],
          globalSetup: 'test/support/program/require-executable.ts',
          testTimeout: 2 * minute,
          hookTimeout: 2 * minute,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'faults',
          retry,
          include: ['test/faults/**/*.test.ts'],
          globalSetup: 'test/support/program/require-executable.ts',
          testTimeout: 5 * minute,
          hookTimeout: 2 * minute,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
