/** PILOS reads an archive and deletes it as a member of the spool's group: its mode, owner and group. */
import { chmodSync, chownSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { BbbTree } from '../../support/bbb/bbb-tree.ts';
import { useBbbTrees } from '../../support/bbb/use-bbb-trees.ts';
import { runFromShell } from '../../support/program/run-from-shell.ts';
import {
  addToGroup,
  createBbbUser,
  createPilosUser,
  removeUser,
  type TestUser,
} from '../../support/program/users.ts';

const createTree = useBbbTrees();
let bbb: TestUser;
let pilos: TestUser;
let stranger: TestUser;

beforeAll(async () => {
  [bbb, pilos, stranger] = [await createBbbUser(), await createPilosUser(), await createBbbUser()];
  await addToGroup(bbb, pilos.group);
});

afterAll(async () => {
  for (const user of [bbb, pilos, stranger]) await removeUser(user);
});

/** A server whose spool belongs to PILOS. */
function createServer(spoolMode: number): BbbTree {
  const tree = createTree({ subDirs: ['instance1'] });
  for (const directory of [tree.spoolDir, join(tree.spoolDir, 'instance1')]) {
    chownSync(directory, pilos.uid, pilos.gid);
    chmodSync(directory, spoolMode);
  }
  return tree;
}

function accessOf(file: string): { mode: string; uid: number; gid: number } {
  const { mode, uid, gid } = statSync(file);
  return { mode: (mode & 0o7777).toString(8), uid, gid };
}

it.each([
  { umask: '000', spoolMode: 0o2775, setgid: 'with' },
  { umask: '022', spoolMode: 0o2775, setgid: 'with' },
  { umask: '077', spoolMode: 0o2775, setgid: 'with' },
  { umask: '000', spoolMode: 0o775, setgid: 'without' },
  { umask: '022', spoolMode: 0o775, setgid: 'without' },
  { umask: '077', spoolMode: 0o775, setgid: 'without' },
])(
  'gives the archive mode 0664 and the group of the spool under umask $umask, $setgid setgid on the spool',
  async ({ umask, spoolMode }) => {
    const tree = createServer(spoolMode);
    const meetings = [tree.addMeeting(), tree.addMeeting({ subDir: 'instance1' })];
    tree.giveTo(bbb);
    for (const { id } of meetings) {
      const line = `umask ${umask}; exec "$@"`;
      const { status, stderr } = await runFromShell(tree, line, ['-m', id], { login: bbb });
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    }
    const [plain, inSubDir] = meetings;
    for (const file of [`${plain?.id}-presentation.tar`, `instance1/${inSubDir?.id}-presentation.tar`]) {
      expect(accessOf(join(tree.spoolDir, file))).toEqual({ mode: '664', uid: bbb.uid, gid: pilos.gid });
    }
  },
);

it('delivers all the same, and says what to do, when it may not give the archive that group', async () => {
  const tree = createServer(0o777);
  const { id } = tree.addMeeting();
  tree.giveTo(stranger);
  const { status, stderr } = await runFromShell(tree, 'exec "$@"', ['-m', id], { login: stranger });
  expect(status).toBe(0);
  expect(stderr).toMatch(
    /^pilos-post-publish: the archive's group is not that of \S+ \(gid \d+\): run 'pilos-post-publish check'\n$/,
  );
  expect(accessOf(join(tree.spoolDir, `${id}-presentation.tar`))).toMatchObject({
    mode: '664',
    gid: stranger.gid,
  });
});

it('lets PILOS, as another member of the group, read the archive and delete it', async () => {
  const tree = createServer(0o2775);
  const { id } = tree.addMeeting();
  tree.giveTo(bbb);
  expect((await runFromShell(tree, 'umask 077; exec "$@"', ['-m', id], { login: bbb })).status).toBe(0);
  const asPilos = `setpriv --reuid=${pilos.uid} --regid=${pilos.gid} --init-groups --`;
  const line = `${asPilos} tar -tf "$SPOOL/${id}-presentation.tar" && ${asPilos} rm "$SPOOL/${id}-presentation.tar"`;
  const { status, stdout, stderr } = await runFromShell(tree, line, []);
  expect({ status, stderr, left: tree.spoolFiles() }).toEqual({ status: 0, stderr: '', left: [] });
  expect(stdout).toContain(`presentation/${id}/metadata.xml\n`);
});
