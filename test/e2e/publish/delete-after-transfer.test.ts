/** `delete_after_transfer`: the timer deletes the local copy as soon as PILOS has the last format. */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { installBbbRecord } from '../../support/bbb/bbb-record.ts';
import { useBbbTrees } from '../../support/bbb/use-bbb-trees.ts';
import { confirmImports } from '../../support/pilos/confirm-imports.ts';
import { importSpool } from '../../support/pilos/import-spool.ts';
import { failFormat, hasSenderDone } from '../../support/program/traces.ts';

const createTree = useBbbTrees();
const formats = ['presentation', 'video'];

it.each(['delete_after_transfer', 'delete_recording'])(
  'deletes with %s when PILOS has the last format, not before',
  async (key) => {
    const tree = createTree({ formats, pilos: { [key]: true } });
    const { PATH, calls } = installBbbRecord(tree);
    const { id, published } = tree.addMeeting({ formats });
    expect((await tree.run(['-m', id, '-f', 'presentation'], { env: { PATH } })).status).toBe(0);
    await importSpool(tree.spoolDir, join(tree.root, 'store'));
    expect((await tree.run(['-m', id, '-f', 'video'], { env: { PATH } })).status).toBe(0);
    expect((await tree.run(['deliver'], { env: { PATH } })).status).toBe(0);
    expect(calls()).toEqual([]);
    const { status, stdout } = await confirmImports(tree, { env: { PATH } });
    expect(status).toBe(0);
    expect(stdout).toContain(`deleted the local copy of ${id}\n`);
    expect(calls()).toEqual([`--delete ${id}`]);
    expect(formats.map((format) => existsSync(published(format)))).toEqual([false, false]);
    expect((await tree.run(['status', '-m', id])).stdout).toContain('presentation imported');
  },
);

it('deletes nothing by default', async () => {
  const tree = createTree();
  const { PATH, calls } = installBbbRecord(tree);
  const { id, published } = tree.addMeeting();
  expect((await tree.run(['-m', id], { env: { PATH } })).status).toBe(0);
  expect((await confirmImports(tree, { env: { PATH } })).status).toBe(0);
  expect(calls()).toEqual([]);
  expect(existsSync(published('presentation'))).toBe(true);
});

it('deletes nothing while a format cannot be packed', async () => {
  const tree = createTree({ formats, pilos: { delete_after_transfer: true } });
  const { PATH, calls } = installBbbRecord(tree);
  const { id, published } = tree.addMeeting({ formats });
  rmSync(join(published('presentation'), 'metadata.xml'));
  expect((await tree.run(['-m', id], { env: { PATH } })).status).toBe(65);
  expect((await confirmImports(tree, { env: { PATH } })).status).toBe(65);
  expect(calls()).toEqual([]);
});

it('deletes nothing when nobody knows which formats may still come', async () => {
  const tree = createTree({ steps: {}, pilos: { delete_after_transfer: true } });
  const { PATH, calls } = installBbbRecord(tree);
  const { id } = tree.addMeeting();
  expect((await tree.run(['-m', id], { env: { PATH } })).status).toBe(0);
  const { status, stderr } = await confirmImports(tree, { env: { PATH } });
  expect(status).toBe(0);
  expect(stderr).toBe(
    "pilos-post-publish: not deleted: BBB's configuration has no steps, so other formats may still come\n",
  );
  expect(calls()).toEqual([]);
});

it('has delivered all the same when bbb-record fails, and says what is left', async () => {
  const tree = createTree({ pilos: { delete_after_transfer: true } });
  const { PATH } = installBbbRecord(tree, 'exit 1');
  const { id } = tree.addMeeting();
  expect((await tree.run(['-m', id], { env: { PATH } })).status).toBe(0);
  const { status, stderr } = await confirmImports(tree, { env: { PATH } });
  expect(status).toBe(0);
  expect(stderr).toMatch(
    /^pilos-post-publish: \S+ is not deleted: 'bbb-record --delete \S+' ended with 1: it said nothing: [^\n]+\n$/,
  );
  expect(hasSenderDone(tree, id)).toBe(true);
});

it('lets deliver delete once the last format has failed in BBB', async () => {
  const tree = createTree({ formats, pilos: { delete_after_transfer: true } });
  const { PATH, calls } = installBbbRecord(tree);
  const { id } = tree.addMeeting({ formats: ['presentation'] });
  expect((await tree.run(['-m', id], { env: { PATH } })).status).toBe(0);
  expect((await confirmImports(tree, { env: { PATH } })).status).toBe(0);
  expect(calls()).toEqual([]);
  failFormat(tree, id, 'video');
  expect((await tree.run(['deliver'], { env: { PATH } })).status).toBe(0);
  expect(calls()).toEqual([`--delete ${id}`]);
});
