/** Test machines: `make machines`. A configuration of their own, so that no other run starts machines. */
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

const minute = 60_000;

export default defineConfig({
  root: join(import.meta.dirname, '../..'),
  test: {
    name: 'machines',
    include: ['test/machines/**/*.test.ts'],
    globalSetup: 'test/machines/support/start-machines.ts',
    // All of them work on the same machines.
    fileParallelism: false,
    testTimeout: 5 * minute,
    hookTimeout: 5 * minute,
    reporters: [
      ['default', { summary: false }],
      'verbose',
      ['json', { outputFile: 'dist/machines-report.json' }],
      'test/machines/support/table-reporter.ts',
    ],
  },
});
