/** Whatever names, links and sizes a recording has: what three programs unpack is what was published. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Meeting } from '../../support/bbb/bbb-meeting.ts';
import { type BbbTree, createBbbTree } from '../../support/bbb/bbb-tree.ts';
import { useBbbTrees } from '../../support/bbb/use-bbb-trees.ts';
import { writeAwkwardFiles } from '../../support/files/awkward-names.ts';
import { compareTrees } from '../../support/files/compare-trees.ts';
import { unpackers } from '../../support/files/unpackers.ts';
import type { ImportAttempt } from '../../support/pilos/import-attempt.ts';
import { importSpool } from '../../support/pilos/import-spool.ts';
import { runFromShell } from '../../support/program/run-from-shell.ts';
import { runOrThrow } from '../../support/program/run-program.ts';
import { createBbbUser, removeUser } from '../../support/program/users.ts';

const createTree = useBbbTrees();

function archiveOf(tree: BbbTree, { id }: Meeting): string {
  return join(tree.spoolDir, `${id}-presentation.tar`);
}

/** Where PILOS keeps what it has imported. */
function storedFrom(imported: ImportAttempt | undefined): string {
  return imported?.formats[0]?.storedIn ?? '';
}

/** The directory of an unpacked archive that must equal the published one. */
function inside(unpacked: string, { id }: Meeting): string {
  return join(unpacked, 'presentation', id);
}

describe('a recording with every name, length, link, mode and time that has ever broken an archiver', () => {
  let tree: BbbTree;
  let meeting: Meeting;

  beforeAll(async () => {
    tree = createBbbTree();
    meeting = tree.addMeeting();
    writeAwkwardFiles(meeting.published('presentation'));
    const { status, stderr } = await tree.run(['-m', meeting.id]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  afterAll(() => tree.remove());

  it.each(unpackers)('is unpacked byte by byte by $reader', async ({ unpack }) => {
    const unpacked = join(tree.root, `unpacked-${unpack.name}`);
    await unpack(archiveOf(tree, meeting), unpacked);
    expect(compareTrees(meeting.published('presentation'), inside(unpacked, meeting))).toEqual([]);
    expect(readdirSync(unpacked)).toEqual(['presentation']);
  });

  it("is imported by PILOS with PHP's default memory", async () => {
    const spool = join(tree.root, 'spool of PILOS');
    cpSync(tree.spoolDir, spool, { recursive: true });
    const [imported] = await importSpool(spool, join(tree.root, 'store'));
    expect(imported).toMatchObject({ result: 'imported', formats: [{ id: meeting.id }] });
    expect(compareTrees(meeting.published('presentation'), storedFrom(imported))).toEqual([]);
  });

  it('is an archive of plain files and directories: owner 0/0, two modes, no links, no pax headers', async () => {
    const { stdout } = await runOrThrow('tar', [
      '-tvf',
      archiveOf(tree, meeting),
      '--numeric-owner',
      '--utc',
    ]);
    const kinds = new Set(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.slice(0, 14)),
    );
    expect([...kinds].sort()).toEqual(['-rw-r--r-- 0/0', 'drwxr-xr-x 0/0']);
    const headers = readFileSync(archiveOf(tree, meeting));
    for (let at = 0; at < headers.length; at += 512) {
      if (headers.toString('latin1', at + 257, at + 262) !== 'ustar') continue;
      expect('05L').toContain(headers.toString('latin1', at + 156, at + 157));
    }
  });
});

it('packs 10,000 small files, and PILOS gets each of them', async () => {
  const tree = createTree();
  const meeting = tree.addMeeting();
  for (let folder = 0; folder < 100; folder += 1) {
    const directory = join(meeting.published('presentation'), 'many', `${folder}`);
    mkdirSync(directory, { recursive: true });
    for (let file = 0; file < 100; file += 1) writeFileSync(join(directory, `${file}`), `${folder}/${file}`);
  }
  const { status, stdout } = await tree.run(['-m', meeting.id]);
  expect(status).toBe(0);
  expect(stdout).toMatch(/^delivered \S+ \(10024 files, /);
  const [imported] = await importSpool(tree.spoolDir, join(tree.root, 'store'));
  expect(imported?.result).toBe('imported');
  expect(compareTrees(meeting.published('presentation'), storedFrom(imported))).toEqual([]);
});

it('makes the same bytes of the same files: again, in a copy, for another user, under another umask', async () => {
  const user = await createBbbUser();
  try {
    const trees = [createTree({ seed: 'same' }), createTree({ seed: 'same' })] as const;
    const meetings = trees.map((tree) => tree.addMeeting());
    const [meeting] = meetings;
    if (meeting === undefined) throw new Error('no meeting');
    const [one, other] = trees;
    writeAwkwardFiles(meeting.published('presentation'));
    const copy = other.publishedDir;
    execFileSync('rm', ['-r', copy]);
    execFileSync('cp', ['-a', one.publishedDir, copy]);
    // Modes differ, and owners.
    execFileSync('chmod', ['-R', 'go-w,a+rX', copy]);
    chmodSync(join(copy, 'presentation', meeting.id, 'metadata.xml'), 0o751);
    // The one link with an absolute target leads into the original.
    const links = (top: string) => join(top, 'presentation', meeting.id, 'links');
    execFileSync('ln', ['-sfn', 'original.txt', join(links(copy), 'absolute')]);
    execFileSync('touch', ['-r', links(one.publishedDir), links(copy)]);
    other.giveTo(user);
    const first = await runFromShell(one, 'umask 000; exec "$@"', ['-m', meeting.id]);
    const again = readFileSync(archiveOf(one, meeting));
    const repeated = await runFromShell(one, 'umask 022; exec "$@"', ['-m', meeting.id]);
    execFileSync('chmod', ['0777', other.spoolDir]);
    const copied = await runFromShell(other, 'umask 077; exec "$@"', ['-m', meeting.id], { login: user });
    expect([first.status, repeated.status, copied.status]).toEqual([0, 0, 0]);
    expect(readFileSync(archiveOf(one, meeting)).equals(again)).toBe(true);
    expect(readFileSync(archiveOf(other, meeting)).equals(again)).toBe(true);
  } finally {
    await removeUser(user);
  }
});

it('stores hard links and inner symbolic links as the files they stand for', async () => {
  const tree = createTree();
  const meeting = tree.addMeeting();
  const published = meeting.published('presentation');
  linkSync(join(published, 'shapes.svg'), join(published, 'a-hard-link.svg'));
  symlinkSync('video/webcams.webm', join(published, 'a-link.webm'));
  symlinkSync('video', join(published, 'a-linked-directory'));
  expect((await tree.run(['-m', meeting.id])).status).toBe(0);
  const [imported] = await importSpool(tree.spoolDir, join(tree.root, 'store'));
  const unpacked = storedFrom(imported);
  expect(compareTrees(published, unpacked)).toEqual([]);
  for (const name of ['a-hard-link.svg', 'a-link.webm', 'a-linked-directory/webcams.webm']) {
    expect(readFileSync(join(unpacked, name)).equals(readFileSync(join(published, name)))).toBe(true);
  }
});

it('follows links when the published directory is itself reached through one', async () => {
  const tree = createTree();
  const meeting = tree.addMeeting();
  const real = join(tree.root, 'mnt/bigger-disk');
  cpSync(meeting.published('presentation'), real, { recursive: true, preserveTimestamps: true });
  execFileSync('rm', ['-r', meeting.published('presentation')]);
  symlinkSync(real, meeting.published('presentation'));
  symlinkSync('video/webcams.webm', join(real, 'a-link.webm'));
  expect((await tree.run(['-m', meeting.id])).status).toBe(0);
  const [imported] = await importSpool(tree.spoolDir, join(tree.root, 'store'));
  expect(compareTrees(real, storedFrom(imported))).toEqual([]);
});

it('leaves out sockets, FIFOs and devices with a warning each, and delivers the rest', async () => {
  const tree = createTree();
  const meeting = tree.addMeeting();
  const published = meeting.published('presentation');
  execFileSync('mkfifo', [join(published, 'a-fifo')]);
  execFileSync('mknod', [join(published, 'a-device'), 'c', '1', '3']);
  symlinkSync('a-fifo', join(published, 'link-to-fifo'));
  const server = createServer();
  // A socket's path has at most 107 bytes.
  await new Promise<void>((resolve) => server.listen(join(tree.root, 's'), resolve));
  linkSync(join(tree.root, 's'), join(published, 'a-socket'));
  const { status, stderr } = await tree.run(['-m', meeting.id]);
  server.close();
  expect(status).toBe(0);
  const kinds = [...stderr.matchAll(/^pilos-post-publish: '\S+\/([^/']+)' (.*)\n/gm)].map(
    ([, name, what]) => `${name} ${what}`,
  );
  expect(kinds).toEqual([
    'a-device is a device: left out of the archive',
    'a-fifo is a FIFO: left out of the archive',
    'a-socket is a socket: left out of the archive',
    'link-to-fifo leads to a FIFO: left out of the archive',
  ]);
  const [imported] = await importSpool(tree.spoolDir, join(tree.root, 'store'));
  const unpacked = storedFrom(imported);
  expect(readdirSync(unpacked)).not.toContain('link-to-fifo');
  expect(compareTrees(published, unpacked)).toEqual([]);
});
