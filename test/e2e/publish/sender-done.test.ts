/** `-sender.done` lets other tools delete a meeting here: it is there only while PILOS has all of it. */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import type { BbbTree } from '../../support/bbb/bbb-tree.ts';
import { useBbbTrees } from '../../support/bbb/use-bbb-trees.ts';
import { runWorker } from '../../support/bbb/worker.ts';
import { confirmImports } from '../../support/pilos/confirm-imports.ts';
import { importSpool } from '../../support/pilos/import-spool.ts';
import { createPilos } from '../../support/pilos/pilos.ts';
import {
  failFormat,
  hasSenderDone,
  publishedLongAgo,
  readLog,
  senderDoneFile,
} from '../../support/program/traces.ts';

const createTree = useBbbTrees();
const formats = ['notes', 'presentation', 'video'];

it('appears when PILOS has the last format that the steps of this server publish, and not before', async () => {
  const tree = createTree({ formats });
  const { id } = tree.addMeeting({ formats });
  tree.installHook();
  const seen: boolean[] = [];
  for (const format of formats) {
    await runWorker(tree, id, format);
    await importSpool(tree.spoolDir, join(tree.root, 'store'));
    // BBB's next call for it confirms the import, as the timer does.
    await runWorker(tree, id, format);
    seen.push(hasSenderDone(tree, id));
  }
  expect(seen).toEqual([false, false, true]);
  expect(readFileSync(senderDoneFile(tree, id), 'utf8')).toBe(`Published ${id}`);
});

it('waits for a format that BBB has not published yet', async () => {
  const tree = createTree({ formats });
  const { id } = tree.addMeeting({ formats: ['notes', 'presentation'] });
  expect((await tree.run(['-m', id])).status).toBe(0);
  expect(tree.spoolFiles()).toHaveLength(2);
  await confirmImports(tree);
  expect(hasSenderDone(tree, id)).toBe(false);
});

it.each(['published', 'processed'])(
  'does not wait for a format that failed in BBB, with a .fail under status/%s',
  async (step) => {
    const tree = createTree({ formats });
    const { id } = tree.addMeeting({ formats: ['notes', 'presentation'] });
    failFormat(tree, id, 'video', step);
    expect((await tree.run(['-m', id, '-f', 'notes'])).status).toBe(0);
    expect(hasSenderDone(tree, id)).toBe(false);
    expect((await tree.run(['-m', id, '-f', 'presentation'])).status).toBe(0);
    await confirmImports(tree);
    expect(hasSenderDone(tree, id)).toBe(true);
  },
);

it('waits for a format that is published though the steps do not name it', async () => {
  const importSpoolOf = async (server: BbbTree, meetingId: string, format: string) => {
    expect((await server.run(['-m', meetingId, '-f', format])).status).toBe(0);
    // The call of the next format, not the timer, which would deliver that as well.
    await importSpool(server.spoolDir, join(server.root, 'store'));
    expect((await server.run(['-m', meetingId, '-f', format])).status).toBe(0);
  };
  const tree = createTree({ formats: ['presentation'] });
  const { id } = tree.addMeeting({ formats: ['presentation', 'video'] });
  await importSpoolOf(tree, id, 'presentation');
  expect(hasSenderDone(tree, id)).toBe(false);
  await importSpoolOf(tree, id, 'video');
  expect(hasSenderDone(tree, id)).toBe(true);
});

it('comes to an old recording whose raw files are gone, when a format came into the steps later', async () => {
  const tree = createTree({ formats });
  const meeting = tree.addMeeting({ formats: ['notes', 'presentation'] });
  publishedLongAgo(meeting);
  expect((await tree.run(['-m', meeting.id])).status).toBe(0);
  await confirmImports(tree);
  // With them, BBB may still have it in its queue.
  expect(hasSenderDone(tree, meeting.id)).toBe(false);
  rmSync(dirname(meeting.eventsFile), { recursive: true });
  expect((await tree.run(['deliver'])).status).toBe(0);
  expect(hasSenderDone(tree, meeting.id)).toBe(true);
  expect((await tree.run(['status', '-m', meeting.id])).stdout).toContain('video not produced');
});

it("follows the steps of BBB's override, which replace those of bigbluebutton.yml", async () => {
  const recordingYml = `steps:
  archive: sanity
  sanity: captions
  captions: ['process:presentation', 'process:video']
  process:presentation: publish:presentation
  process:video: publish:video
`;
  const tree = createTree({ formats: ['presentation'], recordingYml });
  const { id } = tree.addMeeting({ formats: ['presentation'] });
  expect((await tree.run(['-m', id])).status).toBe(0);
  expect(hasSenderDone(tree, id)).toBe(false);
});

it('stays away while another format has not been delivered', async () => {
  const tree = createTree({ formats: ['presentation', 'video'] });
  const { id, published } = tree.addMeeting({ formats: ['presentation', 'video'] });
  renameSync(join(published('video'), 'metadata.xml'), join(published('video'), 'elsewhere'));
  expect((await tree.run(['-m', id])).status).toBe(65);
  expect(hasSenderDone(tree, id)).toBe(false);
});

it('goes when BBB publishes other files, and comes back when PILOS has those', async () => {
  const tree = createTree();
  const { id, published } = tree.addMeeting();
  expect((await tree.run(['-m', id])).status).toBe(0);
  await confirmImports(tree);
  expect(hasSenderDone(tree, id)).toBe(true);
  const metadata = join(published('presentation'), 'metadata.xml');
  writeFileSync(metadata, readFileSync(metadata, 'utf8').replace('Demo', 'Rebuilt'));
  const { status, stderr } = await tree.run(['-m', id]);
  expect(status).toBe(65);
  expect(stderr).toContain('PILOS has an earlier version of this recording, and keeps it');
  expect(hasSenderDone(tree, id)).toBe(false);
  const pilos = await createPilos({ spool: tree.spoolDir, store: join(tree.root, 'store') });
  await pilos.deleteRecording(id);
  expect((await tree.run(['-m', id, '--again'])).status).toBe(0);
  expect(hasSenderDone(tree, id)).toBe(false);
  await confirmImports(tree);
  expect(hasSenderDone(tree, id)).toBe(true);
  expect(readLog(tree).filter((line) => line.includes('removed the -sender.done of'))).toHaveLength(1);
});

it('stays when BBB has only touched the files, and calls again', async () => {
  const tree = createTree();
  const { id, published } = tree.addMeeting();
  expect((await tree.run(['-m', id])).status).toBe(0);
  await confirmImports(tree);
  expect(hasSenderDone(tree, id)).toBe(true);
  const metadata = join(published('presentation'), 'metadata.xml');
  writeFileSync(`${metadata}.new`, readFileSync(metadata));
  renameSync(`${metadata}.new`, metadata);
  expect((await tree.run(['-m', id])).status).toBe(0);
  expect((await tree.run(['deliver'])).stdout).toBe('nothing to deliver\n');
  expect(hasSenderDone(tree, id)).toBe(true);
  expect(readLog(tree).filter((line) => line.includes('removed'))).toEqual([]);
});
