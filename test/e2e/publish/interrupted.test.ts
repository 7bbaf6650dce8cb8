/** A signal in the middle of a delivery: nothing is left behind, and the next call delivers. */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Meeting } from '../../support/bbb/bbb-meeting.ts';
import type { BbbTree } from '../../support/bbb/bbb-tree.ts';
import { useBbbTrees } from '../../support/bbb/use-bbb-trees.ts';
import { runWorker } from '../../support/bbb/worker.ts';
import { compareTrees } from '../../support/files/compare-trees.ts';
import { untilPacking, writeSparseFile } from '../../support/files/large-files.ts';
import { importSpool } from '../../support/pilos/import-spool.ts';
import { hasSenderDone, readLedger, readLog } from '../../support/program/traces.ts';

const createTree = useBbbTrees();

function createServer(): { tree: BbbTree; meeting: Meeting } {
  const tree = createTree();
  const meeting = tree.addMeeting();
  writeSparseFile(join(meeting.published('presentation'), 'video/webcams.webm'), 250_000_000);
  return { tree, meeting };
}

async function expectNextCallDelivers(tree: BbbTree, meeting: Meeting): Promise<void> {
  expect((await tree.run(['-m', meeting.id])).status).toBe(0);
  expect(tree.spoolFiles()).toEqual([`${meeting.id}-presentation.tar`]);
  expect(tree.workFiles()).toEqual([`ledger/${meeting.id}-presentation.json`]);
  const [imported] = await importSpool(tree.spoolDir, join(tree.root, 'store'));
  expect(compareTrees(meeting.published('presentation'), imported?.formats[0]?.storedIn ?? '')).toEqual([]);
}

/** The process that makes a temporary archive, which its name says; the worker's grandchild is not our own to know. */
function processOf(temporary: string): number {
  const pid = Number(temporary.split('.tar.')[1]?.split('.')[2]);
  if (!Number.isInteger(pid) || pid <= 1) throw new Error(`no process id in ${temporary}`);
  return pid;
}

it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
  'cleans up on %s, exits with 75 and is delivered by the next call',
  async (signal) => {
    const { tree, meeting } = createServer();
    const running = tree.start(['-m', meeting.id, '-f', 'presentation'], { via: 'ruby' });
    await untilPacking(tree.spoolDir);
    running.child.kill(signal);
    const { status, signal: endedBy, stderr } = await running.result;
    expect({ status, endedBy }).toEqual({ status: 75, endedBy: null });
    expect(stderr).toMatch(
      new RegExp(
        `^pilos-post-publish: \\S+: interrupted by ${signal}: nothing is lost: run it again, .*\\n$`,
      ),
    );
    expect(tree.spoolFiles()).toEqual([]);
    expect(readLedger(tree, meeting.id, 'presentation').state).toBe('failed');
    expect(hasSenderDone(tree, meeting.id)).toBe(false);
    await expectNextCallDelivers(tree, meeting);
  },
);

it("never ends by a signal, at which BBB's worker itself would fail", async () => {
  const { tree, meeting } = createServer();
  tree.installHook();
  const report = runWorker(tree, meeting.id, 'presentation');
  process.kill(processOf(await untilPacking(tree.spoolDir)), 'SIGTERM');
  const { scripts, failure } = await report;
  expect({ scripts, failure }).toEqual({
    scripts: [{ script: 'pilos_post_publish', exitStatus: 75, succeeded: false }],
    failure: null,
  });
});

it("is killed without that: BBB's worker is given a number, and runs the scripts behind it", async () => {
  const { tree, meeting } = createServer();
  tree.installHook();
  writeFileSync(join(tree.postPublishDir, 'zz_next.rb'), 'exit 0\n');
  const report = runWorker(tree, meeting.id, 'presentation');
  process.kill(processOf(await untilPacking(tree.spoolDir)), 'SIGKILL');
  const { scripts, failure, log } = await report;
  expect({ scripts, failure }).toEqual({
    scripts: [
      { script: 'pilos_post_publish', exitStatus: 137, succeeded: false },
      { script: 'zz_next', exitStatus: 0, succeeded: true },
    ],
    failure: null,
  });
  expect(log).toContain('ended by SIGKILL');
});

it('cleans up when the launcher and the executable are given the same signal, as by a terminal', async () => {
  const { tree, meeting } = createServer();
  const running = tree.start(['-m', meeting.id], { via: 'ruby' });
  const executable = processOf(await untilPacking(tree.spoolDir));
  process.kill(executable, 'SIGINT');
  running.child.kill('SIGINT');
  expect(await running.result).toMatchObject({ status: 75, signal: null });
  expect(tree.spoolFiles()).toEqual([]);
  expect(readLedger(tree, meeting.id, 'presentation').state).toBe('failed');
});

it('leaves only a hidden name when it is killed, which the next call removes', async () => {
  const { tree, meeting } = createServer();
  const running = tree.start(['-m', meeting.id]);
  const temporary = await untilPacking(tree.spoolDir);
  running.child.kill('SIGKILL');
  expect((await running.result).signal).toBe('SIGKILL');
  expect(readdirSync(tree.spoolDir)).toEqual([temporary]);
  expect(temporary).not.toMatch(/\.tar$/);
  await expectNextCallDelivers(tree, meeting);
  expect(readLog(tree).filter((line) => line.includes(temporary))).toEqual([
    expect.stringMatching(/ WARN -- : removed \S+, which a killed run left behind$/),
  ]);
});

it('leaves the hidden name of a run that is still alive alone', async () => {
  const { tree, meeting } = createServer();
  const other = tree.addMeeting();
  const running = tree.start(['-m', meeting.id]);
  const temporary = await untilPacking(tree.spoolDir);
  running.child.kill('SIGSTOP');
  expect((await tree.run(['-m', other.id])).status).toBe(0);
  expect(tree.spoolFiles()).toEqual([temporary, `${other.id}-presentation.tar`]);
  running.child.kill('SIGCONT');
  expect((await running.result).status).toBe(0);
  expect(tree.spoolFiles()).toEqual([meeting.id, other.id].map((id) => `${id}-presentation.tar`).sort());
});
