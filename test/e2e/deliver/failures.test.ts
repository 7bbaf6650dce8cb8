/** `deliver` when things fail: one failure does not stop the rest, and nothing is done twice or in vain. */
import { chmodSync, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dump } from 'js-yaml';
import { expect, it } from 'vitest';
import type { BbbTree } from '../../support/bbb/bbb-tree.ts';
import { useBbbTrees } from '../../support/bbb/use-bbb-trees.ts';
import { untilPacking, writeSparseFile } from '../../support/files/large-files.ts';
import { startObserver } from '../../support/program/observer.ts';
import type { RunningProgram } from '../../support/program/run-program.ts';
import { readLedger, readLog } from '../../support/program/traces.ts';
import { createBbbUser, removeUser } from '../../support/program/users.ts';

const createTree = useBbbTrees();

function addMeetings(tree: BbbTree, count: number, subDir = ''): string[] {
  return Array.from({ length: count }, () => tree.addMeeting({ subDir }).id);
}

/** How many deliveries the ledger remembers of each, failed ones too. */
function attemptsOf(tree: BbbTree, ids: string[]): number[] {
  return ids.map((id) => {
    try {
      return readLedger(tree, id, 'presentation').attempts.length;
    } catch {
      return 0;
    }
  });
}

function untilSaid({ child }: RunningProgram, line: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = '';
    child.stderr.on('data', (text: string) => {
      said += text;
      if (said.includes(line)) resolve();
    });
    child.once('close', () => reject(new Error(`it ended without saying '${line}'`)));
  });
}

it('delivers the rest when one recording cannot be packed, and exits with its status', async () => {
  const tree = createTree();
  const [first, broken, last] = [tree.addMeeting(), tree.addMeeting(), tree.addMeeting()];
  rmSync(join(broken.published('presentation'), 'metadata.xml'));
  const { status, stdout, stderr } = await tree.run(['deliver']);
  expect(status).toBe(65);
  expect(stderr).toMatch(
    /^pilos-post-publish: \S+\.tar: \S+ has no metadata\.xml, or an empty one: [^\n]+\n$/,
  );
  expect(stdout).toMatch(/\n2 delivered, 1 failed\n$/);
  expect(tree.spoolFiles()).toEqual([first, last].map(({ id }) => `${id}-presentation.tar`).sort());
});

it('reports a meeting whose metadata is broken, and delivers the rest', async () => {
  const tree = createTree();
  const broken = tree.addMeeting({ eventsXml: '<recording><metadata bbb-origin="PILOS' });
  writeFileSync(join(broken.published('presentation'), 'metadata.xml'), '<recording><meta>');
  const [good] = addMeetings(tree, 1);
  const { status, stderr } = await tree.run(['deliver']);
  expect(status).toBe(65);
  expect(stderr).toContain(
    `${broken.id}-presentation.tar: no file says which front end the meeting belongs to`,
  );
  expect(tree.spoolFiles()).toEqual([`${good}-presentation.tar`]);
});

it('delivers the rest when one recording may not be read', async () => {
  const user = await createBbbUser();
  try {
    const tree = createTree();
    const closed = tree.addMeeting();
    const [good] = addMeetings(tree, 1);
    tree.giveTo(user);
    chmodSync(tree.spoolDir, 0o777);
    chmodSync(closed.published('presentation'), 0);
    const { status, stdout, stderr } = await tree.run(['deliver']);
    expect(status).toBe(77);
    expect(stderr).toContain(`cannot read ${closed.published('presentation')}: permission denied (EACCES)`);
    expect(stdout).toMatch(/\n1 delivered, 1 failed\n$/);
    expect(tree.spoolFiles()).toEqual([`${good}-presentation.tar`]);
  } finally {
    await removeUser(user);
  }
});

it('notices once that the spool is gone, not once for each of 20 recordings', async () => {
  const tree = createTree({ subDirs: ['one'] });
  const ids = [...addMeetings(tree, 10), ...addMeetings(tree, 10, 'one')];
  renameSync(tree.spoolDir, `${tree.spoolDir}-gone`);
  const { status, stdout, stderr } = await tree.run(['deliver']);
  expect(status).toBe(73);
  expect(stderr).toMatch(
    /^pilos-post-publish: \S+\.tar: the spool directory \S+ does not exist: mount it[^\n]*\n$/,
  );
  expect(stdout).toBe('0 delivered, 1 failed, 19 not tried\n');
  expect(attemptsOf(tree, ids).reduce((sum, count) => sum + count)).toBe(1);
  expect(readLog(tree).filter((line) => line.startsWith('E,'))).toHaveLength(1);
  renameSync(`${tree.spoolDir}-gone`, tree.spoolDir);
  expect((await tree.run(['deliver'])).status).toBe(0);
  expect(tree.spoolFiles()).toHaveLength(20);
});

it('notices once that the spool may not be written to', async () => {
  const user = await createBbbUser();
  try {
    const tree = createTree();
    const ids = addMeetings(tree, 5);
    tree.giveTo(user);
    const { status, stdout, stderr } = await tree.run(['deliver']);
    expect(status).toBe(77);
    expect(stderr).toMatch(
      /^pilos-post-publish: [^\n]+ permission denied \(EACCES\): give the user [^\n]+\n$/,
    );
    expect(stdout).toBe('0 delivered, 1 failed, 4 not tried\n');
    expect(attemptsOf(tree, ids).reduce((sum, count) => sum + count)).toBe(1);
  } finally {
    await removeUser(user);
  }
});

it('notices once that a sub directory is missing, and delivers what goes elsewhere', async () => {
  const tree = createTree({ subDirs: ['there'] });
  const lost = addMeetings(tree, 5, 'missing');
  const good = [...addMeetings(tree, 5, 'there'), ...addMeetings(tree, 5)];
  const { status, stdout } = await tree.run(['deliver']);
  expect(status).toBe(73);
  expect(stdout).toContain('10 delivered, 1 failed, 4 not tried\n');
  expect(attemptsOf(tree, good)).toEqual(good.map(() => 1));
  expect(attemptsOf(tree, lost).sort()).toEqual([0, 0, 0, 0, 1]);
});

it('tries a host that does not answer for one recording only', async () => {
  const tree = createTree();
  const ids = addMeetings(tree, 10);
  // Nobody listens on port 1 of this machine.
  const pilos = { work_dir: tree.workDir, spool_dir: 'rsync://127.0.0.1:1/spool', retry: { attempts: 1 } };
  writeFileSync(tree.pilosYml, dump(pilos));
  const { status, stdout } = await tree.run(['deliver']);
  expect([69, 75]).toContain(status);
  expect(stdout).toBe('0 delivered, 1 failed, 9 not tried\n');
  expect(attemptsOf(tree, ids).reduce((sum, count) => sum + count)).toBe(1);
  // On a busy machine even this takes so long that the next calls are spared it.
  expect(tree.workFiles().filter((file) => !/^(?:ledger|hosts)\//.test(file))).toEqual([]);
});

it('delivers each recording once when two run at the same moment', async () => {
  const tree = createTree();
  const ids = addMeetings(tree, 12);
  const observer = await startObserver(tree.spoolDir);
  const runs = await Promise.all([tree.run(['deliver']), tree.run(['deliver'])]);
  expect(runs.map(({ status, stderr }) => ({ status, stderr }))).toEqual([
    { status: 0, stderr: '' },
    { status: 0, stderr: '' },
  ]);
  expect(attemptsOf(tree, ids)).toEqual(ids.map(() => 1));
  const { seen, partial } = await observer.stop();
  expect(partial).toEqual([]);
  expect(seen.map(({ name }) => name).sort()).toEqual(ids.map((id) => `${id}-presentation.tar`).sort());
});

it("waits for BBB's own call of the same recording, and does not repeat it", async () => {
  const tree = createTree();
  const { id, published } = tree.addMeeting();
  writeSparseFile(join(published('presentation'), 'video/webcams.webm'), 200_000_000);
  const call = tree.start(['-m', id]);
  await untilPacking(tree.spoolDir);
  call.child.kill('SIGSTOP');
  const deliver = tree.start(['deliver', '--verbose']);
  // It has found the recording missing, and now meets the lock.
  await untilSaid(deliver, `1 of 1: ${id}-presentation.tar\n`);
  call.child.kill('SIGCONT');
  expect((await call.result).status).toBe(0);
  const { status, stdout } = await deliver.result;
  expect(status).toBe(0);
  expect(stdout).toContain(`${id}-presentation.tar: delivered already, waiting for PILOS`);
  expect(attemptsOf(tree, [id])).toEqual([1]);
});

it('ends at a signal after cleaning up, and the next one delivers the rest without repeating', async () => {
  const tree = createTree();
  const [before] = addMeetings(tree, 1);
  expect((await tree.run(['deliver'])).status).toBe(0);
  const delivered = statSync(join(tree.spoolDir, `${before}-presentation.tar`)).mtimeMs;
  const large = tree.addMeeting();
  writeSparseFile(join(large.published('presentation'), 'video/webcams.webm'), 250_000_000);
  const running = tree.start(['deliver']);
  await untilPacking(tree.spoolDir);
  running.child.kill('SIGTERM');
  const { status, signal } = await running.result;
  expect({ status, signal }).toEqual({ status: 75, signal: null });
  expect(tree.spoolFiles()).toEqual([`${before}-presentation.tar`]);
  expect((await tree.run(['deliver'])).status).toBe(0);
  expect(tree.spoolFiles()).toHaveLength(2);
  expect(statSync(join(tree.spoolDir, `${before}-presentation.tar`)).mtimeMs).toBe(delivered);
});

it('fails with one line when nothing of the server is there', async () => {
  const tree = createTree();
  rmSync(tree.publishedDir, { recursive: true });
  mkdirSync(tree.workDir, { recursive: true });
  const { status, stderr } = await tree.run(['deliver']);
  expect(status).toBe(78);
  expect(stderr).toMatch(
    /^pilos-post-publish: published_dir \S+ does not exist: check published_dir in [^\n]+\n$/,
  );
});
