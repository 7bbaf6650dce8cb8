/** Published files that change while they are packed: what arrives is one state of them, or nothing. */
import { spawn } from 'node:child_process';
import { appendFileSync, cpSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import type { Meeting } from '../../support/bbb/bbb-meeting.ts';
import type { BbbTree } from '../../support/bbb/bbb-tree.ts';
import { useBbbTrees } from '../../support/bbb/use-bbb-trees.ts';
import { compareTrees } from '../../support/files/compare-trees.ts';
import { untilPacking, writeSparseFile } from '../../support/files/large-files.ts';
import { importSpool } from '../../support/pilos/import-spool.ts';
import type { ProgramResult } from '../../support/program/run-program.ts';
import { readLedger } from '../../support/program/traces.ts';

const createTree = useBbbTrees();
let tree: BbbTree;
let meeting: Meeting;
let published: string;

beforeEach(() => {
  tree = createTree();
  meeting = tree.addMeeting();
  published = meeting.published('presentation');
  // Sorted before everything else: while it is packed, the others can still change.
  writeSparseFile(join(published, '0-large'), 250_000_000);
});

/** Runs a delivery, and does something to the published files as soon as it packs. */
async function runWhile(change: () => void): Promise<ProgramResult> {
  const running = tree.start(['-m', meeting.id]);
  await untilPacking(tree.spoolDir);
  change();
  return running.result;
}

async function expectDelivered(): Promise<void> {
  const [imported] = await importSpool(tree.spoolDir, join(tree.root, 'store'));
  expect(imported?.result).toBe('imported');
  expect(compareTrees(published, imported?.formats[0]?.storedIn ?? '')).toEqual([]);
}

it.each([
  { what: 'grows', change: () => appendFileSync(join(published, 'video/webcams.webm'), 'more') },
  { what: 'shrinks', change: () => writeFileSync(join(published, 'video/webcams.webm'), 'less') },
  { what: 'vanishes', change: () => rmSync(join(published, 'video/webcams.webm')) },
  { what: 'is replaced', change: replaceWebcams },
  { what: 'is added', change: () => writeFileSync(join(published, 'video/new.webm'), 'new') },
  {
    what: 'is added in front of what is packed already',
    change: () => writeFileSync(join(published, '0'), 'new'),
  },
  {
    what: 'becomes a directory of files',
    change: () => renameSync(join(published, 'video'), join(published, 'shapes')),
  },
])('starts over when a file $what, and delivers the new state', async ({ change }) => {
  const { status, stderr } = await runWhile(change);
  expect(status).toBe(0);
  expect(stderr).toMatch(
    /^pilos-post-publish: \S+\.tar: .* (?:changed|vanished|became shorter) while it was packed; starting over\n$/,
  );
  expect(tree.spoolFiles()).toEqual([`${meeting.id}-presentation.tar`]);
  await expectDelivered();
});

/** Of the same name, size and time: only the inode says. */
function replaceWebcams(): void {
  const file = join(published, 'video/webcams.webm');
  const { size } = statSync(file);
  writeFileSync(`${file}.new`, Buffer.alloc(size, 'new'));
  renameSync(`${file}.new`, file);
}

it('gives up with 75 when a file never stops growing, and deliver delivers it once it has', async () => {
  const growing = join(published, 'growing.log');
  writeFileSync(growing, '');
  const writer = spawn('sh', ['-c', 'while :; do echo line >>"$1"; done', 'sh', growing], {
    stdio: 'ignore',
  });
  try {
    const { status, stdout, stderr } = await tree.run(['-m', meeting.id]);
    expect({ status, stdout }).toEqual({ status: 75, stdout: '' });
    expect(stderr.trimEnd().split('\n')).toEqual([
      expect.stringContaining(`'${growing}' changed while it was packed; starting over`),
      expect.stringContaining(
        `'${growing}' changed while it was packed: something still writes to the published recording; run it again when that is done`,
      ),
    ]);
    expect(tree.spoolFiles()).toEqual([]);
    expect(readLedger(tree, meeting.id, 'presentation')).toMatchObject({
      state: 'failed',
      attempts: [{ exit_status: 75 }],
    });
  } finally {
    const ended = new Promise((resolve) => writer.once('exit', resolve));
    writer.kill();
    await ended;
  }
  expect((await tree.run(['deliver'])).status).toBe(0);
  await expectDelivered();
});

it('ends with nothing in the spool when the whole recording is deleted meanwhile', async () => {
  const { status, stderr } = await runWhile(() => rmSync(published, { recursive: true }));
  expect([66, 75]).toContain(status);
  expect(stderr).toMatch(/(?:changed|vanished) while it was packed/);
  expect(tree.spoolFiles()).toEqual([]);
});

it('ends with nothing in the spool when metadata.xml vanishes meanwhile', async () => {
  const { status, stderr } = await runWhile(() => rmSync(join(published, 'metadata.xml')));
  expect(status).toBe(65);
  expect(stderr).toMatch(
    /has no metadata\.xml, or an empty one: PILOS would delete such an archive as imported; [^\n]+\n$/,
  );
  expect(tree.spoolFiles()).toEqual([]);
});

it('delivers the rebuilt recording when BBB replaces the whole directory meanwhile', async () => {
  const rebuilt = join(tree.root, 'rebuilt');
  cpSync(published, rebuilt, { recursive: true });
  writeFileSync(join(rebuilt, 'rebuilt.webm'), 'new');
  const { status } = await runWhile(() => {
    renameSync(published, `${rebuilt}.old`);
    renameSync(rebuilt, published);
  });
  expect(status).toBe(0);
  await expectDelivered();
});
