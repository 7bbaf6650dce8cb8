import { expect, it } from 'vitest';
import { printFigure } from '../support/program/test-size.ts';
import {
  checkFileSizeLimit,
  checkSpoolFillsUp,
  checkSpoolHasNoInode,
  checkSpoolIsFull,
  checkWorkDirIsFull,
} from './support/full.ts';
import { checkWorkDirFullOverRsync } from './support/full-rsync.ts';
import { shipped } from './support/program.ts';
import { usePilosHost } from './support/ssh.ts';

const pilosHost = usePilosHost();

it.each(['tmpfs', 'ext4'] as const)(
  'fails before the first byte when the spool, a %s, is full',
  async (kind) => {
    expect(await checkSpoolIsFull(shipped, kind)).toEqual([]);
  },
);

it.each(['tmpfs', 'ext4'] as const)(
  'leaves nothing in a spool, a %s, that fills up meanwhile',
  async (kind) => {
    expect(await checkSpoolFillsUp(shipped, kind)).toEqual([]);
  },
);

it('says that no inode is free in the spool', async () => {
  expect(await checkSpoolHasNoInode(shipped)).toEqual([]);
});

it('leaves nothing in the spool when a limit ends the writing', async () => {
  expect(await checkFileSizeLimit(shipped)).toEqual([]);
});

it('delivers to a mounted spool when work_dir is full, and writes no -sender.done', async () => {
  expect(await checkWorkDirIsFull(shipped)).toEqual([]);
});

it('fails and leaves nothing when work_dir has no space for the archive that rsync is to send', async () => {
  expect(await checkWorkDirFullOverRsync(shipped, pilosHost())).toEqual([]);
  printFigure('full disks: 8 faults on tmpfs and ext4');
});
