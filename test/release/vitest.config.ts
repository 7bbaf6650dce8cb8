/** `make release-test`: what a release page gets, in fresh Debians. They are large, so no other run makes them. */
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

const minute = 60_000;

export default defineConfig({
  root: join(import.meta.dirname, '../..'),
  test: {
    name: 'release',
    include: ['test/release/**/*.test.ts'],
    globalSetup: ['test/support/run/guard.ts', 'test/release/support/emulation.ts'],
    fileParallelism: false,
    testTimeout: 10 * minute,
    hookTimeout: 20 * minute,
    reporters: ['default', 'verbose', ['json', { outputFile: 'dist/release-report.json' }]],
  },
});
