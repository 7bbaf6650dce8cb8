import { expect, it } from 'vitest';
import { shipped } from './support/program.ts';
import {
  checkHostileSubDir,
  checkOneOfTwoFormats,
  checkRefused,
  checkWaitsForImport,
} from './support/rules.ts';

it('writes nothing outside of the spool, whatever sub directory a meeting asks for', async () => {
  expect(await checkHostileSubDir(shipped)).toEqual([]);
});

it('has no -sender.done before PILOS has imported the last of two formats', async () => {
  expect(await checkOneOfTwoFormats(shipped)).toEqual([]);
});

it('has no -sender.done while the archive waits for PILOS, nor when PILOS has refused it', async () => {
  expect(await checkRefused(shipped)).toEqual([]);
});

it('does not replace an archive that PILOS may be importing, and sends the new one some minutes later', async () => {
  expect(await checkWaitsForImport(shipped)).toEqual([]);
});
