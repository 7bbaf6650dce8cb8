/** `migrate` keeps to the pace of PILOS, and whatever stops it, the next run sends the rest and nothing twice. */
import type { ChildProcess } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, renameSync, rmSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { BbbTree } from '../../support/bbb/bbb-tree.ts';
import { allOf, importAll, migrate, parseReport, sentAt, statesOf } from '../../support/bbb/migration.ts';
import { useBbbTrees } from '../../support/bbb/use-bbb-trees.ts';
import { untilPacking, writeSparseFile } from '../../support/files/large-files.ts';
import { startObserver } from '../../support/program/observer.ts';
import type { RunningProgram } from '../../support/program/run-program.ts';
import { runOnTerminal, withoutEscapes } from '../../support/program/terminal.ts';

const createTree = useBbbTrees();
const origin = ['--origin', 'Greenlight'];

/** A server with so many recordings of Greenlight. */
function createServer(count: number) {
  const tree = createTree();
  const meetings = Array.from({ length: count }, () => tree.addMeeting({ origin: 'Greenlight' }));
  return { tree, meetings };
}

const archives = (tree: BbbTree) => readdirSync(tree.spoolDir).filter((name) => name.endsWith('.tar'));

async function until(what: string, isTrue: () => boolean): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!isTrue()) {
    if (Date.now() > deadline) throw new Error(`not within half a minute: ${what}`);
    await sleep(10);
  }
}

it('never has more than --max-waiting archives in the spool, and sends all while PILOS takes them', async () => {
  const { tree, meetings } = createServer(7);
  const running = tree.start(['migrate', '--no-wait', ...origin, '--max-waiting', '3']);
  let said = '';
  running.child.stdout.on('data', (text: string) => {
    said += text;
  });
  await until('it says that it waits', () => said.includes('--max-waiting 3'));
  let most = archives(tree).length;
  const observer = await startObserver(tree.spoolDir, { take: true, pause: 200 });
  await until('it ends', () => {
    most = Math.max(most, archives(tree).length);
    return running.child.exitCode !== null;
  });
  const { status, stdout, stderr } = await running.result;
  const { seen, partial } = await observer.stop();
  expect({ status, stderr, partial, most }).toEqual({ status: 0, stderr: '', partial: [], most: 3 });
  // Once, however often it had to wait.
  expect(stdout.split('\n').filter((line) => line.includes('waiting'))).toEqual([
    `3 archives in ${tree.spoolDir}: waiting until PILOS has imported some (--max-waiting 3)`,
  ]);
  expect(seen.map(({ name }) => name).sort()).toEqual(
    meetings.map(({ id }) => `${id}-presentation.tar`).sort(),
  );
});

it('gives up with 75 when nobody empties the spool, and the next run goes on where it stopped', async () => {
  const { tree, meetings } = createServer(3);
  const args = ['migrate', '--no-wait', '--json', ...origin, '--max-waiting', '2', '--patience', '2s'];
  const first = await tree.run(args);
  expect(first.stderr).toMatch(
    /^pilos-post-publish: PILOS has taken nothing for 2 s from \S+, where there are 2 archives: look at PILOS' scheduler[^\n]+\n$/,
  );
  const report = parseReport(first);
  expect(report.results.map(({ state }) => state)).toEqual(['delivered', 'delivered', 'waiting']);
  expect(report.exit_status).toBe(75);
  expect(await importAll(tree, meetings)).toHaveLength(2);
  const second = parseReport(await tree.run(args));
  expect(second.results.map(({ state }) => state)).toEqual(['unchanged', 'unchanged', 'delivered']);
  expect(await importAll(tree, meetings)).toHaveLength(1);
});

it('reports on a terminal that it waits, in a line that goes away', async () => {
  const { tree } = createServer(2);
  const args = ['migrate', '--no-wait', ...origin, '--max-waiting', '1', '--patience', '3s'];
  const { status, stdout } = await runOnTerminal(tree, args, { columns: 80 });
  expect(status).toBe(75);
  const shown = withoutEscapes(stdout);
  expect(shown).toMatch(/\rwaiting: 1 archive in the spool, none taken for 1 s/);
  for (const line of shown.split(/[\r\n]/)) {
    if (line.startsWith('waiting: ')) expect(line.length).toBeLessThan(80);
  }
});

it('goes on after kill -9 without sending anything twice, and removes what that left', async () => {
  const { tree, meetings } = createServer(4);
  const [, , third] = [...meetings].sort((one, other) => other.startTime - one.startTime);
  writeSparseFile(join(third?.published('presentation') ?? '', 'video/webcams.webm'), 250_000_000);
  const running = tree.start(['migrate', '--no-wait', ...origin]);
  await until('two are sent', () => archives(tree).length === 2);
  await untilPacking(tree.spoolDir);
  await kill(running);
  expect(archives(tree)).toHaveLength(2);
  const before = await importAll(tree, meetings);
  const report = await migrate(tree, ...origin);
  expect(report.exit_status).toBe(0);
  expect(report.results.map(({ state }) => state)).toEqual([
    'unchanged',
    'unchanged',
    'delivered',
    'delivered',
  ]);
  expect([...before, ...(await importAll(tree, meetings))].sort()).toEqual(allOf(meetings));
  expect(tree.spoolFiles()).toEqual([]);
});

async function kill({ child, result }: RunningProgram): Promise<void> {
  child.kill('SIGKILL');
  expect((await result).signal).toBe('SIGKILL');
}

const untilWaiting = (tree: BbbTree, child: ChildProcess) =>
  until('it waits', () => archives(tree).length === 1 && child.exitCode === null).then(() => sleep(200));

it.each(['SIGINT', 'SIGTERM'] as const)(
  'ends at %s while it waits, with a report of what it has done',
  async (signal) => {
    const { tree } = createServer(2);
    const running = tree.start(['migrate', '--no-wait', ...origin, '--max-waiting', '1']);
    await untilWaiting(tree, running.child);
    running.child.kill(signal);
    const { status, signal: endedBy, stdout, stderr } = await running.result;
    expect({ status, endedBy }).toEqual({ status: 75, endedBy: null });
    expect(stdout).toMatch(/\nsent +1 .*\nnot tried +1\n/);
    expect(stderr).toMatch(
      new RegExp(`^pilos-post-publish: interrupted by ${signal}: nothing is lost: [^\n]+\n$`),
    );
  },
);

it('ends at a signal in the middle of an archive, of which nothing is left', async () => {
  const { tree, meetings } = createServer(1);
  writeSparseFile(join(meetings[0]?.published('presentation') ?? '', 'video/webcams.webm'), 250_000_000);
  const running = tree.start(['migrate', '--no-wait', ...origin]);
  await untilPacking(tree.spoolDir);
  running.child.kill('SIGINT');
  const { status, stderr } = await running.result;
  expect({ status, lines: stderr.split('\n').length }).toEqual({ status: 75, lines: 2 });
  expect(tree.spoolFiles()).toEqual([]);
  expect(sentAt(tree, meetings[0]?.id ?? '')).toBeUndefined();
});

it('sends each recording once when two run at the same moment', async () => {
  const { tree, meetings } = createServer(8);
  const observer = await startObserver(tree.spoolDir, { pause: 5 });
  const reports = await Promise.all([migrate(tree, ...origin), migrate(tree, ...origin)]);
  const { seen, partial } = await observer.stop();
  expect(partial).toEqual([]);
  expect(seen).toHaveLength(8);
  const sent = reports
    .flatMap(statesOf)
    .filter((state) => / delivered$/.test(state) && !/already/.test(state));
  expect(sent.sort()).toEqual(meetings.map(({ id }) => `${id}-presentation delivered`).sort());
  expect(reports.map((report) => report.exit_status)).toEqual([0, 0]);
});

it('reports a spool that is not there once, and one that goes away once', async () => {
  const { tree, meetings } = createServer(3);
  renameSync(tree.spoolDir, `${tree.spoolDir}-gone`);
  const gone = await tree.run(['migrate', '--no-wait', ...origin]);
  expect({ status: gone.status, stdout: gone.stdout }).toEqual({ status: 73, stdout: '' });
  expect(gone.stderr).toMatch(
    /^pilos-post-publish: the spool directory \S+ does not exist: mount it[^\n]*\n$/,
  );
  renameSync(`${tree.spoolDir}-gone`, tree.spoolDir);
  const running = tree.start(['migrate', '--no-wait', '--json', ...origin, '--max-waiting', '1']);
  await untilWaiting(tree, running.child);
  rmSync(tree.spoolDir, { recursive: true });
  const result = await running.result;
  expect(result.stderr).toMatch(/^pilos-post-publish: the spool directory \S+ does not exist: [^\n]+\n$/);
  const report = parseReport(result);
  expect(report.results.map(({ state }) => state)).toEqual(['delivered', 'waiting', 'waiting']);
  expect(report.exit_status).toBe(73);
  mkdirSync(tree.spoolDir);
  chmodSync(tree.spoolDir, 0o2775);
  expect(meetings).toHaveLength(3);
  expect((await migrate(tree, ...origin)).exit_status).toBe(0);
  for (const name of archives(tree)) unlinkSync(join(tree.spoolDir, name));
});
