import { expect, it } from 'vitest';
import { sized } from '../support/program/test-size.ts';
import { checkKilledAnywhere } from './support/kill.ts';
import { shipped } from './support/program.ts';

const minute = 60_000;

it('delivers to a mounted spool after a kill -9 in front of any system call, and shows no partial archive', {
  timeout: 20 * minute,
}, async () => {
  expect(await checkKilledAnywhere(shipped, sized(8, 200))).toEqual([]);
});
