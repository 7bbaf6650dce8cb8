/** Run as root, as an admin does by hand, the program becomes the user of BBB before it touches anything. */
import { chmodSync, chownSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dump } from 'js-yaml';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Meeting } from '../../support/bbb/bbb-meeting.ts';
import type { BbbTree } from '../../support/bbb/bbb-tree.ts';
import { useBbbTrees } from '../../support/bbb/use-bbb-trees.ts';
import { untilPacking, writeSparseFile } from '../../support/files/large-files.ts';
import { expectRefused } from '../../support/program/expect-refused.ts';
import { runFromShell } from '../../support/program/run-from-shell.ts';
import { runOrThrow, systemPath } from '../../support/program/run-program.ts';
import { hasSenderDone, readLog, senderDoneFile } from '../../support/program/traces.ts';
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
let tree: BbbTree;
let meeting: Meeting;

beforeAll(async () => {
  [bbb, pilos] = [await createBbbUser(), await createPilosUser()];
  await addToGroup(bbb, pilos.group);
});

afterAll(async () => {
  for (const user of [bbb, pilos]) await removeUser(user);
});

/** Only the group of the spool lets the BBB user write there, and only if it is taken over with the rest. */
beforeEach(() => {
  tree = createTree();
  meeting = tree.addMeeting();
  tree.giveTo(bbb);
  chownSync(tree.spoolDir, pilos.uid, pilos.gid);
  chmodSync(tree.spoolDir, 0o2770);
});

/** Whatever belongs to root below the directories of BBB and in the spool. */
async function rootOwned(): Promise<string[]> {
  const paths = [join(tree.root, 'var'), tree.spoolDir, join(tree.root, 'etc')];
  const { stdout } = await runOrThrow('find', [...paths, '(', '-uid', '0', '-o', '-gid', '0', ')']);
  return stdout.split('\n').filter((line) => line !== '');
}

it.each([
  { command: '-m ID', args: () => ['-m', meeting.id] },
  { command: 'deliver', args: () => ['deliver'] },
  { command: '-m ID --verbose', args: () => ['-m', meeting.id, '--verbose'] },
])('leaves no file of root anywhere after `$command` as root, with what it creates', async ({ args }) => {
  rmSync(tree.workDir, { recursive: true });
  expect(await rootOwned()).toEqual([]);
  const { status, stderr } = await runFromShell(tree, 'umask 077; exec "$@"', args());
  expect({ status, stderr: stderr.replace(/^took .*\n/gm, '') }).toMatchObject({ status: 0 });
  expect(await rootOwned()).toEqual([]);
  expect(tree.workFiles()).toEqual([`ledger/${meeting.id}-presentation.json`]);
  expect(readLog(tree)).not.toEqual([]);
  const archive = join(tree.spoolDir, `${meeting.id}-presentation.tar`);
  const { uid, gid } = statSync(archive);
  expect({ uid, gid }).toEqual({ uid: bbb.uid, gid: pilos.gid });
  rmSync(archive);
  expect((await tree.run(['deliver'])).status).toBe(0);
  expect(hasSenderDone(tree, meeting.id)).toBe(true);
  expect(await rootOwned()).toEqual([]);
  rmSync(senderDoneFile(tree, meeting.id));
});

it('works for BBB after root has used it', async () => {
  expect((await tree.run(['-m', meeting.id])).status).toBe(0);
  const { status, stderr } = await runFromShell(tree, 'exec "$@"', ['-m', meeting.id], { login: bbb });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});

it("has that user's ids and groups while it packs, and none of root's", async () => {
  writeSparseFile(join(meeting.published('presentation'), 'video/webcams.webm'), 200_000_000);
  const running = tree.start(['-m', meeting.id]);
  await untilPacking(tree.spoolDir);
  running.child.kill('SIGSTOP');
  const status = readFileSync(`/proc/${running.child.pid}/status`, 'utf8');
  running.child.kill('SIGCONT');
  expect((await running.result).status).toBe(0);
  const idsOf = (key: string) => new RegExp(`^${key}:\\s+(.*?)\\s*$`, 'm').exec(status)?.[1]?.split(/\s+/);
  // Real, effective, saved, and for files.
  expect(idsOf('Uid')).toEqual(Array.from({ length: 4 }, () => `${bbb.uid}`));
  expect(idsOf('Gid')).toEqual(Array.from({ length: 4 }, () => `${bbb.gid}`));
  expect(idsOf('Groups')?.sort()).toEqual([`${bbb.gid}`, `${pilos.gid}`].sort());
  expect(idsOf('CapEff')).toEqual(['0000000000000000']);
});

it("gives rsync and ssh that user's HOME and name, so that they find its keys", async () => {
  const programs = join(tree.root, 'usr/local/bin');
  mkdirSync(programs, { recursive: true });
  // The far end: says who has called it, and refuses.
  const said = join(tree.logDir, 'ssh-was-called');
  const ssh = `#!/bin/sh\necho "$HOME $USER $LOGNAME $(id -un) $(id -G)" >'${said}'\nexit 255\n`;
  writeFileSync(join(programs, 'ssh'), ssh, { mode: 0o755 });
  const settings = { work_dir: tree.workDir, spool_dir: 'pilos:/', retry: { attempts: 1 } };
  writeFileSync(tree.pilosYml, dump(settings));
  const PATH = `${programs}:${systemPath()}`;
  const { status } = await tree.run(['-m', meeting.id], { env: { PATH, HOME: '/root', USER: 'root' } });
  expect(status).toBe(75);
  const { name, home, gid } = bbb;
  expect(readFileSync(said, 'utf8')).toBe(`${home} ${name} ${name} ${name} ${gid} ${pilos.gid}\n`);
  expect(await rootOwned()).toEqual([]);
});

it('stays who it is for any other user, who may not read the recordings', async () => {
  chmodSync(join(meeting.published('presentation')), 0o700);
  const { status, stderr } = await runFromShell(tree, 'exec "$@"', ['-m', meeting.id], { login: pilos });
  expect(status).toBe(77);
  expect(stderr).toMatch(
    /cannot read \S+: permission denied \(EACCES\): give the user bigbluebutton access to it\n/,
  );
  expect(tree.spoolFiles()).toEqual([]);
});

it('says how to run it when nobody knows the owner of published_dir', async () => {
  chownSync(tree.publishedDir, 4_000_000_123, 4_000_000_123);
  expectRefused(
    await tree.run(['-m', meeting.id]),
    77,
    'belongs to uid 4000000123, which is not in /etc/passwd',
    "run it as that user: sudo -u '#4000000123' pilos-post-publish",
  );
  expect(tree.spoolFiles()).toEqual([]);
});

it("delivers though an earlier script's files belong to root, and names each of them", async () => {
  const logFile = join(tree.logDir, 'post_publish.log');
  writeFileSync(logFile, '', { mode: 0o644 });
  chownSync(tree.workDir, 0, 0);
  const { status, stderr } = await tree.run(['-m', meeting.id]);
  expect(status).toBe(0);
  expect(tree.spoolFiles()).toEqual([`${meeting.id}-presentation.tar`]);
  expect(stderr).toContain(`cannot write the log file ${logFile} (EACCES): check log_file and its owner\n`);
  expect(stderr).toMatch(new RegExp(`work_dir ${tree.workDir}: permission denied \\(EACCES\\)`));
  // Not remembered, so not done either: deliver delivers it once more when that is repaired.
  expect(hasSenderDone(tree, meeting.id)).toBe(false);
});
