import { expect, it } from 'vitest';
import { oneOfEach, printFigure } from '../support/program/test-size.ts';
import {
  changes,
  checkChange,
  checkChangingAllTheTime,
  checkOutdated,
  checkStaleSenderDone,
} from './support/changes.ts';
import { shipped } from './support/program.ts';

const moments = ['before reading', 'while reading'] as const;

// In CI every third change, at one of the two moments; the unit tests and e2e/changing-files.test.ts try all.
const tried = oneOfEach(3, changes).flatMap((change, index) =>
  oneOfEach(2, moments, index).map((moment) => ({ ...change, moment })),
);

it.each(tried)(
  'delivers what is published, or nothing, when $what ($moment)',
  async ({ moment, ...change }) => {
    expect(await checkChange(shipped, change, moment)).toEqual([]);
  },
);

it('gives up on files that change all the time, and leaves nothing', async () => {
  expect(await checkChangingAllTheTime(shipped)).toEqual([]);
});

it('has no -sender.done while files that were published again are on their way', async () => {
  expect(await checkStaleSenderDone(shipped)).toEqual([]);
});

it('has no -sender.done, and sends nothing, when PILOS keeps what it had before', async () => {
  expect(await checkOutdated(shipped)).toEqual([]);
  printFigure(`published files that change: ${tried.length + 3} faults`);
});
