/** `migrate` sends the recordings of another front end, and leaves them as they are. */
import { cpSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { installBbbRecord } from '../../support/bbb/bbb-record.ts';
import {
  allOf,
  importAll,
  migrate,
  parseReport,
  sentAt,
  statesOf,
  writeIds,
} from '../../support/bbb/migration.ts';
import { useBbbTrees } from '../../support/bbb/use-bbb-trees.ts';
import { diffSnapshots, snapshotTree } from '../../support/files/snapshot-tree.ts';
import { runFromShell } from '../../support/program/run-from-shell.ts';
import { runOrThrow } from '../../support/program/run-program.ts';
import { hasSenderDone } from '../../support/program/traces.ts';

const createTree = useBbbTrees();
const greenlight = { origin: 'Greenlight', formats: ['presentation', 'video'] };

/** A server that Greenlight 2 and 3, Moodle and PILOS have used. */
function createServer() {
  const tree = createTree({ formats: ['presentation', 'video'] });
  const old = tree.addMeeting({ ...greenlight, name: 'Analysis I' });
  const newer = tree.addMeeting({ ...greenlight, origin: 'greenlight', eventsXml: false });
  const moodle = tree.addMeeting({ origin: 'Moodle' });
  const nobodys = tree.addMeeting({ origin: false });
  const own = tree.addMeeting();
  return { tree, old, newer, moodle, nobodys, own };
}

it('sends what Greenlight recorded on this server, which PILOS imports, and changes nothing of it', async () => {
  const { tree, old, newer } = createServer();
  const before = [tree.publishedDir, tree.recordingDir].map(snapshotTree);
  rmSync(tree.workDir, { recursive: true });
  const { status, stdout, stderr } = await tree.run(['migrate', '--no-wait', '--origin', 'Greenlight']);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toMatch(
    /^PILOS must know the meetings, .*\n1 of 4: sent \S+-presentation\.tar \(24 files, \d+ bytes\) to \S+ in \d+\.\d s\n2 of 4: sent /,
  );
  expect(stdout.replaceAll(/ +/g, ' ')).toMatch(
    /\nsent 4 \d+ kB\nsent, but not yet imported 4 \(the same command asks again\)\nnot matched 2 \(origin \S+ 1, \S+ 1\)\n/,
  );
  expect(stdout).toContain("\nPILOS' own, see deliver              1\n");
  const after = [tree.publishedDir, tree.recordingDir].map(snapshotTree);
  expect(diffSnapshots(before[0] ?? new Map(), after[0] ?? new Map())).toEqual([]);
  const changes = diffSnapshots(before[1] ?? new Map(), after[1] ?? new Map());
  expect(changes.filter((line) => !/^\w+ (?:pilos|\.)(?:[/:]|$)/.test(line))).toEqual([]);
  expect(hasSenderDone(tree, old.id)).toBe(false);
  expect(await importAll(tree, [old, newer])).toEqual(allOf([old, newer]));
  // Once more: all of it is known, and PILOS gets nothing twice.
  expect(
    statesOf(await migrate(tree, '--origin', 'Greenlight')).filter((one) => !/unchanged$/.test(one)),
  ).toEqual([]);
  expect(tree.spoolFiles()).toEqual([]);
});

it('sends the recordings of the rooms that the file of ids names, whatever their origin', async () => {
  const { tree, old, moodle, own } = createServer();
  const lines = [
    '# rooms',
    '',
    `  ${old.externalId}\t`,
    moodle.externalId,
    old.externalId,
    own.externalId,
    'room-x',
  ];
  const ids = writeIds(tree, `\uFEFF${lines.join('\r\n')}`);
  const { status, stdout, stderr } = await tree.run(['migrate', '--no-wait', '--meeting-ids', ids]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toContain(`${ids} names 4 ids, and repeats 1 of them\n`);
  expect(stdout).toContain('\n1 id has no recording here:\n  room-x\n');
  expect(await importAll(tree, [old, moodle])).toEqual(allOf([old, moodle]));
  const both = await migrate(tree, '--meeting-ids', ids, '--origin', 'moodle', '--origin', 'none');
  expect(statesOf(both)).toEqual([`${moodle.id}-presentation unchanged`]);
  expect(both.unknown_external_ids).toEqual(['room-x']);
  expect(both.unmatched).toEqual({ Greenlight: 2, greenlight: 2, none: 1 });
});

it("takes recordings without an origin for 'none'", async () => {
  const { tree, nobodys } = createServer();
  expect(statesOf(await migrate(tree, '--origin', 'none'))).toEqual([`${nobodys.id}-presentation delivered`]);
});

/** A tree as Scalelite keeps it, which is that of another BBB server. */
function createScalelite() {
  const scalelite = createTree();
  const meetings = [scalelite.addMeeting(greenlight), scalelite.addMeeting({ origin: 'PILOS' })] as const;
  return { scalelite, meetings };
}

it('sends from a tree of Scalelite that is mounted read-only, PILOS recordings too', async () => {
  const { scalelite, meetings } = createScalelite();
  const tree = createTree({ subDirs: ['instance1'] });
  tree.addMeeting(greenlight);
  const from = scalelite.publishedDir;
  const line = `mount --bind ${from} ${from} && mount -o remount,bind,ro ${from} && ! touch ${from}/x 2>/dev/null && exec "$@"`;
  const ids = writeIds(tree, meetings.map(({ externalId }) => externalId).join('\n'));
  const args = [
    'migrate',
    '--no-wait',
    '--json',
    '--from',
    from,
    '--meeting-ids',
    ids,
    '--sub-dir',
    'instance1',
  ];
  const report = parseReport(await runFromShell(tree, line, args, { ownMounts: true }));
  expect(report.exit_status).toBe(0);
  expect(report.results.map(({ state }) => state)).toEqual(['delivered', 'delivered', 'delivered']);
  expect(tree.spoolFiles().every((file) => file.startsWith('instance1/'))).toBe(true);
  expect(await importAll(tree, meetings, 'instance1')).toEqual(allOf(meetings));
});

it('sends from unpublished/, relative to where the admin stands', async () => {
  const tree = createTree();
  const [hidden, shown] = [tree.addMeeting(greenlight), tree.addMeeting(greenlight)];
  const unpublished = join(tree.publishedDir, '../unpublished');
  for (const format of hidden.formats) {
    cpSync(hidden.published(format), join(unpublished, format, hidden.id), { recursive: true });
    rmSync(hidden.published(format), { recursive: true });
  }
  const args = ['migrate', '--no-wait', '--json', '--origin', 'greenlight', '--from', 'unpublished'];
  const report = parseReport(await tree.run(args, { cwd: join(tree.publishedDir, '..') }));
  expect(statesOf(report)).toEqual([`${hidden.id}-presentation delivered`, `${hidden.id}-video delivered`]);
  const inUnpublished = { ...hidden, published: (format: string) => join(unpublished, format, hidden.id) };
  expect(await importAll(tree, [inUnpublished])).toEqual(allOf([hidden]));
  expect(sentAt(tree, shown.id)).toBeUndefined();
});

it('touches nothing with --dry-run, and shows what would go where and how much it is', async () => {
  const { tree, old, newer } = createServer();
  rmSync(join(newer.published('video'), 'metadata.xml'));
  rmSync(tree.workDir, { recursive: true });
  tree.installHook();
  const before = snapshotTree(tree.root);
  const { status, stdout, stderr } = await tree.run([
    'migrate',
    '--no-wait',
    '--origin',
    'greenlight',
    '--dry-run',
  ]);
  expect({ status, stderr }).toEqual({ status: 65, stderr: '' });
  expect(diffSnapshots(before, snapshotTree(tree.root))).toEqual([]);
  const row = (id: string) => stdout.split('\n').find((line) => line.includes(id));
  expect(row(old.id)).toMatch(/ {2}Analysis I +\S+ +\d+ kB {2}presentation to be sent, video to be sent$/);
  expect(row(newer.id)).toMatch(
    /presentation to be sent, video cannot be packed: \S+\/metadata\.xml does not exist: restore it/,
  );
  const size = (await migrate(tree, '--origin', 'greenlight', '--dry-run')).results.reduce(
    (sum, result) => sum + ('bytes' in result ? result.bytes : 0),
    0,
  );
  expect(stdout).toContain(
    `\nto be sent                           3  ${`${Math.round(size / 1000)} kB`.padStart(8)}\n`,
  );
  expect(stdout).toContain(`\nall of it would go to ${tree.spoolDir}\n`);
});

it('knows what it has sent when the tree was copied again, and sends what has changed in it', async () => {
  const { scalelite, meetings } = createScalelite();
  const tree = createTree();
  const args = ['--from', scalelite.publishedDir, '--origin', 'Greenlight', '--origin', 'PILOS'];
  expect((await migrate(tree, ...args)).exit_status).toBe(0);
  const copy = `${scalelite.publishedDir}-copy`;
  await runOrThrow('cp', ['--archive', scalelite.publishedDir, copy]);
  rmSync(scalelite.publishedDir, { recursive: true });
  renameSync(copy, scalelite.publishedDir);
  rmSync(join(meetings[0].published('video'), 'captions.json'));
  const again = await migrate(tree, ...args);
  expect(statesOf(again).sort()).toEqual(
    [
      `${meetings[0].id}-presentation unchanged`,
      `${meetings[0].id}-video delivered`,
      `${meetings[1].id}-presentation unchanged`,
    ].sort(),
  );
});

it('sends everything once more with --again, as when PILOS has lost it', async () => {
  const { tree, nobodys } = createServer();
  await migrate(tree, '--origin', 'none');
  await importAll(tree, [nobodys]);
  expect(statesOf(await migrate(tree, '--origin', 'none', '--again'))).toEqual([
    `${nobodys.id}-presentation delivered`,
  ]);
  expect(await importAll(tree, [nobodys])).toEqual(allOf([nobodys]));
});

it('sends --limit at a time, the newest first, and does not count what cannot be packed', async () => {
  const tree = createTree();
  const meetings = [1, 2, 3, 4].map(() => tree.addMeeting({ origin: 'Greenlight' }));
  meetings.sort((one, other) => other.startTime - one.startTime);
  const [broken, ...ids] = meetings.map(({ id }) => `${id}-presentation`);
  writeFileSync(join(meetings[0]?.published('presentation') ?? '', 'second-metadata.xml'), '<recording/>');
  const args = ['--origin', 'Greenlight', '--limit', '2'];
  const first = await migrate(tree, ...args);
  expect(statesOf(first)).toEqual([
    `${broken} cannot_be_packed`,
    `${ids[0]} delivered`,
    `${ids[1]} delivered`,
  ]);
  expect({ left: first.left, status: first.exit_status }).toEqual({ left: 1, status: 75 });
  const second = await migrate(tree, ...args);
  expect(statesOf(second)[3]).toBe(`${ids[2]} delivered`);
  expect(second.exit_status).toBe(65);
});

it('sends only meetings that began between --since and --until', async () => {
  const tree = createTree();
  const months = ['2024-01', '2024-02', '2024-03'].map((month) => {
    const meeting = tree.addMeeting({ origin: 'Greenlight' });
    const file = join(meeting.published('presentation'), 'metadata.xml');
    const start = Date.parse(`${month}-10T12:00:00Z`);
    writeFileSync(file, readFileSync(file, 'utf8').replace(/<start_time>\d+/, `<start_time>${start}`));
    return meeting.id;
  });
  const args = ['--origin', 'Greenlight', '--since', '2024-02-01', '--until', '2024-03-01'];
  const report = await migrate(tree, ...args);
  expect(statesOf(report)).toEqual([`${months[1]}-presentation delivered`]);
  expect({ left: report.out_of_period, status: report.exit_status }).toEqual({ left: 2, status: 0 });
});

it('is no business of status, deliver and prune: nothing migrated is missing here, nor deleted', async () => {
  const tree = createTree({ formats: ['presentation'] });
  const bbbRecord = installBbbRecord(tree);
  const { id, published } = tree.addMeeting({ origin: 'Greenlight' });
  expect((await migrate(tree, '--origin', 'Greenlight')).exit_status).toBe(0);
  const env = { PATH: bbbRecord.PATH };
  expect((await tree.run(['prune', '--older-than', '0m'], { env })).stdout).toBe(
    '0 deleted, 0 to be deleted, 0 kept, 0 failed\n',
  );
  expect(bbbRecord.calls()).toEqual([]);
  expect(existsSync(published('presentation'))).toBe(true);
  expect((await tree.run(['deliver'])).stdout).toBe('nothing to deliver\n');
  expect((await tree.run(['status'])).stdout).toMatch(/^0 recordings, /);
  expect((await tree.run(['status', '-m', id])).status).toBe(66);
});
