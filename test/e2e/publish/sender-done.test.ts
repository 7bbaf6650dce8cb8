/** `-sender.done` lets other tools delete a meeting here: it is there only while nothing of it is outstanding. */
import { readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { useBbbTrees } from '../../support/bbb/use-bbb-trees.ts';
import { runWorker } from '../../support/bbb/worker.ts';
import {
  failFormat,
  hasSenderDone,
  publishedLongAgo,
  readLog,
  senderDoneFile,
} from '../../support/program/traces.ts';

const createTree = useBbbTrees();
const formats = ['notes', 'presentation', 'video'];

it('appears with the last format that the steps of this server publish, and not before', async () => {
  const tree = createTree({ formats });
  const { id } = tree.addMeeting({ formats });
  tree.installHook();
  const seen: boolean[] = [];
  for (const format of formats) {
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
    expect(hasSenderDone(tree, id)).toBe(true);
  },
);

it('waits for a format that is published though the steps do not name it', async () => {
  const tree = createTree({ formats: ['presentation'] });
  const { id } = tree.addMeeting({ formats: ['presentation', 'video'] });
  expect((await tree.run(['-m', id, '-f', 'presentation'])).status).toBe(0);
  expect(hasSenderDone(tree, id)).toBe(false);
  expect((await tree.run(['-m', id, '-f', 'video'])).status).toBe(0);
  expect(hasSenderDone(tree, id)).toBe(true);
});

it('comes to an old recording whose raw files are gone, when a format came into the steps later', async () => {
  const tree = createTree({ formats });
  const meeting = tree.addMeeting({ formats: ['notes', 'presentation'] });
  publishedLongAgo(meeting);
  expect((await tree.run(['-m', meeting.id])).status).toBe(0);
  // With them, BBB may still have it in its queue.
  expect(hasSenderDone(tree, meeting.id)).toBe(false);
  rmSync(dirname(meeting.eventsFile), { recursive: true });
  expect((await tree.run(['deliver'])).status).toBe(0);
  expect(hasSenderDone(tree, meeting.id)).toBe(true);
  expect((await tree.run(['status', '-m', meeting.id])).stdout).toContain('video not made: ');
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

it('is removed before a republished format is sent again, and comes back with it', async () => {
  const tree = createTree();
  const meeting = tree.addMeeting();
  expect((await tree.run(['-m', meeting.id])).status).toBe(0);
  expect(hasSenderDone(tree, meeting.id)).toBe(true);
  const metadata = join(meeting.published('presentation'), 'metadata.xml');
  writeFileSync(metadata, readFileSync(metadata, 'utf8').replace('Demo', 'Rebuilt'));
  renameSync(tree.spoolDir, `${tree.spoolDir}-gone`);
  expect((await tree.run(['-m', meeting.id])).status).toBe(73);
  expect(hasSenderDone(tree, meeting.id)).toBe(false);
  renameSync(`${tree.spoolDir}-gone`, tree.spoolDir);
  expect((await tree.run(['-m', meeting.id])).status).toBe(0);
  expect(hasSenderDone(tree, meeting.id)).toBe(true);
  expect(readLog(tree).filter((line) => line.includes('removed the -sender.done of'))).toHaveLength(1);
});

it('stays when the same files are sent again, also when BBB has only touched them', async () => {
  const tree = createTree();
  const { id, published } = tree.addMeeting();
  expect((await tree.run(['-m', id])).status).toBe(0);
  expect(hasSenderDone(tree, id)).toBe(true);
  utimesSync(join(published('presentation'), 'shapes.svg'), new Date(), new Date());
  expect((await tree.run(['-m', id])).status).toBe(0);
  expect(hasSenderDone(tree, id)).toBe(true);
  expect(readLog(tree).filter((line) => line.includes('removed'))).toEqual([]);
});
