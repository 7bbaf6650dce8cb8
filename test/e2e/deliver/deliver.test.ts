/** `deliver` delivers what is published, our own and not delivered: which recordings it takes, and in which order. */
import { mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { DeliveryResult } from '../../../hook/delivery/result.ts';
import type { Meeting } from '../../support/bbb/bbb-meeting.ts';
import type { BbbTree } from '../../support/bbb/bbb-tree.ts';
import { useBbbTrees } from '../../support/bbb/use-bbb-trees.ts';
import { compareTrees } from '../../support/files/compare-trees.ts';
import { diffSnapshots, snapshotTree } from '../../support/files/snapshot-tree.ts';
import { confirmImports } from '../../support/pilos/confirm-imports.ts';
import { importSpool } from '../../support/pilos/import-spool.ts';
import { expectRefused } from '../../support/program/expect-refused.ts';
import {
  failFormat,
  hasSenderDone,
  ledgerFile,
  letDeliveryBe,
  readLedger,
  senderDoneFile,
} from '../../support/program/traces.ts';

const createTree = useBbbTrees();
const day = 24 * 3600;

interface Report {
  results: DeliveryResult[];
  left: number;
  being_published: number;
  exit_status: number;
}

async function deliverMissing(tree: BbbTree, ...args: string[]): Promise<Report> {
  const { status, stdout } = await tree.run(['deliver', '--json', ...args]);
  const report = JSON.parse(stdout) as Report;
  expect(report.exit_status).toBe(status);
  return report;
}

/** Ids of the meetings in a report, in the order in which they came. */
function idsOf({ results }: Report): string[] {
  return results.map(({ record_id }) => record_id);
}

/** Lets a meeting have been published so many days ago. */
function age({ published }: Meeting, days: number): void {
  const time = Date.now() / 1000 - days * day;
  utimesSync(join(published('presentation'), 'metadata.xml'), time, time);
}

/** One meeting for each state that the ledger knows, and one of another front end. */
async function createMixedServer() {
  const tree = createTree();
  const delivered = tree.addMeeting();
  const failed = tree.addMeeting({ subDir: 'later-made' });
  expect((await tree.run(['-m', delivered.id])).status).toBe(0);
  expect((await tree.run(['-m', failed.id])).status).toBe(73);
  mkdirSync(join(tree.spoolDir, 'later-made'));
  const untried = tree.addMeeting();
  tree.addMeeting({ origin: 'Greenlight' });
  return { tree, delivered, failed, untried };
}

it('delivers what failed and what was never tried, and nothing else', async () => {
  const { tree, failed, untried } = await createMixedServer();
  const report = await deliverMissing(tree);
  // What has never failed comes first.
  expect(idsOf(report)).toEqual([untried.id, failed.id]);
  expect(report.exit_status).toBe(0);
  const [imported] = await importSpool(join(tree.spoolDir, 'later-made'), join(tree.root, 'store'));
  expect(compareTrees(failed.published('presentation'), imported?.formats[0]?.storedIn ?? '')).toEqual([]);
  await confirmImports(tree);
  for (const { id } of [failed, untried]) expect(hasSenderDone(tree, id)).toBe(true);
  const again = await tree.run(['deliver']);
  expect(again).toEqual({ status: 0, signal: null, stdout: 'nothing to deliver\n', stderr: '' });
});

it('takes only what failed with --failed, and what PILOS had imported too with --again', async () => {
  const { tree, delivered, failed, untried } = await createMixedServer();
  await importSpool(tree.spoolDir, join(tree.root, 'store'));
  expect(idsOf(await deliverMissing(tree, '--failed'))).toEqual([failed.id]);
  const all = await deliverMissing(tree, '--again');
  expect(idsOf(all).sort()).toEqual([delivered.id, failed.id, untried.id].sort());
  expect(all.results.map(({ record_id, state }) => `${record_id} ${state}`).sort()).toEqual(
    [`${delivered.id} delivered`, `${failed.id} unchanged`, `${untried.id} delivered`].sort(),
  );
  expect(readLedger(tree, delivered.id, 'presentation').attempts).toHaveLength(2);
});

it('takes only what --since and --meeting-id name', async () => {
  const tree = createTree();
  const meetings = [tree.addMeeting(), tree.addMeeting(), tree.addMeeting(), tree.addMeeting()];
  for (const [index, meeting] of meetings.entries()) age(meeting, index * 10 + 1);
  const [newest, second, third] = meetings.map(({ id }) => id);
  const dry = (...args: string[]) => deliverMissing(tree, '--dry-run', ...args).then(idsOf);
  expect(await dry('--since', '12h')).toEqual([]);
  expect(await dry('--since', '7d')).toEqual([newest]);
  expect(await dry('--since', '2w')).toEqual([newest, second]);
  const date = new Date(Date.now() - 25 * day * 1000).toISOString().slice(0, 10);
  expect(await dry('--since', date)).toEqual([newest, second, third]);
  expect(await dry('-m', `${third}`, '--meeting-id', `${newest}`)).toEqual([newest, third]);
  expectRefused(
    await tree.run(['deliver', '-m', 'unknown', '--dry-run']),
    66,
    'meeting unknown is not published here, or not from PILOS',
  );
});

it('delivers the newest first, and with --limit says that something is left', async () => {
  const tree = createTree();
  const meetings = [tree.addMeeting(), tree.addMeeting(), tree.addMeeting()];
  for (const [index, meeting] of meetings.entries()) age(meeting, index + 1);
  const [newest, second, oldest] = meetings.map(({ id }) => id);
  const first = await deliverMissing(tree, '--limit', '2');
  expect({ ids: idsOf(first), left: first.left, status: first.exit_status }).toEqual({
    ids: [newest, second],
    left: 1,
    status: 75,
  });
  const rest = await deliverMissing(tree, '--limit', '2');
  expect({ ids: idsOf(rest), status: rest.exit_status }).toEqual({ ids: [oldest], status: 0 });
});

it('gives each recording its turn with --limit, though the newest fails every time', async () => {
  const tree = createTree();
  const [hopeless, good] = [tree.addMeeting(), tree.addMeeting()];
  age(good, 5);
  rmSync(join(hopeless.published('presentation'), 'video'), { recursive: true });
  writeFileSync(join(hopeless.published('presentation'), 'second-metadata.xml'), '<recording/>');
  expect(idsOf(await deliverMissing(tree, '--limit', '1'))).toEqual([hopeless.id]);
  expect(idsOf(await deliverMissing(tree, '--limit', '1'))).toEqual([good.id]);
  expect(tree.spoolFiles()).toEqual([`${good.id}-presentation.tar`]);
});

it('touches nothing with --dry-run, and says what it would do', async () => {
  const { tree, failed, untried } = await createMixedServer();
  const before = snapshotTree(tree.root);
  const { status, stdout, stderr } = await tree.run(['deliver', '--dry-run']);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(diffSnapshots(before, snapshotTree(tree.root))).toEqual([]);
  expect(stdout.trimEnd().split('\n')).toEqual([
    'dry run: nothing is written, sent or logged',
    expect.stringContaining(`${untried.id}-presentation.tar: would be delivered to ${tree.spoolDir} (`),
    expect.stringContaining(
      `${failed.id}-presentation.tar: would be delivered to ${tree.spoolDir}/later-made (`,
    ),
    '2 to be delivered',
  ]);
});

it('delivers again what was published again while the earlier archive is old, and what a broken ledger has forgotten', async () => {
  const tree = createTree();
  const [rebuilt, forgotten, kept] = [tree.addMeeting(), tree.addMeeting(), tree.addMeeting()];
  expect(idsOf(await deliverMissing(tree))).toHaveLength(3);
  writeFileSync(join(rebuilt.published('presentation'), 'captions_en.vtt'), 'WEBVTT\n');
  const entry = ledgerFile(tree, forgotten.id, 'presentation');
  writeFileSync(entry, readFileSync(entry, 'utf8').slice(0, 100));
  // PILOS may be importing the earlier one at this moment, and would delete the new one unread.
  const early = await deliverMissing(tree);
  expect(early.exit_status).toBe(75);
  expect(early.results.map(({ record_id, state }) => `${record_id} ${state}`).sort()).toEqual(
    [`${rebuilt.id} waiting`, `${forgotten.id} delivered`].sort(),
  );
  letDeliveryBe(tree, rebuilt.id, 'presentation', { minutes: 4 });
  const late = await deliverMissing(tree);
  expect(late.results).toMatchObject([{ record_id: rebuilt.id, state: 'delivered' }]);
  expect(readLedger(tree, kept.id, 'presentation').attempts).toHaveLength(1);
});

it('does not deliver by itself what a -sender.done covers that the ledger does not know', async () => {
  const tree = createTree();
  const [sent, later] = [tree.addMeeting(), tree.addMeeting()];
  writeFileSync(senderDoneFile(tree, sent.id), `Published ${sent.id}`);
  expect(idsOf(await deliverMissing(tree))).toEqual([later.id]);
  expect((await tree.run(['status', '-m', sent.id])).stdout).toContain('presentation adopted');
  expect(hasSenderDone(tree, sent.id)).toBe(true);
  expect((await tree.run(['-m', sent.id])).status).toBe(0);
  expect(tree.spoolFiles()).toHaveLength(2);
});

it('starts no more than max_unattended recordings that it has never seen, newest first, and says so', async () => {
  const tree = createTree({ pilos: { max_unattended: 2 } });
  const meetings = [tree.addMeeting(), tree.addMeeting(), tree.addMeeting()];
  for (const [index, meeting] of meetings.entries()) age(meeting, index + 1);
  const { status, stdout } = await tree.run(['deliver']);
  expect(status).toBe(75);
  expect(stdout).toContain("2 delivered, 1 left for later, see 'max_unattended' and --limit");
  expect(tree.spoolFiles()).toEqual(
    meetings
      .slice(0, 2)
      .map(({ id }) => `${id}-presentation.tar`)
      .sort(),
  );
  expect((await tree.run(['deliver'])).status).toBe(0);
  expect(tree.spoolFiles()).toHaveLength(3);
});

it('writes -sender.done for a meeting whose last format has failed in BBB since', async () => {
  const tree = createTree({ formats: ['presentation', 'video'] });
  const { id } = tree.addMeeting({ formats: ['presentation'] });
  expect((await tree.run(['-m', id])).status).toBe(0);
  await confirmImports(tree);
  expect(hasSenderDone(tree, id)).toBe(false);
  failFormat(tree, id, 'video', 'processed');
  const { status, stdout } = await tree.run(['deliver']);
  expect({ status, stdout }).toEqual({
    status: 0,
    stdout: `PILOS has all formats of ${id}: wrote its -sender.done\nnothing to deliver\n`,
  });
  expect(hasSenderDone(tree, id)).toBe(true);
});

it('waits for BBB while it still copies a format into published_dir', async () => {
  const tree = createTree();
  const { id } = tree.addMeeting();
  const done = join(tree.recordingDir, 'status/published', `${id}-presentation.done`);
  const text = readFileSync(done);
  rmSync(done);
  expect(await deliverMissing(tree)).toEqual({
    results: [],
    left: 0,
    being_published: 1,
    exit_status: 0,
  });
  expect(tree.spoolFiles()).toEqual([]);
  writeFileSync(done, text);
  expect(idsOf(await deliverMissing(tree))).toEqual([id]);
});

it.each([
  { args: ['--since', 'yesterday'], said: "--since 'yesterday' is neither a span of time nor a date" },
  { args: ['--since', '7 days'], said: "--since '7 days' is neither" },
  { args: ['--limit', '0'], said: "option '--limit <n>' argument '0' is invalid" },
  { args: ['--limit', 'many'], said: "argument 'many' is invalid" },
  { args: ['-m', '../x'], said: "-m '../x' is not a meeting id" },
  { args: ['--failed', '--again'], said: "'--failed' cannot be used with option '--again'" },
  { args: ['everything'], said: 'too many arguments' },
])('refuses $args.0 $args.1 with 64', async ({ args, said }) => {
  const tree = createTree();
  tree.addMeeting();
  expectRefused(await tree.run(['deliver', ...args]), 64, said);
  expect(tree.spoolFiles()).toEqual([]);
});
