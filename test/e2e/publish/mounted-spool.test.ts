/** BBB's call, and what PILOS gets from it through a spool directory that is mounted. */
import { appendFileSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Meeting } from '../../support/bbb/bbb-meeting.ts';
import type { BbbTree } from '../../support/bbb/bbb-tree.ts';
import { useBbbTrees } from '../../support/bbb/use-bbb-trees.ts';
import { runWorker } from '../../support/bbb/worker.ts';
import { compareTrees } from '../../support/files/compare-trees.ts';
import { writeSparseFile } from '../../support/files/large-files.ts';
import { diffSnapshots, snapshotTree } from '../../support/files/snapshot-tree.ts';
import type { ImportAttempt } from '../../support/pilos/import-attempt.ts';
import { importSpool } from '../../support/pilos/import-spool.ts';
import { readFormats } from '../../support/pilos/recordings.ts';
import { startObserver } from '../../support/program/observer.ts';
import { runFromShell } from '../../support/program/run-from-shell.ts';
import { hasSenderDone, readLedger, readLog } from '../../support/program/traces.ts';

const createTree = useBbbTrees();

/** What PILOS makes of the spool; also its `store` lies in the tree, so it is removed with it. */
function importTo(tree: BbbTree, spoolDir = tree.spoolDir): Promise<ImportAttempt[]> {
  return importSpool(spoolDir, join(tree.root, 'store'));
}

/** Asserts that PILOS got one archive, with exactly the published files of this format. */
function expectImported(imported: ImportAttempt[], meeting: Meeting, format: string): void {
  expect(imported.map(({ archive, result, isDeleted }) => ({ archive, result, isDeleted }))).toEqual([
    { archive: `${meeting.id}-${format}.tar`, result: 'imported', isDeleted: true },
  ]);
  expect(compareTrees(meeting.published(format), imported[0]?.formats[0]?.storedIn ?? '')).toEqual([]);
}

it("delivers on BBB's call, and PILOS imports exactly what was published", async () => {
  const tree = createTree();
  const meeting = tree.addMeeting({ name: 'Jörg & <Größe>' });
  tree.installHook();
  const { scripts, failure, log } = await runWorker(tree, meeting.id, 'presentation');
  expect({ scripts, failure }).toEqual({
    scripts: [{ script: 'pilos_post_publish', exitStatus: 0, succeeded: true }],
    failure: null,
  });
  expect(log).toMatch(
    /INFO -- : delivered \S+-presentation\.tar \(24 files, \d+ bytes\) to \S+ in \d+\.\d s\n/,
  );
  const imported = await importTo(tree);
  expectImported(imported, meeting, 'presentation');
  expect(imported[0]?.formats).toEqual([
    {
      directory: `presentation/${meeting.id}`,
      storedIn: join(tree.root, 'store/recordings', meeting.id, 'presentation'),
      isMoved: true,
      id: meeting.id,
      startTime: meeting.startTime,
      endTime: meeting.endTime,
      meetingId: meeting.externalId,
      meetingName: 'Jörg & <Größe>',
      format: 'presentation',
      link: `https://bbb.example.org/playback/presentation/2.3/${meeting.id}`,
    },
  ]);
  expect(tree.spoolFiles()).toEqual([]);
});

it('delivers all five formats of a meeting, each as an archive of its own, when no format is named', async () => {
  const formats = ['notes', 'podcast', 'presentation', 'screenshare', 'video'];
  const tree = createTree({ formats });
  const meeting = tree.addMeeting({ formats });
  expect((await tree.run(['-m', meeting.id])).status).toBe(0);
  expect(tree.spoolFiles()).toEqual(formats.map((format) => `${meeting.id}-${format}.tar`));
  const imported = await importTo(tree);
  expect(imported.flatMap((archive) => archive.formats.map(({ format }) => format))).toEqual(formats);
  for (const { formats: found } of imported) {
    const { storedIn = '', format = '' } = found[0] ?? {};
    expect(compareTrees(meeting.published(format), storedIn)).toEqual([]);
  }
  const stored = readFormats(join(tree.root, 'store'));
  expect(stored.map(({ isPlayable }) => isPlayable)).toEqual(formats.map(() => true));
});

it('puts the archive into the sub directory that the meeting asks for, and nothing beside it', async () => {
  const tree = createTree({ subDirs: ['instance1', 'instance2/inner'] });
  const outer = tree.addMeeting({ subDir: 'instance1' });
  const inner = tree.addMeeting({ subDir: 'instance2/inner' });
  for (const { id } of [outer, inner]) expect((await tree.run(['-m', id])).status).toBe(0);
  expect(tree.spoolFiles()).toEqual([
    `instance1/${outer.id}-presentation.tar`,
    `instance2/inner/${inner.id}-presentation.tar`,
  ]);
  expectImported(await importTo(tree, join(tree.spoolDir, 'instance1')), outer, 'presentation');
  expectImported(await importTo(tree, join(tree.spoolDir, 'instance2/inner')), inner, 'presentation');
});

it('takes origin and sub directory from metadata.xml once BBB has deleted the raw recording', async () => {
  const tree = createTree({ subDirs: ['instance1'] });
  const meeting = tree.addMeeting({ subDir: 'instance1', eventsXml: false });
  const { status, stderr } = await tree.run(['-m', meeting.id]);
  expect(status).toBe(0);
  expect(stderr).toMatch(/events\.xml does not exist: the metadata was taken from \S+metadata\.xml\n$/);
  expectImported(await importTo(tree, join(tree.spoolDir, 'instance1')), meeting, 'presentation');
});

it.each([
  { what: 'another front end', origin: 'Greenlight' },
  { what: 'nobody in particular', origin: false },
  { what: 'somebody who hides it', origin: 'PILOS\n\u001b[2J' },
] as const)('leaves a meeting of $what alone: exit 0, one line, nothing written', async ({ origin }) => {
  const tree = createTree();
  const meeting = tree.addMeeting({ origin });
  tree.installHook();
  // The log file is the one thing that changes, so it is there before.
  appendFileSync(join(tree.logDir, 'post_publish.log'), '');
  const before = snapshotTree(tree.root);
  const { status, stdout, stderr } = await tree.run(['-m', meeting.id, '-f', 'presentation']);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toMatch(
    /^meeting [0-9a-f-]+ is not from PILOS \(bbb-origin '[^\p{Cc}]*'\): nothing to do\n$/u,
  );
  expect(readLog(tree)).toHaveLength(1);
  const changes = diffSnapshots(before, snapshotTree(tree.root));
  expect(
    changes.filter((line) => !line.startsWith('changed var/log/bigbluebutton/post_publish.log:')),
  ).toEqual([]);
});

it('takes the origins of pilos.yml for our own, and no others', async () => {
  const tree = createTree({ pilos: { origins: ['PILOS-test', 'PILOS-old'] } });
  const own = tree.addMeeting({ origin: 'PILOS-old' });
  const foreign = tree.addMeeting({ origin: 'PILOS' });
  for (const { id } of [own, foreign]) expect((await tree.run(['-m', id])).status).toBe(0);
  expect(tree.spoolFiles()).toEqual([`${own.id}-presentation.tar`]);
});

it("lets BBB's worker see and log a failure, and carries on", async () => {
  const tree = createTree();
  const meeting = tree.addMeeting();
  tree.installHook();
  rmSync(tree.spoolDir, { recursive: true });
  const { scripts, failure, log } = await runWorker(tree, meeting.id, 'presentation');
  expect({ scripts, failure }).toEqual({
    scripts: [{ script: 'pilos_post_publish', exitStatus: 73, succeeded: false }],
    failure: null,
  });
  expect(log).toMatch(
    /INFO -- : pilos-post-publish: \S+\.tar: the spool directory \S+ does not exist: mount it/,
  );
  expect(log).toMatch(/WARN -- : Post publish script \S+\/pilos_post_publish failed\n/);
  expect(readLedger(tree, meeting.id, 'presentation')).toMatchObject({
    state: 'failed',
    attempts: [{ result: 'failed', exit_status: 73 }],
  });
});

it('never shows a partial .tar while a recording of 300 MB is written', async () => {
  const tree = createTree();
  const meeting = tree.addMeeting();
  writeSparseFile(join(meeting.published('presentation'), 'video/webcams.webm'), 300_000_000);
  const observer = await startObserver(tree.spoolDir);
  expect((await tree.run(['-m', meeting.id])).status).toBe(0);
  const { seen, partial, polls } = await observer.stop();
  expect(partial).toEqual([]);
  expect(seen.map(({ name }) => name)).toEqual([`${meeting.id}-presentation.tar`]);
  expect(polls).toBeGreaterThan(100);
  expect(seen[0]?.size).toBe(statSync(join(tree.spoolDir, `${meeting.id}-presentation.tar`)).size);
});

it('writes a mounted spool once: nothing goes through work_dir', async () => {
  const tree = createTree();
  const meeting = tree.addMeeting();
  writeSparseFile(join(meeting.published('presentation'), 'video/webcams.webm'), 50_000_000);
  const line = 'strace -f -qq -e trace=write,writev,pwrite64 -e signal=none -o "$WORK/trace" "$@"';
  expect((await runFromShell(tree, line, ['-m', meeting.id])).status).toBe(0);
  const written = [...readFileSync(join(tree.workDir, 'trace'), 'utf8').matchAll(/ = (\d+)$/gm)];
  const total = written.reduce((sum, [, count]) => sum + Number(count), 0);
  const { size } = statSync(join(tree.spoolDir, `${meeting.id}-presentation.tar`));
  expect(total).toBeGreaterThanOrEqual(size);
  expect(total).toBeLessThan(size * 1.01);
});

it('may be called again for the same recording, before and after PILOS has imported it', async () => {
  const tree = createTree();
  const meeting = tree.addMeeting();
  for (let call = 1; call <= 2; call += 1) expect((await tree.run(['-m', meeting.id])).status).toBe(0);
  expectImported(await importTo(tree), meeting, 'presentation');
  const again = await tree.run(['-m', meeting.id]);
  expect(again.stdout).toContain('PILOS has imported it already');
  expect(tree.spoolFiles()).toEqual([]);
  expect((await tree.run(['-m', meeting.id, '--again'])).status).toBe(0);
  rmSync(join(tree.root, 'store'), { recursive: true });
  expectImported(await importTo(tree), meeting, 'presentation');
  expect(tree.workFiles()).toEqual([`ledger/${meeting.id}-presentation.json`]);
});

it('ends with one whole archive and no leftovers when it is called 20 times at once', async () => {
  const tree = createTree();
  const meeting = tree.addMeeting();
  const observer = await startObserver(tree.spoolDir);
  const runs = await Promise.all(Array.from({ length: 20 }, () => tree.run(['-m', meeting.id])));
  expect(runs.map(({ status, stderr }) => ({ status, stderr }))).toEqual(
    Array.from({ length: 20 }, () => ({ status: 0, stderr: '' })),
  );
  expect((await observer.stop()).partial).toEqual([]);
  expect(tree.spoolFiles()).toEqual([`${meeting.id}-presentation.tar`]);
  expect(tree.workFiles()).toEqual([`ledger/${meeting.id}-presentation.json`]);
  expectImported(await importTo(tree), meeting, 'presentation');
});

it('delivers two formats of a meeting at the same moment, and says once that PILOS has both', async () => {
  const formats = ['presentation', 'video'];
  const tree = createTree({ formats });
  const meeting = tree.addMeeting({ formats });
  const runs = await Promise.all(formats.map((format) => tree.run(['-m', meeting.id, '-f', format])));
  expect(runs.map(({ status, stderr }) => ({ status, stderr }))).toEqual([
    { status: 0, stderr: '' },
    { status: 0, stderr: '' },
  ]);
  expect(tree.spoolFiles()).toEqual(formats.map((format) => `${meeting.id}-${format}.tar`));
  await importTo(tree);
  await Promise.all(formats.map((format) => tree.run(['-m', meeting.id, '-f', format])));
  expect(hasSenderDone(tree, meeting.id)).toBe(true);
  expect(readLog(tree).filter((line) => line.includes('wrote its -sender.done'))).toHaveLength(1);
});
