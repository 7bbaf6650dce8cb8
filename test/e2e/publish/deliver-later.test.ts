/** `deliver: later`: BBB's call only notes the recording, so that its worker is free; the timer's `deliver` delivers. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { useBbbTrees } from '../../support/bbb/use-bbb-trees.ts';
import { runWorker } from '../../support/bbb/worker.ts';
import { compareTrees } from '../../support/files/compare-trees.ts';
import { writeSparseFile } from '../../support/files/large-files.ts';
import { diffSnapshots, snapshotTree } from '../../support/files/snapshot-tree.ts';
import { confirmImports } from '../../support/pilos/confirm-imports.ts';
import { importSpool } from '../../support/pilos/import-spool.ts';
import { expectRefused } from '../../support/program/expect-refused.ts';
import { hasSenderDone, readLedger } from '../../support/program/traces.ts';

const createTree = useBbbTrees();
const later = { pilos: { deliver: 'later' } };

it("notes the recording on BBB's call, and deliver delivers it", async () => {
  const tree = createTree(later);
  const meeting = tree.addMeeting();
  tree.installHook();
  const before = snapshotTree(tree.spoolDir);
  const { scripts, log } = await runWorker(tree, meeting.id, 'presentation');
  expect(scripts.map(({ exitStatus }) => exitStatus)).toEqual([0]);
  expect(log).toMatch(/INFO -- : noted \S+-presentation\.tar: 'pilos-post-publish deliver' delivers it/);
  expect(diffSnapshots(before, snapshotTree(tree.spoolDir))).toEqual([]);
  expect(readLedger(tree, meeting.id, 'presentation')).toMatchObject({ state: 'waiting', attempts: [] });
  expect(hasSenderDone(tree, meeting.id)).toBe(false);
  expect((await tree.run(['deliver'])).status).toBe(0);
  const [imported] = await importSpool(tree.spoolDir, join(tree.root, 'store'));
  expect(compareTrees(meeting.published('presentation'), imported?.formats[0]?.storedIn ?? '')).toEqual([]);
  expect(readLedger(tree, meeting.id, 'presentation').state).toBe('delivered');
  expect((await tree.run(['deliver'])).status).toBe(0);
  expect(readLedger(tree, meeting.id, 'presentation').state).toBe('imported');
  expect(hasSenderDone(tree, meeting.id)).toBe(true);
});

it('returns as fast for a recording of 100 GB, and without a spool', async () => {
  const tree = createTree({ ...later, spool: '/nowhere/at/all' });
  const { id, published } = tree.addMeeting();
  for (let part = 0; part < 25; part += 1) {
    writeSparseFile(join(published('presentation'), `video/${part}.webm`), 4_000_000_000);
  }
  const { status, stdout } = await tree.run(['-m', id, '--json'], { timeoutMilliseconds: 110_000 });
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ results: [{ state: 'waiting' }], exit_status: 0 });
});

it('still refuses at once what can never be delivered', async () => {
  const tree = createTree(later);
  const hostile = tree.addMeeting({ subDir: '../outside' });
  expectRefused(
    await tree.run(['-m', hostile.id]),
    65,
    "the sub directory '../outside', which is not allowed",
  );
  expectRefused(await tree.run(['-m', 'no-such-meeting']), 66, "no recording of meeting 'no-such-meeting'");
});

it('takes the -sender.done of a republished recording away, and leaves what PILOS keeps', async () => {
  const tree = createTree(later);
  const { id, published } = tree.addMeeting();
  expect((await tree.run(['-m', id])).status).toBe(0);
  expect((await tree.run(['deliver'])).status).toBe(0);
  await confirmImports(tree);
  expect(hasSenderDone(tree, id)).toBe(true);
  writeFileSync(join(published('presentation'), 'captions_en.vtt'), 'WEBVTT\n');
  expect((await tree.run(['-m', id])).status).toBe(65);
  expect(hasSenderDone(tree, id)).toBe(false);
  expect((await tree.run(['deliver'])).stdout).toBe('nothing to deliver\n');
  expect(tree.spoolFiles()).toEqual([]);
});

it('leaves a recording that failed with `deliver: now` to deliver as well', async () => {
  const tree = createTree();
  const { id } = tree.addMeeting({ subDir: 'made-too-late' });
  expect((await tree.run(['-m', id])).status).toBe(73);
  mkdirSync(join(tree.spoolDir, 'made-too-late'));
  expect((await tree.run(['deliver'])).status).toBe(0);
  expect(tree.spoolFiles()).toEqual([`made-too-late/${id}-presentation.tar`]);
});
