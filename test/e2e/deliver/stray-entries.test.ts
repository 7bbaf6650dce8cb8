/** What lies among BBB's recordings and is none stops nothing: the rest is delivered, listed, marked as done and pruned. */
import { chmodSync, chownSync, existsSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { installBbbRecord } from '../../support/bbb/bbb-record.ts';
import { useBbbTrees } from '../../support/bbb/use-bbb-trees.ts';
import { confirmImports } from '../../support/pilos/confirm-imports.ts';
import { hasSenderDone, letDeliveryBe } from '../../support/program/traces.ts';
import { createBbbUser, removeUser } from '../../support/program/users.ts';

const createTree = useBbbTrees();

it('is passed over by everything, and named by status --verbose', async () => {
  const tree = createTree();
  const { PATH } = installBbbRecord(tree);
  const meeting = tree.addMeeting();
  const copied = tree.addMeeting();
  const within = (...names: string[]) => join(tree.publishedDir, ...names);
  renameSync(copied.published('presentation'), within('presentation', `${copied.id}.bak`));
  mkdirSync(within('presentation.old', meeting.id), { recursive: true });
  mkdirSync(within('presentation', `${'c'.repeat(40)}-1712758751753`));
  symlinkSync('loop', within('presentation', 'loop'));
  symlinkSync('loop', within('loop'));
  writeFileSync(within('presentation', 'index.html'), '');
  const socket = createServer();
  await new Promise<void>((resolve) => socket.listen(within('socket'), resolve));

  const { status, stderr } = await tree.run(['deliver']);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(tree.spoolFiles()).toEqual([`${meeting.id}-presentation.tar`]);
  await confirmImports(tree);
  expect(hasSenderDone(tree, meeting.id)).toBe(true);

  const { stdout } = await tree.run(['status', '--verbose']);
  for (const [path, reason] of [
    [within('loop'), 'a loop of links'],
    [within('socket'), 'not a directory'],
    [within('presentation.old'), 'not the name of a format'],
    [within('presentation', `${copied.id}.bak`), 'a copy of a recording'],
    [within('presentation', `${'c'.repeat(40)}-1712758751753`), 'an empty directory'],
    [within('presentation', 'index.html'), 'not a directory'],
    [within('presentation', 'loop'), 'a loop of links'],
  ])
    expect(stdout).toContain(`passed over ${path}: ${reason}\n`);
  expect(stdout).toContain(meeting.id);
  socket.close();

  letDeliveryBe(tree, meeting.id, 'presentation', { days: 20 });
  expect((await tree.run(['prune'], { env: { PATH } })).status).toBe(0);
  expect(existsSync(meeting.published('presentation'))).toBe(false);
  expect(existsSync(within('presentation', `${copied.id}.bak`))).toBe(true);
});

it('a format that may not be read is said once by deliver, and lets nothing of its meetings count as complete', async () => {
  const user = await createBbbUser();
  try {
    const tree = createTree({ formats: ['podcast', 'presentation'] });
    const meeting = tree.addMeeting({ formats: ['podcast', 'presentation'] });
    tree.giveTo(user);
    chmodSync(tree.spoolDir, 0o2777);
    const closed = join(tree.publishedDir, 'podcast');
    chownSync(closed, 0, 0);
    chmodSync(closed, 0o700);
    const said = `nothing of ${closed} is delivered: it cannot be read (EACCES)\n`;

    const { stdout, stderr } = await tree.run(['deliver']);
    expect(stderr.split(said)).toHaveLength(2);
    expect(stdout).toContain('1 delivered');
    expect(tree.spoolFiles()).toEqual([`${meeting.id}-presentation.tar`]);
    await confirmImports(tree);
    expect(hasSenderDone(tree, meeting.id)).toBe(false);
    const status = await tree.run(['status', '--verbose']);
    expect(status.stdout).toContain(`passed over ${closed}: cannot be read (EACCES)\n`);

    chownSync(closed, user.uid, user.gid);
    expect(await tree.run(['deliver'])).toMatchObject({ status: 0, stderr: '' });
    await confirmImports(tree);
    expect(hasSenderDone(tree, meeting.id)).toBe(true);
  } finally {
    await removeUser(user);
  }
});
