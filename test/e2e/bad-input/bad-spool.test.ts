/** A spool that cannot be used: exit status, one line with the fix, and no leftovers. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dump } from 'js-yaml';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Meeting } from '../../support/bbb/bbb-meeting.ts';
import type { BbbTree } from '../../support/bbb/bbb-tree.ts';
import { useBbbTrees } from '../../support/bbb/use-bbb-trees.ts';
import { expectRefused } from '../../support/program/expect-refused.ts';
import { runFromShell } from '../../support/program/run-from-shell.ts';
import { hasSenderDone, readLedger, readLog } from '../../support/program/traces.ts';
import { createBbbUser, removeUser, type TestUser } from '../../support/program/users.ts';
import { testRun } from '../../support/run/test-run.ts';

const createTree = useBbbTrees();
let user: TestUser;
let tree: BbbTree;
let meeting: Meeting;

beforeAll(async () => {
  user = await createBbbUser();
});

afterAll(() => removeUser(user));

beforeEach(() => {
  tree = createTree();
  meeting = tree.addMeeting();
});

/** The failure is also in the log and in the ledger, for `status` and `deliver`. */
function expectRemembered(status: number): void {
  expect(readLedger(tree, meeting.id, 'presentation')).toMatchObject({
    state: 'failed',
    attempts: [{ result: 'failed', exit_status: status, destination: tree.spoolDir }],
  });
  expect(readLog(tree)).toEqual([expect.stringMatching(/^E, .*-presentation\.tar: /)]);
  expect(hasSenderDone(tree, meeting.id)).toBe(false);
}

/** With `mount`, whose mounts only this run sees; lists at the end what it has left in the spool. */
function runMounted(mount: string): ReturnType<typeof runFromShell> {
  const line = `${mount} && { "$@"; status=$?; find "$SPOOL" -type f; exit "$status"; }`;
  return runFromShell(tree, line, ['-m', meeting.id], { ownMounts: true });
}

describe('a spool directory', () => {
  it('that does not exist is refused, and never created', async () => {
    rmSync(tree.spoolDir, { recursive: true });
    expectRefused(
      await tree.run(['-m', meeting.id]),
      73,
      `${tree.spoolDir} does not exist: mount it, or correct spool_dir`,
    );
    expectRemembered(73);
    expect(existsSync(tree.spoolDir)).toBe(false);
  });

  it('that is a file', async () => {
    rmSync(tree.spoolDir, { recursive: true });
    writeFileSync(tree.spoolDir, '');
    expectRefused(
      await tree.run(['-m', meeting.id]),
      73,
      `${tree.spoolDir} is not a directory: correct spool_dir`,
    );
    expectRemembered(73);
  });

  it('below a file', async () => {
    rmSync(tree.spoolDir, { recursive: true });
    rmSync(join(tree.root, 'mnt'), { recursive: true });
    writeFileSync(join(tree.root, 'mnt'), '');
    expectRefused(await tree.run(['-m', meeting.id]), 73, `${tree.spoolDir} does not exist: mount it`);
  });

  it('whose sub directory is missing', async () => {
    const { id } = tree.addMeeting({ subDir: 'instance1' });
    const result = await tree.run(['-m', id]);
    expectRefused(
      result,
      73,
      `${tree.spoolDir}/instance1 does not exist: create it as PILOS documents for RECORDING_SPOOL`,
    );
    expect(tree.spoolFiles()).toEqual([]);
  });

  it('that may not be written to', async () => {
    tree.giveTo(user);
    expectRefused(
      await tree.run(['-m', meeting.id]),
      77,
      tree.spoolDir,
      'permission denied (EACCES): give the user bigbluebutton access',
    );
    expectRemembered(77);
    expect(tree.spoolFiles()).toEqual([]);
  });

  it('that may not be entered', async () => {
    tree.giveTo(user);
    chmodSync(tree.spoolDir, 0o700);
    expectRefused(await tree.run(['-m', meeting.id]), 77, tree.spoolDir, 'permission denied (EACCES)');
  });

  it('that is mounted read-only', async () => {
    const result = await runMounted('mount -t tmpfs -o ro tmpfs "$SPOOL"');
    expectRefused(result, 73, tree.spoolDir, 'the file system is read-only (EROFS): remount it read-write');
    expectRemembered(73);
  });

  it('that is full', async () => {
    const result = await runMounted('mount -t tmpfs -o size=64k tmpfs "$SPOOL"');
    expectRefused(
      result,
      73,
      /not enough space in \S+: the archive needs \d+ bytes, of which 65536 are free: free some space/,
    );
    expectRemembered(73);
  });

  it('without an inode left', async () => {
    const result = await runMounted('mount -t tmpfs -o nr_inodes=1 tmpfs "$SPOOL"');
    expectRefused(result, 73, 'the archive needs a file, and no inode is free: free some space there');
    expectRemembered(73);
  });

  it('that gets full after the space was checked leaves nothing behind', async () => {
    // The limit on the size of a file is not what statfs says, as with a quota.
    const result = await runFromShell(tree, 'ulimit -f 64; exec "$@"', ['-m', meeting.id]);
    expectRefused(
      result,
      73,
      tree.spoolDir,
      'the file would be larger than allowed (EFBIG): raise the limit (ulimit -f)',
    );
    expectRemembered(73);
    expect(tree.spoolFiles()).toEqual([]);
  });

  it('with a directory in the place of the archive', async () => {
    mkdirSync(join(tree.spoolDir, `${meeting.id}-presentation.tar`));
    expectRefused(
      await tree.run(['-m', meeting.id]),
      73,
      'a directory is in its place (EISDIR): remove or rename that directory',
    );
    expectRemembered(73);
    expect(tree.spoolFiles()).toEqual([]);
  });

  it.each([
    { requireMount: true, wanted: 'on a mounted file system' },
    { requireMount: '/mnt/elsewhere', wanted: 'on the one mounted at /mnt/elsewhere' },
  ])('that is not mounted, with require_mount: $requireMount', async ({ requireMount, wanted }) => {
    // On the file system of `/`, as the mount point of an unmounted spool is; the tree may lie on another one.
    const spool = mkdtempSync(`/pilos-spool-${testRun()}-`);
    try {
      const pilos = { work_dir: tree.workDir, spool_dir: spool, require_mount: requireMount };
      writeFileSync(tree.pilosYml, dump(pilos));
      const result = await tree.run(['-m', meeting.id]);
      const fix = 'mount it (mount -a), or set require_mount: false in pilos.yml';
      expectRefused(result, 73, `${spool} is not ${wanted}, but on /: ${fix}`);
      expect(readdirSync(spool)).toEqual([]);
    } finally {
      rmSync(spool, { recursive: true });
    }
  });

  it('that is mounted is used with require_mount: true', async () => {
    const pilos = { work_dir: tree.workDir, spool_dir: tree.spoolDir, require_mount: true };
    writeFileSync(tree.pilosYml, dump(pilos));
    const { status, stdout } = await runMounted('mount -t tmpfs tmpfs "$SPOOL"');
    expect(status).toBe(0);
    expect(stdout).toContain(`\n${tree.spoolDir}/${meeting.id}-presentation.tar\n`);
  });
});
