/** A mount that never answers, and one whose server is gone, end `check` after some seconds: it never hangs itself. */
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { type CheckCase, commandIn, itFindsAndFixes } from '../../support/check/check-case.ts';
import {
  type CheckScene,
  createCheckScene,
  makeFailedDirectory,
  useScene,
} from '../../support/check/check-scene.ts';
import { mountHanging } from '../../support/check/dead-mount.ts';

const scene = useScene(createCheckScene);

/** Puts a file system that never answers in the place of the spool; returns the process that could answer. */
async function hang(here: CheckScene) {
  await here.sh(`umount ${here.tree.spoolDir}`);
  return await mountHanging(here, here.tree.spoolDir);
}

const mounts: CheckCase[] = [
  {
    what: 'a mount that does not answer',
    check: 'spool_answers',
    status: 73,
    says: /it does not answer: the file system at \S+ \(fuse\.hanging from hanging\) hangs or is gone: bring hanging and the network to it back: the mount then heals itself; only if they never/,
    spoil: hang,
    command: commandIn,
    afterwards: (here) => makeFailedDirectory(here),
  },
  {
    what: 'a mount whose server is gone',
    check: 'spool_answers',
    status: 73,
    says: /not connected \(ENOTCONN\): the file system at/,
    spoil: async (here) => {
      const server = await hang(here);
      server.kill('SIGKILL');
      await once(server, 'exit');
    },
    afterwards: (here) => makeFailedDirectory(here),
  },
  {
    what: 'a dead mount that is not in /etc/fstab',
    check: 'spool_answers',
    status: 73,
    says: /not connected \(ENOTCONN\): .* hangs or is gone: umount --force --lazy \S+$/,
    spoil: async (here) => {
      await here.sh('cp /etc/fstab /etc/fstab.kept && : > /etc/fstab');
      const server = await hang(here);
      server.kill('SIGKILL');
      await once(server, 'exit');
    },
    afterwards: async (here) => {
      await here.sh(`mv /etc/fstab.kept /etc/fstab && mount ${here.tree.spoolDir}`);
      await makeFailedDirectory(here);
    },
  },
];

itFindsAndFixes(scene, mounts);

it('can be interrupted while it waits', async () => {
  await hang(scene());
  const { child, result } = scene().start();
  await setTimeout(3000);
  const begin = Date.now();
  child.kill('SIGTERM');
  const { status, stderr } = await result;
  expect({ status, stderr }).toEqual({
    status: 75,
    stderr: expect.stringContaining('interrupted by SIGTERM'),
  });
  expect(Date.now() - begin).toBeLessThan(4000);
  await scene().sh(`umount --force --lazy ${scene().tree.spoolDir} && mount ${scene().tree.spoolDir}`);
});
