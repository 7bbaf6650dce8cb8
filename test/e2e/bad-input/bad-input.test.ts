/** Arguments and recordings that cannot be delivered: exit status, one line that helps, nothing in the spool. */
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Meeting } from '../../support/bbb/bbb-meeting.ts';
import type { BbbTree } from '../../support/bbb/bbb-tree.ts';
import { useBbbTrees } from '../../support/bbb/use-bbb-trees.ts';
import { writeSparseFile } from '../../support/files/large-files.ts';
import { expectRefused } from '../../support/program/expect-refused.ts';
import { hasSenderDone, readLedger } from '../../support/program/traces.ts';
import { createBbbUser, removeUser } from '../../support/program/users.ts';

const createTree = useBbbTrees();
let tree: BbbTree;
let meeting: Meeting;
/** The published directory. */
let published: string;

beforeEach(() => {
  tree = createTree();
  meeting = tree.addMeeting();
  published = meeting.published('presentation');
});

/** Asserts one line with all of this, an empty spool, and that `status` and `deliver` know of it. */
async function expectNotPacked(status: number, ...said: (string | RegExp)[]): Promise<void> {
  expectRefused(await tree.run(['-m', meeting.id]), status, `${meeting.id}-presentation.tar: `, ...said);
  expect(tree.spoolFiles()).toEqual([]);
  expect(readLedger(tree, meeting.id, 'presentation')).toMatchObject({
    state: 'failed',
    attempts: [{ exit_status: status }],
  });
  expect(hasSenderDone(tree, meeting.id)).toBe(false);
}

describe('arguments', () => {
  it.each([
    { args: [], says: 'give a meeting id with -m, or one of the commands' },
    { args: ['-f', 'presentation'], says: 'give a meeting id with -m' },
    { args: ['-m'], says: "option '-m, --meeting-id <id>' argument missing" },
    { args: ['-x'], says: "unknown option '-x'" },
    { args: ['--formta', 'x'], says: "unknown option '--formta'" },
    { args: ['--bad\u001b[31m'], says: "unknown option '--bad\\x1b[31m'" },
    { args: ['-m', 'a', 'b'], says: /too many arguments|unknown command 'b'/ },
    { args: ['reesend'], says: /too many arguments|unknown command 'reesend'/ },
    { args: ['-m', 'a', '--config'], says: 'argument missing' },
  ])('$args are refused with 64', async ({ args, says }) => {
    expectRefused(await tree.run(args), 64, says, 'pilos-post-publish --help');
  });

  it.each([
    ['-x', '--json'],
    ['deliver', '--json', '--limit', '0'],
    ['prune', '--json', '--older-than', 'never'],
  ])('%s %s are refused with a document of --json', async (...args) => {
    const { status, stdout } = await tree.run(args);
    expect(status).toBe(64);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: expect.any(String) }, exit_status: 64 });
  });
});

describe('a meeting', () => {
  it('that this server does not know', async () => {
    const id = `${'0'.repeat(40)}-1712758751753`;
    const fix = "check the id with 'bbb-record --list'; it may be on another BBB server";
    expectRefused(
      await tree.run(['-m', id]),
      66,
      `no recording of meeting '${id}' in ${tree.publishedDir}: ${fix}`,
    );
    expectRefused(await tree.run(['-m', id, '-f', 'video']), 66, `no recording of meeting '${id}'`);
  });

  it('of which this format is not published, but others are', async () => {
    const result = await tree.run(['-m', meeting.id, '-f', 'video']);
    expectRefused(
      result,
      66,
      `'video' of meeting '${meeting.id}' is not published`,
      '(published: presentation)',
      'bbb-record --rebuild',
    );
  });

  it('of which nothing is published', async () => {
    rmSync(published, { recursive: true });
    rmSync(`${tree.recordingDir}/status/published/${meeting.id}-presentation.done`);
    const result = await tree.run(['-m', meeting.id]);
    expectRefused(result, 66, 'is not published yet (published: nothing)', "'bbb-record --watch'");
  });

  it.each([
    { what: 'is missing', text: undefined, says: /events\.xml does not exist/ },
    { what: 'is empty', text: '', says: /events\.xml ends before its <metadata> is complete/ },
    { what: 'is cut', text: '<recording><metadata bbb-origin="PIL', says: /ends before its <metadata>/ },
    { what: 'is not XML', text: 'not < xml <<', says: /events\.xml (?:is not well-formed XML|ends before)/ },
    {
      what: 'has no metadata',
      text: '<recording><event/></recording>',
      says: /has no <metadata> in its root/,
    },
    { what: 'is binary', text: '\x7fELF\0\u0001\u0002', says: /events\.xml ends before/ },
  ])('whose events.xml $what, and whose metadata.xml is broken too', async ({ text, says }) => {
    if (text === undefined) rmSync(meeting.eventsFile);
    else writeFileSync(meeting.eventsFile, text);
    writeFileSync(join(published, 'metadata.xml'), '<recording><meta></recording>');
    await expectNotPacked(
      65,
      'no file says which front end the meeting belongs to',
      says,
      /metadata\.xml is not well-formed XML/,
      "'bbb-record --rebuild'",
    );
  });

  it.each([
    { what: 'is a FIFO', make: (file: string) => execFileSync('mkfifo', [file]) },
    { what: 'is a directory', make: (file: string) => mkdirSync(file) },
    { what: 'is a link to nowhere', make: (file: string) => symlinkSync('/nowhere', file) },
    { what: 'is a link to an endless device', make: (file: string) => symlinkSync('/dev/zero', file) },
  ])('whose events.xml and metadata.xml each $what', async ({ make }) => {
    for (const file of [meeting.eventsFile, join(published, 'metadata.xml')]) {
      rmSync(file);
      make(file);
    }
    await expectNotPacked(
      65,
      'no file says which front end the meeting belongs to',
      /metadata\.xml (?:is not a regular file|does not exist|cannot be read)/,
    );
  });

  it('with a metadata.xml that never ends', async () => {
    rmSync(meeting.eventsFile);
    writeSparseFile(join(published, 'metadata.xml'), 50_000_000_000);
    await expectNotPacked(65, 'metadata.xml is larger than 1048576 bytes');
  });
});

/** So many directories within each other, and a file in the last: each is made from the one above. */
function makeDeep(directory: string, levels: number, file: string): void {
  const code = 'n, dir, file = ARGV; n.to_i.times { Dir.mkdir(dir); Dir.chdir(dir) }; File.write(file, "x")';
  execFileSync('ruby', ['-e', code, `${levels}`, 'd'.repeat(200), file], { cwd: directory });
}

describe('a recording', () => {
  it('without a metadata.xml, which PILOS would delete as imported', async () => {
    rmSync(join(published, 'metadata.xml'));
    await expectNotPacked(65, `${published} has no metadata.xml, or an empty one`, "'bbb-record --rebuild'");
  });

  it('with an empty metadata.xml', async () => {
    writeFileSync(join(published, 'metadata.xml'), '');
    await expectNotPacked(65, `${published} has no metadata.xml, or an empty one`);
  });

  it.each(['backup/metadata.xml', 'old-metadata.xml'])('with a second description, %s', async (name) => {
    mkdirSync(join(published, 'backup'));
    writeFileSync(join(published, name), '<recording/>');
    await expectNotPacked(65, `${name}' is a second metadata.xml`, 'rename it and run it again');
  });

  it.each([
    {
      what: 'leads out of it',
      target: '../../../../../../etc/passwd',
      says: /leads (?:out of the recording, to '|nowhere)/,
    },
    {
      what: 'leads to an absolute path outside',
      target: '/etc/passwd',
      says: "leads out of the recording, to '/etc/passwd'",
    },
    { what: 'leads nowhere', target: 'gone.webm', says: 'leads nowhere' },
    { what: 'leads to itself', target: 'a-link', says: 'cannot be followed (ELOOP)' },
    {
      what: 'leads to the directory it is in',
      target: '.',
      says: /leads (?:to a directory that it is in|out of the recording)/,
    },
  ])('with a symbolic link that $what', async ({ target, says }) => {
    symlinkSync(target, join(published, 'a-link'));
    await expectNotPacked(
      65,
      `the symbolic link '${published}/a-link' `,
      says,
      'replace it by the file that belongs there',
    );
  });

  it('with two directories that are linked into each other', async () => {
    for (const [one, other] of [
      ['one', 'two'],
      ['two', 'one'],
    ] as const) {
      mkdirSync(join(published, one));
      symlinkSync(`../${other}`, join(published, one, 'link'));
    }
    await expectNotPacked(65, 'leads to a directory that it is in');
  });

  it('with a path that PILOS cannot unpack', async () => {
    makeDeep(published, 19, 'f'.repeat(60));
    await expectNotPacked(
      65,
      /the path '[^']+' has \d{4} bytes: PILOS cannot unpack paths over 3900 bytes; shorten it/,
    );
  });

  it('that is a file', async () => {
    rmSync(published, { recursive: true });
    writeFileSync(published, '');
    expectRefused(await tree.run(['-m', meeting.id]), 66, 'is not published');
  });

  it('with a path that nobody can name', async () => {
    makeDeep(published, 25, 'file');
    await expectNotPacked(65, 'the name is too long (ENAMETOOLONG): rename it');
    // Neither can the tree's own removal.
    execFileSync('rm', ['-r', published]);
  });

  it('with a file that may not be read', async () => {
    const user = await createBbbUser();
    try {
      tree.giveTo(user);
      chownSync(tree.spoolDir, user.uid, user.gid);
      chmodSync(join(published, 'video/webcams.webm'), 0);
      await expectNotPacked(
        77,
        `cannot read '${published}/video/webcams.webm': permission denied (EACCES)`,
        'give the user',
      );
      rmSync(join(tree.workDir, 'ledger'), { recursive: true });
      chmodSync(join(published, 'video'), 0);
      await expectNotPacked(77, `cannot read`, '/video', 'permission denied (EACCES)', 'give the user');
    } finally {
      await removeUser(user);
    }
  });
});
