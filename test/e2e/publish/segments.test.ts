/** A meeting recorded in segments is published under several ids, while BBB's call names only the meeting. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { useBbbTrees } from '../../support/bbb/use-bbb-trees.ts';
import { runWorker } from '../../support/bbb/worker.ts';
import { compareTrees } from '../../support/files/compare-trees.ts';
import { confirmImports } from '../../support/pilos/confirm-imports.ts';
import { importSpool } from '../../support/pilos/import-spool.ts';
import { failFormat, hasSenderDone, readLedger } from '../../support/program/traces.ts';

const createTree = useBbbTrees();
const segments = [1_712_758_800_000, 1_712_760_000_000, 1_712_761_200_000];

it("delivers each segment as an archive of its own on BBB's one call", async () => {
  const tree = createTree();
  const meeting = tree.addMeeting({ segments });
  const other = tree.addMeeting();
  tree.installHook();
  const { scripts } = await runWorker(tree, meeting.id, 'presentation');
  expect(scripts.map(({ exitStatus }) => exitStatus)).toEqual([0]);
  expect(tree.spoolFiles()).toEqual(segments.map((at) => `${meeting.id}-${at}-presentation.tar`));
  const imported = await importSpool(tree.spoolDir, join(tree.root, 'store'));
  expect(imported.flatMap(({ formats }) => formats.map(({ id }) => id))).toEqual(meeting.publishedIds);
  for (const [index, id] of meeting.publishedIds.entries()) {
    const stored = imported[index]?.formats[0]?.storedIn ?? '';
    expect(compareTrees(meeting.published('presentation', id), stored)).toEqual([]);
  }
  expect((await tree.run(['deliver', '-m', meeting.id])).status).toBe(0);
  expect(hasSenderDone(tree, meeting.id)).toBe(true);
  expect(hasSenderDone(tree, other.id)).toBe(false);
});

it('delivers one segment when its own id is given, and says that the meeting is done with the last', async () => {
  const tree = createTree();
  const { id, publishedIds } = tree.addMeeting({ segments });
  for (const [index, segment] of publishedIds.entries()) {
    expect(hasSenderDone(tree, id)).toBe(false);
    expect((await tree.run(['-m', segment, '-f', 'presentation'])).status).toBe(0);
    expect(tree.spoolFiles()).toHaveLength(index + 1);
    expect(readLedger(tree, segment, 'presentation')).toMatchObject({ meeting_id: id, state: 'delivered' });
  }
  await confirmImports(tree);
  expect(hasSenderDone(tree, id)).toBe(true);
});

it('keeps -sender.done back for every format of every segment, but not for one that failed in BBB', async () => {
  const formats = ['presentation', 'video'];
  const tree = createTree({ formats });
  const { id, publishedIds } = tree.addMeeting({ formats: ['presentation'], segments });
  const [first = '', ...others] = publishedIds;
  for (const segment of others) failFormat(tree, segment, 'video');
  expect((await tree.run(['-m', id])).status).toBe(0);
  await confirmImports(tree);
  expect(hasSenderDone(tree, id)).toBe(false);
  failFormat(tree, first, 'video');
  expect((await tree.run(['-m', id])).status).toBe(0);
  expect(hasSenderDone(tree, id)).toBe(true);
});

it('delivers the other segments when one of them cannot be packed, and exits non-zero', async () => {
  const tree = createTree();
  const { id, publishedIds, published } = tree.addMeeting({ segments });
  const [, broken = ''] = publishedIds;
  rmSync(join(published('presentation', broken), 'metadata.xml'));
  const { status, stderr } = await tree.run(['-m', id]);
  expect(status).toBe(65);
  expect(stderr).toContain(`${broken}-presentation.tar: `);
  expect(tree.spoolFiles()).toEqual(
    publishedIds.filter((segment) => segment !== broken).map((segment) => `${segment}-presentation.tar`),
  );
  expect(hasSenderDone(tree, id)).toBe(false);
});

it("does not take another meeting's recording for a segment, however alike the ids are", async () => {
  const tree = createTree();
  const meeting = tree.addMeeting();
  const [hex = '', at = ''] = meeting.id.split('-');
  for (const id of [
    `${hex}-${at}0`,
    `${meeting.id}-x`,
    `${meeting.id}_1`,
    `x${meeting.id}`,
    `${hex}-${Number(at) + 1}`,
  ]) {
    tree.addMeeting({ id });
  }
  expect((await tree.run(['-m', meeting.id])).status).toBe(0);
  expect(tree.spoolFiles()).toEqual([`${meeting.id}-presentation.tar`]);
});
