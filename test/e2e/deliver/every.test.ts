/** `deliver --every`, which does what the timer does where there is no systemd: it goes on until a signal ends it. */
import { readFileSync, renameSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { BbbTree } from '../../support/bbb/bbb-tree.ts';
import { useBbbTrees } from '../../support/bbb/use-bbb-trees.ts';
import { untilPacking, writeSparseFile } from '../../support/files/large-files.ts';
import type { RunningProgram } from '../../support/program/run-program.ts';
import { readLog } from '../../support/program/traces.ts';

const createTree = useBbbTrees();
const patience = { timeout: 60_000 };

let running: RunningProgram | undefined;
afterEach(() => void running?.child.kill('SIGKILL'));

/** What it has printed so far is in `said`. */
function start(tree: BbbTree, every: string, ...args: string[]) {
  running = tree.start(['deliver', '--every', every, ...args]);
  const { child, result } = running;
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (text: string) => {
      output += text;
    });
  const pid = child.pid ?? 0;
  return { child, result, pid, said: () => output };
}

/** Processes that it has started and that have not ended. */
function runsOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return text.split(' ').filter(Boolean).map(Number);
}

const memoryOf = (pid: number) =>
  Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);

/** A recording that BBB published an hour ago, so that it is not publishing it at this moment. */
function addOldMeeting(tree: BbbTree) {
  const meeting = tree.addMeeting();
  const hourAgo = Date.now() / 1000 - 3600;
  utimesSync(join(meeting.published('presentation'), 'metadata.xml'), hourAgo, hourAgo);
  return meeting;
}

const countRuns = (tree: BbbTree) =>
  readLog(tree).filter((line) => line.endsWith('nothing to deliver')).length;

it('delivers what comes, also after runs that failed, and each time with the configuration as it is then', async () => {
  const tree = createTree();
  const { id } = addOldMeeting(tree);
  const { child, result, said } = start(tree, '1s');
  await expect.poll(tree.spoolFiles, patience).toEqual([`${id}-presentation.tar`]);
  renameSync(tree.pilosYml, `${tree.pilosYml}.away`);
  await expect
    .poll(said, patience)
    .toMatch(/pilos\.yml.* does not exist.*\n.*deliver ended with 78: it runs again in \d+ s\n/);
  const { id: later } = addOldMeeting(tree);
  renameSync(`${tree.pilosYml}.away`, tree.pilosYml);
  const archives = [id, later].map((one) => `${one}-presentation.tar`).sort();
  await expect.poll(tree.spoolFiles, patience).toEqual(archives);
  child.kill('SIGTERM');
  expect((await result).signal).toBeNull();
});

it('makes each run a process of its own, and does not grow with them', async () => {
  const tree = createTree();
  const { child, result, pid } = start(tree, '1s');
  await expect.poll(() => countRuns(tree), patience).toBeGreaterThan(2);
  const before = memoryOf(pid);
  await expect.poll(() => countRuns(tree), patience).toBeGreaterThan(9);
  expect(memoryOf(pid) - before).toBeLessThan(10_000);
  const pids = readLog(tree).map((line) => /#(\d+)\]/.exec(line)?.[1]);
  expect(new Set(pids).size).toBe(pids.length);
  expect(pids).not.toContain(String(pid));
  child.kill('SIGTERM');
  await result;
});

describe.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('%s', (signal) => {
  it('between two runs ends it with 0, without a word', async () => {
    const tree = createTree();
    const { child, result, pid, said } = start(tree, '1h');
    await expect.poll(said, patience).toBe('nothing to deliver\n');
    await expect.poll(() => runsOf(pid), patience).toEqual([]);
    child.kill(signal);
    const ended = { status: 0, signal: null, stdout: 'nothing to deliver\n', stderr: '' };
    expect(await result).toEqual(ended);
  });

  it('during a run ends that first, and nothing is left behind', async () => {
    const tree = createTree();
    const meeting = addOldMeeting(tree);
    writeSparseFile(join(meeting.published('presentation'), 'video/webcams.webm'), 250_000_000);
    const { child, result } = start(tree, '1h');
    await untilPacking(tree.spoolDir);
    child.kill(signal);
    const { status, stderr } = await result;
    expect(status).toBe(75);
    expect(stderr).toContain('interrupted by SIGTERM: nothing is lost');
    expect(tree.spoolFiles()).toEqual([]);
  });
});

it('says so when a run is killed, and goes on', async () => {
  const tree = createTree();
  const { id, published } = addOldMeeting(tree);
  writeSparseFile(join(published('presentation'), 'video/webcams.webm'), 250_000_000);
  const { child, result, pid, said } = start(tree, '1s');
  await untilPacking(tree.spoolDir);
  for (const run of runsOf(pid)) process.kill(run, 'SIGKILL');
  await expect
    .poll(said, patience)
    .toMatch(/^pilos-post-publish: SIGKILL ended deliver: it runs again in \d+ s$/m);
  await expect.poll(tree.spoolFiles, patience).toEqual([`${id}-presentation.tar`]);
  child.kill('SIGTERM');
  await result;
});

it('takes the run along when it is killed itself', async () => {
  const tree = createTree();
  const meeting = addOldMeeting(tree);
  writeSparseFile(join(meeting.published('presentation'), 'video/webcams.webm'), 250_000_000);
  const { child, result } = start(tree, '1h');
  await untilPacking(tree.spoolDir);
  child.kill('SIGKILL');
  // The run has its output, and closes it when it ends.
  expect((await result).stderr).toContain('interrupted by SIGTERM');
  expect(tree.spoolFiles()).toEqual([]);
});

describe('is refused with 64', () => {
  it.each(['0s', '15', '15x', '-5m', '8d', '999999w', ''])('for --every %j', async (span) => {
    const { status, stderr } = await createTree().run(['deliver', '--every', span]);
    expect(status).toBe(64);
    expect(stderr).toMatch(/^pilos-post-publish: --every '.*' is not .*: write it as (15m|10s).*\n$/);
  });

  it.each(['--again', '--dry-run', '--json'])('together with %s', async (option) => {
    const { status, stderr } = await createTree().run(['deliver', '--every', '15m', option]);
    expect(status).toBe(64);
    expect(stderr).toContain('--every');
    expect(stderr).toContain(option);
  });

  it('for what each run would refuse', async () => {
    const { status, stderr } = await createTree().run(['deliver', '--every', '15m', '--since', 'now']);
    expect(status).toBe(64);
    expect(stderr).toContain("--since 'now'");
  });
});
