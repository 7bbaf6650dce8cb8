import { expect, it } from 'vitest';
import { oneOfEach, printFigure } from '../support/program/test-size.ts';
import {
  breakDisk,
  checkDirectoryReplaced,
  checkDuring,
  checkNotMounted,
  checkReadOnly,
  coverWithTmpfs,
  remountReadOnly,
  unmountLazily,
} from './support/mount.ts';
import { shipped } from './support/program.ts';

it('writes nothing below the mount point of a spool that require_mount wants mounted', async () => {
  expect(await checkNotMounted(shipped)).toEqual([]);
});

it('says that the spool is read-only, and delivers when it is not any more', async () => {
  expect(await checkReadOnly(shipped)).toEqual([]);
});

const faults = [
  { what: 'unmounted', held: 'behind fchmod', fault: unmountLazily, statuses: [75] },
  { what: 'unmounted', held: 'before rename', fault: unmountLazily, statuses: [75] },
  { what: 'covered by another file system', held: 'behind fchmod', fault: coverWithTmpfs, statuses: [75] },
  { what: 'covered by another file system', held: 'before rename', fault: coverWithTmpfs, statuses: [75] },
  { what: 'made read-only', held: 'before rename', fault: remountReadOnly, statuses: [73] },
  { what: 'broken as a whole', held: 'behind fchmod', fault: breakDisk, statuses: [73, 74] },
  { what: 'broken as a whole', held: 'before rename', fault: breakDisk, statuses: [73, 74] },
] as const;

// In CI each of them at one of the two moments.
it.each(oneOfEach(2, faults))(
  'fails, and delivers afterwards, when the spool is $what during the run ($held)',
  async (one) => {
    const { held, fault, statuses } = one;
    expect(await checkDuring(shipped, { held, fault, statuses: [...statuses] })).toEqual([]);
  },
);

it.each([true, false])(
  'fails when the spool directory is renamed during the run (a new one: %s)',
  async (is) => {
    expect(await checkDirectoryReplaced(shipped, is)).toEqual([]);
    if (!is) printFigure('mounts: 11 faults on ext4, tmpfs and directories');
  },
);
