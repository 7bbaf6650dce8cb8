/** `migrate` over ssh: it looks into the spool where the key allows it, and pauses where it does not. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { allOf, importAll, parseReport } from '../../support/bbb/migration.ts';
import { useBbbTrees } from '../../support/bbb/use-bbb-trees.ts';
import { startObserver } from '../../support/program/observer.ts';
import { oneOfEach } from '../../support/program/test-size.ts';
import { startRsyncDaemon } from '../../support/rsync/rsync-daemon.ts';
import { type HostKey, useRsyncHost } from '../../support/rsync/rsync-host.ts';

const host = useRsyncHost();
const createTree = useBbbTrees();

/** A server with two recordings of Greenlight, and what PILOS does with them. */
function createServer(key: HostKey) {
  const tree = createTree({ spool: host.address(key), pilos: { retry: { attempts: 1 } } });
  const meetings = [1, 2].map(() => tree.addMeeting({ origin: 'Greenlight' }));
  tree.giveTo(host.bbbUser);
  const directory = join(host.spool, 'instance1');
  const args = ['migrate', '--no-wait', '--json', '--origin', 'Greenlight', '--sub-dir', 'instance1'];
  const importThem = () => importAll({ ...tree, spoolDir: host.spool }, meetings, 'instance1');
  return { tree, meetings, directory, args, importThem };
}

const archives = () => host.files().filter((file) => /^instance1\/.*\.tar$/.test(file));

it.each(oneOfEach(2, ['rrsync-no-lock', 'old-rrsync'] as const))(
  'waits with the key %s until PILOS has taken some, and gives up when it takes none',
  async (key) => {
    const { tree, meetings, args, importThem } = createServer(key);
    const first = await tree.run([...args, '--max-waiting', '1', '--patience', '1s', '--quiet']);
    expect(first.stderr).toContain('PILOS has taken nothing for 1 s from ');
    expect(parseReport(first)).toMatchObject({ exit_status: 75 });
    expect(archives()).toHaveLength(1);
    const imported = await importThem();
    const second = await tree.run([...args, '--max-waiting', '1', '--patience', '1s']);
    expect(second.status).toBe(0);
    expect([...imported, ...(await importThem())].sort()).toEqual(allOf(meetings));
  },
);

it('logs in once for all that it looks at, sends and confirms', async () => {
  const { tree, meetings, args, importThem } = createServer('rrsync-no-lock');
  const before = host.logins();
  expect((await tree.run(args)).status).toBe(0);
  expect(host.logins() - before).toBe(1);
  expect(await importThem()).toEqual(allOf(meetings));
});

it('says once that it cannot look with a key of rrsync -wo, pauses instead, and sends all', async () => {
  const { tree, meetings, args, importThem } = createServer('rrsync-wo-no-lock');
  const result = await tree.run([...args, '--max-waiting', '1', '--pause', '1s']);
  expect(result.stderr).toMatch(
    /^pilos-post-publish: \S+instance1 may not be read with this key, [^\n]+ a pause of 1 s after each instead \(--pause\)\n$/,
  );
  const report = parseReport(result);
  expect(report.results.map(({ state }) => state)).toEqual(['delivered', 'delivered']);
  expect(await importThem()).toEqual(allOf(meetings));
});

it.each([
  { settings: [], state: 'waiting', status: 75, why: 'PILOS has taken nothing for 1 s from ' },
  { settings: ['write only = true'], state: 'delivered', status: 0, why: 'may not be read with this key' },
])('does the same with a daemon that has $settings', async ({ settings, state, status, why }) => {
  const scratch = join(host.pilosUser.home, 'daemon');
  mkdirSync(scratch);
  const daemon = await startRsyncDaemon(join(host.spool, 'instance1'), scratch, settings);
  try {
    const tree = createTree({ spool: daemon.url });
    for (const _ of [1, 2]) tree.addMeeting({ origin: 'Greenlight' });
    const args = ['--max-waiting', '1', '--pause', '1s', '--patience', '1s'];
    const result = await tree.run(['migrate', '--no-wait', '--json', '--origin', 'Greenlight', ...args]);
    expect(result.stderr).toContain(why);
    expect(parseReport(result).results.map((one) => one.state)).toEqual(['delivered', state]);
    expect(result.status).toBe(status);
  } finally {
    await daemon.stop();
    rmSync(scratch, { recursive: true });
  }
});

it('goes on while an importer at work takes each archive', async () => {
  const { tree, meetings, directory, args } = createServer('rrsync-no-lock');
  const observer = await startObserver(directory, { take: true, pause: 20 });
  const result = await tree.run([...args, '--max-waiting', '1']);
  const { seen, partial } = await observer.stop();
  expect({ status: result.status, stderr: result.stderr, partial }).toEqual({
    status: 0,
    stderr: '',
    partial: [],
  });
  expect(seen).toHaveLength(meetings.length);
});

it('reports a host that does not answer, or a missing sub directory, once and not for each recording', async () => {
  const { tree, args, directory } = createServer('ordinary');
  rmSync(directory, { recursive: true });
  const missing = await tree.run(args);
  expect(missing.stderr).toMatch(/^pilos-post-publish: the directory \S+instance1 does not exist [^\n]+\n$/);
  expect(parseReport(missing).results.map(({ state }) => state)).toEqual(Array(2).fill('waiting'));
  expect(missing.status).toBe(73);
  await host.server.stop();
  try {
    const dead = await tree.run(args);
    expect(dead.stderr).toMatch(/^pilos-post-publish: \S+ refuses the connection [^\n]+\n$/);
    expect(dead.status).toBe(75);
  } finally {
    await host.server.start();
  }
});

it('sends nothing and connects to nobody with --dry-run', async () => {
  const { tree, args } = createServer('ordinary');
  await host.server.stop();
  try {
    const { status, stderr } = await tree.run([...args, '--dry-run']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  } finally {
    await host.server.start();
  }
});
