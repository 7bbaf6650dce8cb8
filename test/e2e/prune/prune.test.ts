/** `prune` deletes local copies of what is completely delivered, and never anything else. */
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { dump } from 'js-yaml';
import { expect, it } from 'vitest';
import type { DeletionResult } from '../../../hook/delivery/local-copy.ts';
import { installBbbRecord } from '../../support/bbb/bbb-record.ts';
import type { BbbTree } from '../../support/bbb/bbb-tree.ts';
import { useBbbTrees } from '../../support/bbb/use-bbb-trees.ts';
import { diffSnapshots, snapshotTree } from '../../support/files/snapshot-tree.ts';
import { importSpool } from '../../support/pilos/import-spool.ts';
import { expectRefused } from '../../support/program/expect-refused.ts';
import { failFormat, letDeliveryBe, readLedger } from '../../support/program/traces.ts';

const createTree = useBbbTrees();

/** Delivers a meeting, and lets PILOS have imported it so many days ago. */
async function deliver(tree: BbbTree, recordId: string, days: number, subDirs: string[] = []): Promise<void> {
  expect((await tree.run(['-m', recordId])).status).toBe(0);
  for (const spool of [tree.spoolDir, ...subDirs.map((name) => join(tree.spoolDir, name))])
    await importSpool(spool, join(tree.root, 'store'));
  expect((await tree.run(['-m', recordId])).status).toBe(0);
  letDeliveryBe(tree, recordId, 'presentation', { days });
}

/** Runs prune; returns what became of each meeting that is our own, by its id. */
async function prune(tree: BbbTree, PATH: string, ...args: string[]) {
  const { status, stdout } = await tree.run(['prune', '--json', ...args], { env: { PATH } });
  const report = JSON.parse(stdout) as { results: DeletionResult[]; exit_status: number };
  expect(report.exit_status).toBe(status);
  const states = Object.fromEntries(report.results.map(({ meeting_id, state }) => [meeting_id, state]));
  return { status, states, results: report.results };
}

it('deletes what was imported more than 14 days ago, with bbb-record --delete, and keeps the rest', async () => {
  const tree = createTree();
  const bbbRecord = installBbbRecord(tree);
  const [old, young] = [tree.addMeeting(), tree.addMeeting()];
  await deliver(tree, old.id, 15);
  await deliver(tree, young.id, 13);
  const { status, stdout, stderr } = await tree.run(['prune'], { env: { PATH: bbbRecord.PATH } });
  expect({ status, stdout, stderr }).toEqual({
    status: 0,
    stdout: `deleted the local copy of ${old.id}\n1 deleted, 0 to be deleted, 1 kept, 0 failed\n`,
    stderr: '',
  });
  expect(bbbRecord.calls()).toEqual([`--delete ${old.id}`]);
  expect(existsSync(old.published('presentation'))).toBe(false);
  expect(existsSync(young.published('presentation'))).toBe(true);
  // What was imported stays in the ledger.
  expect(readLedger(tree, old.id, 'presentation').state).toBe('imported');
  expect((await tree.run(['deliver'])).stdout).toBe('nothing to deliver\n');
});

it('does not take an import for old that was seen "in 1999", with a wrong clock: its time counts from now', async () => {
  const tree = createTree();
  const bbbRecord = installBbbRecord(tree);
  const { id } = tree.addMeeting();
  await deliver(tree, id, 365 * 27);
  const { states, results } = await prune(tree, bbbRecord.PATH);
  expect({ states, reason: results[0]?.reason }).toEqual({
    states: { [id]: 'kept' },
    reason: expect.stringMatching(/^presentation was imported at 19\d\d-.*the clock was wrong/),
  });
  expect((await prune(tree, bbbRecord.PATH, '--older-than', '1d')).states).toEqual({ [id]: 'kept' });
  expect((await prune(tree, bbbRecord.PATH, '--older-than', '2999-01-01')).states).toEqual({
    [id]: 'deleted',
  });
});

it('takes --older-than as a span of time or a date', async () => {
  const tree = createTree();
  const { PATH } = installBbbRecord(tree);
  const { id } = tree.addMeeting();
  await deliver(tree, id, 3);
  const dry = (value: string) => prune(tree, PATH, '--dry-run', '--older-than', value);
  expect((await dry('4d')).states).toEqual({ [id]: 'kept' });
  expect((await dry('2d')).states).toEqual({ [id]: 'planned' });
  expect((await dry('70h')).states).toEqual({ [id]: 'planned' });
  expect((await dry('2020-01-01')).states).toEqual({ [id]: 'kept' });
  expect((await dry('2999-01-01')).states).toEqual({ [id]: 'planned' });
  expectRefused(
    await tree.run(['prune', '--older-than', '-1d']),
    64,
    "--older-than '-1d'",
    'write it as 30m',
  );
});

it('touches nothing with --dry-run', async () => {
  const tree = createTree();
  const { PATH } = installBbbRecord(tree);
  const { id } = tree.addMeeting();
  await deliver(tree, id, 20);
  const before = snapshotTree(tree.root);
  const { status, stdout } = await tree.run(['prune', '--dry-run'], { env: { PATH } });
  expect({ status, stdout }).toEqual({
    status: 0,
    stdout: `would delete ${id}\n0 deleted, 1 to be deleted, 0 kept, 0 failed\n`,
  });
  expect(diffSnapshots(before, snapshotTree(tree.root))).toEqual([]);
});

it('never touches one with an outstanding format, whatever makes it outstanding', async () => {
  const formats = ['presentation', 'video'];
  const tree = createTree({ formats });
  const bbbRecord = installBbbRecord(tree);
  const inProcess = tree.addMeeting({ formats: ['presentation'] });
  const undelivered = tree.addMeeting({ formats: ['presentation'] });
  const failedHere = tree.addMeeting({ formats });
  const gaveUp = tree.addMeeting({ formats: ['presentation'] });
  failFormat(tree, undelivered.id, 'video');
  failFormat(tree, gaveUp.id, 'video');
  await deliver(tree, inProcess.id, 20);
  await deliver(tree, gaveUp.id, 20);
  rmSync(join(failedHere.published('video'), 'metadata.xml'));
  expect((await tree.run(['-m', failedHere.id])).status).toBe(65);
  const { status, states } = await prune(tree, bbbRecord.PATH, '--older-than', '2999-01-01');
  expect({ status, states }).toEqual({
    status: 0,
    states: {
      [inProcess.id]: 'kept',
      [undelivered.id]: 'kept',
      [failedHere.id]: 'kept',
      [gaveUp.id]: 'deleted',
    },
  });
  expect(bbbRecord.calls()).toEqual([`--delete ${gaveUp.id}`]);
});

it('never touches a meeting of another front end, nor one whose origin nobody can say', async () => {
  const tree = createTree();
  const bbbRecord = installBbbRecord(tree);
  const changedHands = tree.addMeeting();
  const unreadable = tree.addMeeting();
  tree.addMeeting({ origin: 'Greenlight' });
  for (const { id } of [changedHands, unreadable]) await deliver(tree, id, 20);
  for (const { eventsFile, published } of [changedHands, unreadable]) {
    rmSync(eventsFile);
    const metadata = join(published('presentation'), 'metadata.xml');
    const text = readFileSync(metadata, 'utf8');
    writeFileSync(metadata, published === unreadable.published ? '<' : text.replace('>PILOS<', '>LOSPI<'));
  }
  const { states } = await prune(tree, bbbRecord.PATH);
  expect(Object.hasOwn(states, changedHands.id)).toBe(false);
  expect(states[unreadable.id]).toBe('failed');
  expect(bbbRecord.calls()).toEqual([]);
});

it.each(['shapes.svg', 'metadata.xml', 'a new file'])(
  'never touches a recording in which %s has changed since its delivery',
  async (file) => {
    const tree = createTree();
    const bbbRecord = installBbbRecord(tree);
    const { id, published } = tree.addMeeting();
    await deliver(tree, id, 20);
    const path = join(published('presentation'), file);
    // White space in metadata.xml would mean the same to PILOS.
    if (file === 'metadata.xml') writeFileSync(path, readFileSync(path, 'utf8').replace('Demo', 'Rebuilt'));
    else appendFileSync(path, '\n');
    expect((await prune(tree, bbbRecord.PATH)).states).toEqual({ [id]: 'kept' });
    expect(bbbRecord.calls()).toEqual([]);
  },
);

it('never touches one that went to another destination, and says so with 78', async () => {
  const tree = createTree({ subDirs: ['new-spool'] });
  const bbbRecord = installBbbRecord(tree);
  const [first, second] = [tree.addMeeting(), tree.addMeeting()];
  await deliver(tree, first.id, 20);
  const spool = join(tree.spoolDir, 'new-spool');
  writeFileSync(tree.pilosYml, dump({ work_dir: tree.workDir, spool_dir: spool }));
  await deliver(tree, second.id, 20, ['new-spool']);
  const { status, stdout, stderr } = await tree.run(['prune'], { env: { PATH: bbbRecord.PATH } });
  expect(status).toBe(78);
  expect(stderr).toBe(
    `pilos-post-publish: kept ${first.id}: presentation was delivered to ${tree.spoolDir}, but pilos.yml now says ${spool}: if that is the same spool, run 'pilos-post-publish deliver --moved-from ${tree.spoolDir}'\n`,
  );
  expect(stdout).toContain('1 deleted, 0 to be deleted, 1 kept, 0 failed\n');
  expect(bbbRecord.calls()).toEqual([`--delete ${second.id}`]);
});

it('deletes each segment of a meeting', async () => {
  const tree = createTree();
  const bbbRecord = installBbbRecord(tree);
  const { id, publishedIds } = tree.addMeeting({ segments: [1_712_758_800_000, 1_712_760_000_000] });
  for (const segment of publishedIds) await deliver(tree, segment, 20);
  expect((await prune(tree, bbbRecord.PATH)).states).toEqual({ [id]: 'deleted' });
  expect(bbbRecord.calls()).toEqual(publishedIds.map((segment) => `--delete ${segment}`));
});

it.each([
  {
    what: 'fails, with its own words',
    instead: 'echo deleting; echo "rm: cannot remove" >&2; exit 3',
    said: /ended with 3: deleting \/ rm: cannot remove: run it by hand: sudo -u bigbluebutton bbb-record/,
  },
  {
    what: 'says that all is well and deletes nothing',
    instead: 'exit 0',
    said: /ended with 0 and left \S+: run it/,
  },
  { what: 'is killed', instead: 'kill -9 $$', said: /ended with SIGKILL: it said nothing: run it/ },
])('ends with 74 when bbb-record $what, and goes on with the next', async ({ instead, said }) => {
  const tree = createTree();
  const bbbRecord = installBbbRecord(tree, instead);
  const ids = [tree.addMeeting().id, tree.addMeeting().id];
  for (const id of ids) await deliver(tree, id, 20);
  const { status, stdout, stderr } = await tree.run(['prune'], { env: { PATH: bbbRecord.PATH } });
  expect(status).toBe(74);
  expect(stderr.trimEnd().split('\n')).toEqual([expect.stringMatching(said), expect.stringMatching(said)]);
  expect(stdout).toBe('0 deleted, 0 to be deleted, 0 kept, 2 failed\n');
  expect(bbbRecord.calls()).toHaveLength(2);
});

it('gives bbb-record the environment that it wants, which containers and units have not', async () => {
  const tree = createTree();
  const { PATH } = installBbbRecord(tree);
  const { id, published } = tree.addMeeting();
  await deliver(tree, id, 20);
  const bare = { PATH, USER: undefined, LOGNAME: undefined, HOME: undefined };
  expect((await tree.run(['prune'], { env: bare })).status).toBe(0);
  expect(existsSync(published('presentation'))).toBe(false);
});

it('deletes what bbb-record leaves: a published_dir moved by recording.yml, a format without a script', async () => {
  const formats = ['presentation', 'own-format'];
  const tree = createTree({ formats });
  const { PATH } = installBbbRecord(tree);
  const moved = tree.addMeeting({ formats });
  await deliver(tree, moved.id, 20);
  letDeliveryBe(tree, moved.id, 'own-format', { days: 20 });
  // bbb-record reads this file alone, and deletes nothing of what lies elsewhere.
  const text = readFileSync(tree.bigbluebuttonYml, 'utf8');
  writeFileSync(tree.recordingYml, `published_dir: ${tree.publishedDir}\n`);
  writeFileSync(tree.bigbluebuttonYml, text.replace(tree.publishedDir, `${tree.root}/elsewhere/published`));
  const both = `${tree.bigbluebuttonYml}:${tree.recordingYml}`;
  const { status, stdout } = await tree.run(['prune'], {
    env: { PATH, PILOS_POST_PUBLISH_BBB_CONFIG: both },
  });
  expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringContaining('1 deleted') });
  for (const format of formats) expect(existsSync(moved.published(format)), format).toBe(false);
  expect(existsSync(join(tree.recordingDir, 'raw', moved.id))).toBe(false);
});

it('keeps a recording of which a format is unpublished, since that would be deleted too', async () => {
  const formats = ['presentation', 'video'];
  const tree = createTree({ formats });
  const bbbRecord = installBbbRecord(tree);
  const meeting = tree.addMeeting({ formats });
  await deliver(tree, meeting.id, 20);
  letDeliveryBe(tree, meeting.id, 'video', { days: 20 });
  mkdirSync(join(dirname(tree.publishedDir), 'unpublished/video'), { recursive: true });
  renameSync(meeting.published('video'), join(dirname(tree.publishedDir), 'unpublished/video', meeting.id));
  const { results } = await prune(tree, bbbRecord.PATH);
  expect(results).toMatchObject([
    { state: 'kept', reason: 'video is unpublished, and would be deleted too' },
  ]);
  expect(bbbRecord.calls()).toEqual([]);
});

it('ends with 69 when there is no bbb-record', async () => {
  const tree = createTree();
  const { id, published } = tree.addMeeting();
  await deliver(tree, id, 20);
  const { status, stderr } = await tree.run(['prune']);
  expect(status).toBe(69);
  expect(stderr).toMatch(
    /^pilos-post-publish: \S+ is not deleted: bbb-record cannot be run \(ENOENT\): is it on the PATH \([^\n]+\n$/,
  );
  expect(existsSync(published('presentation'))).toBe(true);
});
