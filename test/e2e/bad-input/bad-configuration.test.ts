/** Each mistake in a configuration file: exit 78, one line with file, key and fix, and nothing written. */
import { chmodSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dump } from 'js-yaml';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Meeting } from '../../support/bbb/bbb-meeting.ts';
import type { BbbTree } from '../../support/bbb/bbb-tree.ts';
import { useBbbTrees } from '../../support/bbb/use-bbb-trees.ts';
import { diffSnapshots, snapshotTree } from '../../support/files/snapshot-tree.ts';
import { expectRefused } from '../../support/program/expect-refused.ts';
import { oneOfEach } from '../../support/program/test-size.ts';
import { createBbbUser, removeUser, type TestUser } from '../../support/program/users.ts';

const createTree = useBbbTrees();
let tree: BbbTree;
let meeting: Meeting;

beforeEach(() => {
  tree = createTree();
  meeting = tree.addMeeting();
  tree.installHook();
});

async function expectRefusedWith(status: number, ...said: (string | RegExp)[]): Promise<void> {
  const before = snapshotTree(tree.root);
  expectRefused(await tree.run(['-m', meeting.id, '-f', 'presentation']), status, ...said);
  expect(diffSnapshots(before, snapshotTree(tree.root))).toEqual([]);
}

/** What is no configuration, whichever of the two files it is. */
const texts = [
  { what: 'is empty', text: '', says: 'is empty' },
  { what: 'has only comments', text: '# work_dir: /x\n\n', says: 'is empty' },
  {
    what: 'is binary',
    text: Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0xff, 0xfe, 0]),
    says: 'is not a text file in UTF-8',
  },
  {
    what: 'is in Latin-1',
    text: Buffer.from('work_dir: /b\xfccher\n', 'latin1'),
    says: 'is not a text file in UTF-8',
  },
  { what: 'has NUL bytes', text: 'work_dir: /x\0\n', says: /is not valid YAML/ },
  { what: 'is malformed', text: 'a: 1\nb: [1, 2\nc: }\n', says: /is not valid YAML in line \d+: / },
  {
    what: 'has a tab for indentation',
    text: 'retry:\n\tattempts: 3\n',
    says: /is not valid YAML in line 2: /,
  },
  { what: 'refers to a missing anchor', text: 'a: *nowhere\n', says: /is not valid YAML.*nowhere/ },
  { what: 'is a list', text: '- a\n- b\n', says: 'must be a mapping of keys to values' },
  { what: 'is a text', text: 'just words\n', says: 'must be a mapping of keys to values' },
  { what: 'is a number', text: '42\n', says: 'must be a mapping of keys to values' },
];

describe.each(['pilosYml', 'bigbluebuttonYml'] as const)('%s', (which) => {
  it('that is missing', async () => {
    rmSync(tree[which]);
    await expectRefusedWith(
      78,
      `${tree[which]} does not exist: 'pilos-post-publish check' names the command`,
    );
  });

  it('that is a directory', async () => {
    rmSync(tree[which]);
    mkdirSync(tree[which]);
    await expectRefusedWith(
      78,
      `cannot read ${tree[which]}: a directory is in its place (EISDIR): correct it`,
    );
  });

  // In CI each file gets half of them; config-files.test.ts tries all.
  it.each(oneOfEach(2, texts, which === 'pilosYml' ? 0 : 1))('that $what', async ({ text, says }) => {
    writeFileSync(tree[which], text);
    await expectRefusedWith(78, tree[which], says, "correct it and run 'pilos-post-publish check'");
  });
});

describe('a key of pilos.yml', () => {
  /** Keys in the place of, or beside, the two that are required; undefined leaves one out. */
  const mistakes: [string, Record<string, unknown>, string | RegExp][] = [
    ['work_dir that is missing', { work_dir: undefined }, 'work_dir is missing'],
    ['spool_dir that is missing', { spool_dir: undefined }, 'spool_dir is missing'],
    ['spool_dir without a value', { spool_dir: null }, 'spool_dir is missing'],
    [
      'work_dir that is relative',
      { work_dir: 'var/pilos' },
      "work_dir must be an absolute path, but is 'var/pilos'",
    ],
    ['work_dir that is empty', { work_dir: '' }, 'work_dir is empty'],
    ['work_dir that is a number', { work_dir: 7 }, "work_dir must be a text, but is '7'"],
    ['work_dir that is a list', { work_dir: ['/a'] }, 'work_dir must be a text, but is a list'],
    [
      'work_dir with a newline',
      { work_dir: '/a\nb' },
      "work_dir must be an absolute path, but is '/a\\x0ab'",
    ],
    [
      'spool_dir that is relative',
      { spool_dir: 'spool' },
      'spool_dir is neither an absolute path, nor [USER@]HOST:PATH',
    ],
    ['spool_dir with an option for ssh', { spool_dir: '-oProxyCommand=x:/y' }, 'spool_dir is neither'],
    [
      'spool_dir with a space in its path',
      { spool_dir: 'host:/a b' },
      "spool_dir may have only letters, digits, '.'",
    ],
    ['spool_dir that leads up', { spool_dir: 'host:../x' }, "nor have '..' in it"],
    ['spool_dir without a module', { spool_dir: 'host::' }, 'names no module of the rsync daemon'],
    ['a key with a letter too few', { spol_dir: '/x' }, "unknown key 'spol_dir', did you mean 'spool_dir'?"],
    ['a key in capitals', { WORK_DIR: '/x' }, "unknown key 'WORK_DIR'"],
    ['a key with a dash', { 'work-dir': '/x' }, "unknown key 'work-dir', did you mean 'work_dir'?"],
    ['a key of another program', { scalelite_url: 'x' }, "unknown key 'scalelite_url'"],
    ['a key with a newline', { 'a\nb': 1 }, "unknown key 'a\\x0ab'"],
    [
      'extra_rsync_opts that is a mapping',
      { extra_rsync_opts: { a: 1 } },
      'extra_rsync_opts must be a list, but is a mapping',
    ],
    [
      'extra_rsync_opts with a number in it',
      { extra_rsync_opts: [1] },
      "extra_rsync_opts.0 must be a list of texts, but is '1'",
    ],
    ['origins that is empty', { origins: [] }, 'origins is empty: nothing would ever be sent'],
    ['origins that is a text', { origins: 'PILOS' }, "origins must be a list, but is 'PILOS'"],
    [
      'allowed_sub_dirs that leads out',
      { allowed_sub_dirs: ['../x'] },
      'allowed_sub_dirs.0 has an entry that is not a relative path',
    ],
    [
      'require_mount that is a text',
      { require_mount: 'yes please' },
      'require_mount must be true, false or the path of a mount point',
    ],
    ['retry that is a number', { retry: 5 }, "retry must have the keys attempts and max_seconds, but is '5'"],
    ['retry.attempts of none', { retry: { attempts: 0 } }, "retry.attempts must be at least 1, but is '0'"],
    [
      'retry.attempts in halves',
      { retry: { attempts: 2.5 } },
      "retry.attempts must be a whole number, but is '2.5'",
    ],
    [
      'retry.attempts as a text',
      { retry: { attempts: 'many' } },
      "retry.attempts must be a number, but is 'many'",
    ],
    [
      'a misspelt key within retry',
      { retry: { atempts: 2 } },
      "unknown key 'retry.atempts', did you mean 'retry.attempts'?",
    ],
    ['deliver at an unknown time', { deliver: 'soon' }, "deliver must be 'now' or 'later', but is 'soon'"],
    [
      'delete_after_transfer as a text',
      { delete_after_transfer: 'no!' },
      "delete_after_transfer must be true or false, but is 'no!'",
    ],
    ['log_file that is relative', { log_file: 'x.log' }, "log_file must be an absolute path, but is 'x.log'"],
    ['metrics_file that is a list', { metrics_file: [] }, 'metrics_file must be a text, but is a list'],
    ['notify that is empty', { notify: [] }, 'notify is empty'],
  ];

  // config.test.ts tries all of them, also in CI.
  it.each(oneOfEach(3, mistakes))('%s', async (_, keys, says) => {
    const pilos = { work_dir: tree.workDir, spool_dir: tree.spoolDir, ...keys };
    writeFileSync(tree.pilosYml, dump(pilos, { skipInvalid: true }));
    await expectRefusedWith(78, `${tree.pilosYml}: `, says, "correct it and run 'pilos-post-publish check'");
  });

  it('is reported with all the others, and with those of the other file', async () => {
    writeFileSync(tree.pilosYml, 'spool_dirr: /x\nwork_dir: x\nretry: { attempts: a }\n');
    writeFileSync(tree.bigbluebuttonYml, 'published_dir: 3\nlog_dir: logs\n');
    const said = ["'spool_dirr', did you mean 'spool_dir'?", 'work_dir must be', 'retry.attempts must be'];
    await expectRefusedWith(
      78,
      ...said,
      'spool_dir is missing',
      'published_dir must be a text',
      'log_dir must be',
    );
  });
});

describe("a key of BBB's configuration", () => {
  it.each([
    ['published_dir', 'relative/path', "published_dir must be an absolute path, but is 'relative/path'"],
    ['recording_dir', 17, "recording_dir must be a text, but is '17'"],
    ['log_dir', ['/a'], 'log_dir must be a text, but is a list'],
  ])('%s of a wrong kind', async (key, value, says) => {
    writeFileSync(tree.bigbluebuttonYml, dump({ published_dir: tree.publishedDir, [key]: value }));
    await expectRefusedWith(78, says, tree.bigbluebuttonYml);
  });

  it('published_dir that does not exist', async () => {
    rmSync(meeting.eventsFile);
    rmSync(tree.publishedDir, { recursive: true });
    const before = snapshotTree(tree.root);
    const result = await tree.run(['-m', meeting.id]);
    expectRefused(
      result,
      78,
      `published_dir ${tree.publishedDir} does not exist: check published_dir in BBB's`,
    );
    const changes = diffSnapshots(before, snapshotTree(tree.root));
    expect(changes.filter((line) => !line.includes('var/log/bigbluebutton'))).toEqual([]);
  });
});

describe('a configuration that may not be read', () => {
  let user: TestUser;
  beforeAll(async () => {
    user = await createBbbUser();
  });
  afterAll(() => removeUser(user));

  it.each(['pilosYml', 'bigbluebuttonYml'] as const)('%s', async (which) => {
    chmodSync(tree[which], 0);
    const before = snapshotTree(tree.root);
    const result = await tree.run(['-m', meeting.id], { user });
    expectRefused(result, 78, `cannot read ${tree[which]}: permission denied (EACCES)`);
    expect(diffSnapshots(before, snapshotTree(tree.root))).toEqual([]);
  });
});

it('takes yes, no and on for what Ruby takes them for, and a file with a byte order mark', async () => {
  const text = readFileSync(tree.pilosYml, 'utf8');
  writeFileSync(tree.pilosYml, `\ufeff${text}delete_after_transfer: no\nrequire_mount: off\n`);
  symlinkSync(tree.pilosYml, join(tree.root, 'linked.yml'));
  const result = await tree.run(['-m', meeting.id, '--config', join(tree.root, 'linked.yml')]);
  expect(result).toMatchObject({ status: 0, stderr: '' });
});
