/** What an outage has left is sent at the speed of the link: one login, small ones together, and one failure stops nothing else. */
import { randomBytes } from 'node:crypto';
import { chownSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { DeliveryResult } from '../../../hook/delivery/result.ts';
import type { Meeting } from '../../support/bbb/bbb-meeting.ts';
import { compareTrees } from '../../support/files/compare-trees.ts';
import { importSpool } from '../../support/pilos/import-spool.ts';
import { columnsOf, runOnTerminal, shownStates } from '../../support/program/terminal.ts';
import { readLedger } from '../../support/program/traces.ts';
import { useRsyncHost, workingKeys } from '../../support/rsync/rsync-host.ts';
import { largeSize, type Sender, type SenderOptions, useSenders } from '../../support/rsync/rsync-sender.ts';

const host = useRsyncHost();
const createSender = useSenders(host);

/** A server with the sender's recording and so many more. */
function createBacklog(count: number, options: SenderOptions = {}): Sender & { meetings: Meeting[] } {
  const sender = createSender({ key: 'rrsync-wo-no-lock', ...options });
  const { tree, meeting } = sender;
  const files = () => ({ 'slides.pdf': randomBytes(options.size ?? 20_000) });
  const more = Array.from({ length: count - 1 }, () =>
    tree.addMeeting({ subDir: 'instance1', files: files() }),
  );
  tree.giveTo(host.bbbUser);
  return { ...sender, meetings: [meeting, ...more] };
}

const archivesThere = () => readdirSync(join(host.spool, 'instance1')).sort();
const archivesOf = (meetings: readonly Meeting[]) =>
  meetings.map(({ id }) => `${id}-presentation.tar`).sort();

async function deliver({ tree, path }: Sender) {
  const { status, stdout, stderr } = await tree.run(['deliver', '--json'], { env: { PATH: path } });
  const { results } = JSON.parse(stdout) as { results: DeliveryResult[] };
  return { status, stderr, results, states: results.map(({ state }) => state) };
}

it('sends small ones together, packs the next ones meanwhile, and each arrives as it was published', async () => {
  const sender = createBacklog(40);
  expect(await deliver(sender)).toMatchObject({ status: 0, stderr: '', states: Array(40).fill('delivered') });
  expect(archivesThere()).toEqual(archivesOf(sender.meetings));
  // One for each would be 40.
  expect(sender.rsyncRuns()).toBeLessThan(12);
  expect(sender.temporaryFiles()).toEqual([]);
  const store = join(sender.tree.root, 'store');
  mkdirSync(store);
  const imported = await importSpool(sender.directory, store);
  expect(imported).toHaveLength(40);
  for (const { formats } of imported) {
    const meeting = sender.meetings.find(({ id }) => id === formats[0]?.id);
    expect(compareTrees(meeting?.published('presentation') ?? '', formats[0]?.storedIn ?? '')).toEqual([]);
  }
});

it.each(workingKeys)('sends a backlog of small ones and large ones with the key %s', async (key) => {
  const sender = createBacklog(3, { key });
  const files = () => ({ 'video.webm': randomBytes(largeSize) });
  const large = [files(), files()].map((one) => sender.tree.addMeeting({ subDir: 'instance1', files: one }));
  sender.tree.giveTo(host.bbbUser);
  expect(await deliver(sender)).toMatchObject({ status: 0, states: Array(5).fill('delivered') });
  expect(archivesThere()).toEqual(archivesOf([...sender.meetings, ...large]));
});

it.each([
  { kind: 'small', size: 20_000, suffix: '.tar' },
  { kind: 'large', size: largeSize, suffix: '' },
])('goes on when some $kind ones fail, and says of each what is wrong', async ({ size, suffix }) => {
  const sender = createBacklog(12, { size, retry: { attempts: 1, max_seconds: 1 } });
  const [blocked, broken] = [sender.meetings[3], sender.meetings[7]] as [Meeting, Meeting];
  // Something lies there in the place of the archive on its way.
  const inTheWay = join(sender.directory, `${blocked.id}-presentation${suffix}`);
  mkdirSync(join(inTheWay, 'x'), { recursive: true });
  for (const path of [inTheWay, join(inTheWay, 'x')]) chownSync(path, host.pilosUser.uid, host.pilosUser.gid);
  writeFileSync(join(broken.published('presentation'), 'metadata.xml'), '<recording>');
  const { status, results } = await deliver(sender);
  expect(status).toBeGreaterThan(0);
  const failed = results.filter(({ state }) => state !== 'delivered');
  expect(failed.map(({ record_id, state }) => `${record_id} ${state}`).sort()).toEqual(
    [`${blocked.id} failed`, `${broken.id} failed`].sort(),
  );
  rmSync(inTheWay, { recursive: true });
  const others = sender.meetings.filter((one) => one !== blocked && one !== broken);
  expect(archivesThere()).toEqual(archivesOf(others));
});

it('tries a host that is gone, or a directory that is missing, once for all of them', async () => {
  const sender = createBacklog(12, { retry: { attempts: 1, max_seconds: 60 } });
  rmSync(sender.directory, { recursive: true });
  const missing = await deliver(sender);
  expect(missing.status).toBe(73);
  expect(missing.states.toSorted()).toEqual(['failed', ...Array(11).fill('waiting')]);
  await host.server.stop();
  try {
    const gone = await deliver(sender);
    expect(gone.status).toBe(75);
    expect(gone.states.toSorted()).toEqual(['failed', ...Array(11).fill('waiting')]);
    const [failed, ...waiting] = gone.results.toSorted((one, other) => one.state.localeCompare(other.state));
    expect(failed).toMatchObject({ error: { code: 'host_unreachable' } });
    for (const one of waiting)
      expect(one).toMatchObject({ error: { message: expect.stringMatching(/^not tried: /) } });
  } finally {
    await host.server.start();
  }
  expect(await deliver(sender)).toMatchObject({ status: 73 });
});

it('ends with a summary when it is interrupted, and the next run sends the rest', async () => {
  const sender = createBacklog(4, { size: 2_000_000, rsync: ['--bwlimit=4m'] });
  const { tree, path, meetings } = sender;
  // What goes to another directory goes in another run.
  const files = () => ({ 'slides.pdf': randomBytes(2_000_000) });
  const others = Array.from({ length: 4 }, () => tree.addMeeting({ subDir: '', files: files() }));
  tree.giveTo(host.bbbUser);
  const running = tree.start(['deliver'], { env: { PATH: path } });
  await new Promise<void>((resolve) => {
    running.child.stdout.on('data', (text: string) => text.includes('delivered ') && resolve());
    void running.result.then(() => resolve());
  });
  running.child.kill('SIGINT');
  const { status, stdout, stderr } = await running.result;
  expect(status).toBe(75);
  expect(stderr).toMatch(/interrupted by SIGINT: nothing is lost/);
  expect(stdout).toMatch(/\n\d+ delivered, (?:1 failed, )?\d+ not tried\n$/);
  const [, delivered] = /(\d+) delivered, /.exec(stdout) ?? [];
  expect(Number(delivered)).toBeGreaterThan(0);
  expect(Number(delivered)).toBeLessThan(8);
  expect(sender.temporaryFiles()).toEqual([]);
  expect((await tree.run(['deliver'])).status).toBe(0);
  expect(archivesThere()).toEqual(archivesOf(meetings));
  for (const { id } of [...meetings, ...others])
    expect(readLedger(tree, id, 'presentation').delivered).toBeDefined();
});

it('shows on a terminal of 80 columns how far all of it is', async () => {
  const { tree } = createBacklog(6, { size: 1_500_000, rsync: ['--bwlimit=3m'] });
  const { status, stdout } = await runOnTerminal(tree, ['deliver'], { columns: 80 });
  expect(status).toBe(0);
  const lines = shownStates(stdout).filter((line) => / of 6 \| /.test(line));
  expect(lines.length).toBeGreaterThan(2);
  for (const line of lines)
    expect(line).toMatch(
      /^\d of 6 \| …?\S*(?:-presentation\.tar) \d+% \| [\d.]+ [kM]?B left, [\d.]+ [kM]?B\/s, .+$/,
    );
  for (const width of await columnsOf(lines)) expect(width).toBeLessThan(80);
});
