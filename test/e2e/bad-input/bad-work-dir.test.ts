/** A work_dir or a log file that cannot be used: what still works does, and the rest is said in one line. */
import { chmodSync, chownSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dump } from 'js-yaml';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Meeting } from '../../support/bbb/bbb-meeting.ts';
import type { BbbTree } from '../../support/bbb/bbb-tree.ts';
import { useBbbTrees } from '../../support/bbb/use-bbb-trees.ts';
import { confirmImports } from '../../support/pilos/confirm-imports.ts';
import { importSpool } from '../../support/pilos/import-spool.ts';
import { runFromShell } from '../../support/program/run-from-shell.ts';
import { hasSenderDone, readLedger } from '../../support/program/traces.ts';
import { createBbbUser, removeUser } from '../../support/program/users.ts';

const createTree = useBbbTrees();
let tree: BbbTree;
let meeting: Meeting;

beforeEach(() => {
  tree = createTree();
  meeting = tree.addMeeting();
});

const delivered = () => [`${meeting.id}-presentation.tar`];

describe('a work_dir that holds only the ledger of a mounted spool', () => {
  it('is created when it is missing', async () => {
    rmSync(tree.workDir, { recursive: true });
    expect(await tree.run(['-m', meeting.id])).toMatchObject({ status: 0, stderr: '' });
    expect(readLedger(tree, meeting.id, 'presentation').state).toBe('delivered');
  });

  it.each([
    {
      what: 'is a file',
      how: 'rm -r "$WORK" && : >"$WORK"',
      says: /work_dir \S+: it is not a directory|ENOTDIR|EEXIST/,
    },
    {
      what: 'is read-only',
      how: 'mount -t tmpfs -o ro tmpfs "$WORK"',
      says: /read-only \(EROFS\): remount it read-write/,
    },
    {
      what: 'is full',
      how: 'mount -t tmpfs -o nr_inodes=1 tmpfs "$WORK"',
      says: /no space left on the device \(ENOSPC\): free some/,
    },
  ])('does not stop a delivery when it $what, but is reported', async ({ how, says }) => {
    const line = `${how} && "$@"`;
    const { status, stderr } = await runFromShell(tree, line, ['-m', meeting.id], { ownMounts: true });
    expect(status).toBe(0);
    expect(tree.spoolFiles()).toEqual(delivered());
    expect(stderr).toMatch(
      /^pilos-post-publish: the directory of the spool is not remembered: [^\n]+\npilos-post-publish: the ledger does not know of this: [^\n]+\n$/,
    );
    expect(stderr).toMatch(says);
    // What is not remembered is not done: better delivered twice than deleted too early.
    await importSpool(tree.spoolDir, join(tree.root, 'pilos'));
    await runFromShell(tree, line, ['deliver'], { ownMounts: true });
    expect(hasSenderDone(tree, meeting.id)).toBe(false);
  });

  it('does not stop a delivery when it may not be written to, but is reported', async () => {
    const user = await createBbbUser();
    tree.giveTo(user);
    chmodSync(tree.spoolDir, 0o777);
    chownSync(tree.workDir, 0, 0);
    const { status, stderr } = await tree.run(['-m', meeting.id]);
    await removeUser(user);
    expect(status).toBe(0);
    expect(tree.spoolFiles()).toEqual(delivered());
    expect(stderr).toMatch(
      /ledger does not know of this: [^\n]+ permission denied \(EACCES\): give the user/,
    );
  });
});

describe('a work_dir in which the archive for rsync is made', () => {
  beforeEach(() => {
    const pilos = { work_dir: tree.workDir, spool_dir: 'rsync://127.0.0.1:1/spool', retry: { attempts: 1 } };
    writeFileSync(tree.pilosYml, dump(pilos));
  });

  it.each([
    {
      what: 'is full',
      // 16 pages, one of which has the ledger's entry in it.
      options: 'size=64k',
      expected: 74,
      says: /not enough space in work_dir: the archive needs \d+ bytes, of which 61440 are free: free some space in \S+\/pilos, or set/,
    },
    {
      what: 'is read-only',
      options: 'ro',
      expected: 74,
      says: /the file system is read-only \(EROFS\): remount it/,
    },
  ])('fails the delivery when it $what', async ({ options, expected, says }) => {
    const left = 'status=$?; find "$WORK" -name "*-presentation"; exit "$status"';
    const line = `mount -t tmpfs -o ${options} tmpfs "$WORK" && "$@"; ${left}`;
    const { status, stdout, stderr } = await runFromShell(tree, line, ['-m', meeting.id], {
      ownMounts: true,
    });
    expect(status).toBe(expected);
    const [first = ''] = stderr.split('\n');
    expect(first).toMatch(says);
    expect(first).toContain(`${meeting.id}-presentation.tar: `);
    expect(stdout).toBe('');
  });
});

describe("BBB's directory of status files", () => {
  it.each(['status', 'status/published'])(
    'does not stop a delivery when %s is missing, but is reported',
    async (name) => {
      rmSync(join(tree.recordingDir, name), { recursive: true });
      expect(await tree.run(['-m', meeting.id])).toMatchObject({ status: 0, stderr: '' });
      expect(tree.spoolFiles()).toEqual(delivered());
      const { status, stderr } = await confirmImports(tree);
      expect(status).toBe(0);
      expect(stderr).toMatch(
        /^pilos-post-publish: the -sender\.done of \S+ may be wrong: cannot write \S+: no such file or directory \(ENOENT\): create the directory [^\n]+\n$/,
      );
    },
  );
});

describe('a log file', () => {
  it.each([
    { what: 'that is a directory', prepare: (file: string) => mkdirSync(file), errno: 'EISDIR' },
    {
      what: 'in a directory that is missing',
      prepare: () => renameSync(tree.logDir, `${tree.logDir}-gone`),
      errno: 'ENOENT',
    },
  ])('$what is reported once, and stops nothing', async ({ prepare, errno }) => {
    const file = join(tree.logDir, 'post_publish.log');
    prepare(file);
    const { status, stderr } = await tree.run(['-m', meeting.id]);
    expect({ status, stderr }).toEqual({
      status: 0,
      stderr: `pilos-post-publish: cannot write the log file ${file} (${errno}): check log_file and its owner\n`,
    });
    expect(tree.spoolFiles()).toEqual(delivered());
  });

  it('on a full disk, or that is a FIFO which nobody reads, neither', async () => {
    const file = join(tree.logDir, 'post_publish.log');
    for (const how of [`ln -s /dev/full '${file}'`, `rm '${file}' && mkfifo '${file}'`]) {
      const result = await runFromShell(tree, `${how} && exec "$@"`, ['-m', meeting.id], {
        timeoutMilliseconds: 110_000,
      });
      expect(result.status).toBe(0);
      expect(result.stderr).toMatch(/cannot write the log file \S+ \((?:ENOSPC|ENXIO)\): check log_file/);
    }
  });
});
