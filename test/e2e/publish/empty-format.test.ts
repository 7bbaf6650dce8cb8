/** Notes that nobody wrote: BBB calls for a format that it has finished, and of which it has published nothing. */
import { rmSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { Meeting } from '../../support/bbb/bbb-meeting.ts';
import type { BbbTree } from '../../support/bbb/bbb-tree.ts';
import { useBbbTrees } from '../../support/bbb/use-bbb-trees.ts';
import { runWorker } from '../../support/bbb/worker.ts';
import { confirmImports } from '../../support/pilos/confirm-imports.ts';
import { hasSenderDone } from '../../support/program/traces.ts';

const createTree = useBbbTrees();

/** The presentation is there, of the notes only BBB's `.done`. */
function addMeeting(tree: BbbTree): Meeting {
  const meeting = tree.addMeeting({ formats: ['notes', 'presentation'] });
  rmSync(meeting.published('notes'), { recursive: true });
  return meeting;
}

it('is no failure, is one line, and holds nothing back', async () => {
  const tree = createTree({ formats: ['notes', 'presentation'] });
  tree.installHook();
  const meeting = addMeeting(tree);
  const presentation = await runWorker(tree, meeting.id, 'presentation');
  const notes = await runWorker(tree, meeting.id, 'notes');
  for (const { scripts, failure } of [presentation, notes])
    expect({ scripts, failure }).toMatchObject({ scripts: [{ exitStatus: 0 }], failure: null });
  expect(notes.log).toContain(`BBB published nothing as notes of meeting ${meeting.id}: nothing to deliver`);
  expect(tree.spoolFiles()).toEqual([`${meeting.id}-presentation.tar`]);
  await confirmImports(tree);
  expect(hasSenderDone(tree, meeting.id)).toBe(true);
  const { stdout } = await tree.run(['status', '-m', meeting.id]);
  expect(stdout).toContain('notes nothing to publish\n    BBB has finished it and published nothing');
});

it('lets the meeting be marked as done when its notes end last', async () => {
  const tree = createTree({ formats: ['notes', 'presentation'] });
  const meeting = addMeeting(tree);
  const done = `${tree.recordingDir}/status/published/${meeting.id}-notes.done`;
  rmSync(done);
  await tree.run(['-m', meeting.id, '-f', 'presentation']);
  await confirmImports(tree);
  expect(hasSenderDone(tree, meeting.id)).toBe(false);
  writeFileSync(done, '');
  expect((await tree.run(['-m', meeting.id, '-f', 'notes', '--json'])).status).toBe(0);
  expect(hasSenderDone(tree, meeting.id)).toBe(true);
});
