import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runProgram } from '../support/program/run-program.ts';
import { printFigure, sized } from '../support/program/test-size.ts';
import { fuzzSeed, fuzzTargets } from './support/fuzz.ts';
import { checkMutatedFiles } from './support/fuzz-program.ts';
import type { FuzzReport } from './support/fuzz-run.ts';
import { shipped } from './support/program.ts';

const timeout = 20 * 60_000;
const script = join(import.meta.dirname, 'support/fuzz-run.ts');

it.each(fuzzTargets)(
  'refuses or reads any %s, never with a bug and never for long',
  { timeout },
  async (target) => {
    const options = JSON.stringify({ target, runs: sized(500, 10_000), seed: fuzzSeed });
    const result = await runProgram(process.execPath, [script, options], { timeoutMilliseconds: 600_000 });
    expect(result).toMatchObject({ status: 0, stderr: '' });
    const { inputs, refused, slowest, failure } = JSON.parse(result.stdout) as FuzzReport;
    expect(failure).toBe('');
    printFigure(`mutated ${target}: ${inputs} inputs, ${refused} refused, the slowest took ${slowest} ms`);
  },
);

it.each(fuzzTargets)('ends and writes nothing outside, given any %s', { timeout }, async (target) => {
  expect(await checkMutatedFiles(shipped, target, sized(5, 300))).toEqual([]);
});
