/** The progress bar of the executable: packing and sending over a slow link, on a real terminal and off it. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatBar } from '../../../hook/terminal/progress.ts';
import { useBbbTrees } from '../../support/bbb/use-bbb-trees.ts';
import { columnsOf, runOnTerminal, shownStates } from '../../support/program/terminal.ts';
import { createBbbUser, createPilosUser, removeUser, type TestUser } from '../../support/program/users.ts';
import { type SshServer, startSshServer } from '../../support/rsync/ssh-server.ts';

const createTree = useBbbTrees();
let bbb: TestUser;
let pilos: TestUser;
let directory: string;
let server: SshServer<'ordinary'>;

beforeAll(async () => {
  [bbb, pilos] = [await createBbbUser(), await createPilosUser()];
  directory = mkdtempSync(join(tmpdir(), 'progress-'));
  server = await startSshServer({ bbbUser: bbb, pilosUser: pilos, directory, keys: { ordinary: '' } });
});

afterAll(async () => {
  await server?.stop();
  for (const user of [bbb, pilos]) if (user !== undefined) await removeUser(user);
  if (directory !== undefined) rmSync(directory, { recursive: true, force: true });
});

const size = 6_000_000;

/** A recording that takes some four seconds to send. */
function createSlowTree() {
  const spool = `${server.hosts.ordinary}:${pilos.home}`;
  const tree = createTree({ spool, pilos: { extra_rsync_opts: ['--bwlimit=1500k'] } });
  const meeting = tree.addMeeting({ files: { 'video.webm': randomBytes(size) } });
  tree.giveTo(bbb);
  return { tree, meeting };
}

describe('over a slow link', () => {
  it.each([80, 200])(
    'shows bytes, rate and time left within %d columns, and is gone in the end',
    async (columns) => {
      const { tree, meeting } = createSlowTree();
      const { status, stdout } = await runOnTerminal(tree, ['-m', meeting.id], { columns });
      expect({ status, stdout }).toMatchObject({ status: 0 });
      const bars = shownStates(stdout).filter((line) => line.startsWith('sending '));
      expect(bars.length).toBeGreaterThan(1);
      for (const bar of bars)
        expect(bar).toMatch(/\[=*-*\] \d+% \| [\d.]+ [kM]?B of 6\.\d MB \| [\d.]+ [kM]?B\/s \| .+ left$/);
      for (const width of await columnsOf(bars)) expect(width).toBeLessThan(columns);
      if (columns === 200) expect(bars[0]).toContain(`sending ${meeting.id}-presentation.tar [`);
      // The number grows: it is rsync's own, and not that of packing.
      const percentages = bars.map((bar) => Number(/(\d+)%/.exec(bar)?.[1]));
      expect(percentages).toEqual(percentages.toSorted((one, other) => one - other));
      expect(percentages.some((percentage) => percentage > 0 && percentage < 100)).toBe(true);
      // Behind the last bar its line is cleared, and only then the next one printed.
      const end = stdout.slice(stdout.lastIndexOf(' left'));
      expect(end.indexOf('delivered')).toBeGreaterThan(end.indexOf('\x1b[2K'));
      expect(end).toContain('\x1b[2K');
    },
  );

  it('is not shown in a pipe, nor with --quiet', async () => {
    const { tree, meeting } = createSlowTree();
    const piped = await tree.run(['-m', meeting.id]);
    expect(piped).toMatchObject({ status: 0, stderr: '' });
    expect(piped.stdout).not.toMatch(/[^\P{Cc}\n]|sending/u);
    const quiet = await runOnTerminal(tree, ['--quiet', '-m', meeting.id], { columns: 80 });
    expect(quiet).toMatchObject({ status: 0, stdout: '' });
  });
});

it('shows nothing for work under a second', async () => {
  const tree = createTree();
  const { id } = tree.addMeeting();
  const { status, stdout } = await runOnTerminal(tree, ['-m', id], { columns: 80 });
  expect(status).toBe(0);
  expect(stdout).not.toContain('packing');
  expect(stdout).not.toContain('\x1b');
});

it('shows how far the archive is, which a slow disk is slow to take', async () => {
  const tree = createTree();
  const { id } = tree.addMeeting({ files: { 'video.webm': randomBytes(40_000_000) } });
  // A traced process is slowed down at each of its writes.
  const { status, stdout } = await runOnTerminal(tree, ['-m', id], { columns: 120, slowWrites: true });
  expect(status).toBe(0);
  const bars = shownStates(stdout).filter((line) => line.startsWith('packing '));
  expect(bars.length).toBeGreaterThan(1);
  expect(bars[0]).toMatch(/^packing .*\.tar \[=*-*\] \d+% \| [\d.]+ MB of 40 MB \| /);
  for (const width of await columnsOf(bars)) expect(width).toBeLessThan(120);
});

describe('formatBar', () => {
  const shown = { stage: 'sending', title: `${'a'.repeat(40)}-1712758751753-presentation.tar`, total: 3e9 };
  const bar = (columns: number, done = 1e9) => formatBar({ ...shown, done, rate: 1e6 }, columns);

  it.each([20, 60, 80, 100, 120, 160, 200, 400])('fits into %d columns', (columns) => {
    for (const done of [0, 1, 999_999_999, 3e9, 4e9])
      expect(bar(columns, done).length).toBeLessThanOrEqual(columns);
  });

  it('keeps the end of a title that does not fit, which says the format', () => {
    expect(bar(100)).toMatch(
      /^sending …\S*presentation\.tar \[=+-+\] 33% \| 1\.0 GB of 3\.0 GB \| 1\.0 MB\/s \| 33 min 20 s left$/,
    );
    expect(bar(60)).toMatch(/^sending \[=+-+\] 33% \| 1\.0 GB of 3\.0 GB/);
    expect(bar(200)).toContain(` ${shown.title} [`);
  });
});
