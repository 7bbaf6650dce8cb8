import { expect, it } from 'vitest';
import { shipped } from './support/program.ts';
import { checkHostileSubDir, checkOneOfTwoFormats } from './support/rules.ts';

it('writes nothing outside of the spool, whatever sub directory a meeting asks for', async () => {
  expect(await checkHostileSubDir(shipped)).toEqual([]);
});

it('has no -sender.done before the last of two formats is delivered', async () => {
  expect(await checkOneOfTwoFormats(shipped)).toEqual([]);
});
