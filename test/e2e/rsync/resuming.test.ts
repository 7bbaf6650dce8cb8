/** A transfer that was cut goes on where it ended, where the server permits it; PILOS sees no half of it anywhere. */
import { chownSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { sized } from '../../support/program/test-size.ts';
import { useRsyncHost } from '../../support/rsync/rsync-host.ts';
import { largeSize, type Sender, useSenders, whenArrived } from '../../support/rsync/rsync-sender.ts';

const host = useRsyncHost();
const createSender = useSenders(host);

const size = 16_000_000;

/** In the home of the BBB user: rsync's own account of what it has sent, each transfer with its sum. */
const log = () => join(host.bbbUser.home, 'rsync.log');

function createLarge(key: Parameters<typeof host.address>[0]): Sender {
  rmSync(log(), { force: true });
  const rsync = ['--bwlimit=16m', `--log-file=${log()}`, '--log-file-format='];
  return createSender({ key, size, rsync });
}

function sentBytes(): number {
  const sums = [...readFileSync(log(), 'latin1').matchAll(/sent ([\d,]+) bytes/g)];
  return sums.reduce((total, [, digits = '']) => total + Number(digits.replaceAll(',', '')), 0);
}

/** Kills the server's end of the connection when half of the archive is there; looked up before, it takes no time. */
async function cutAtHalf(file: string): Promise<void> {
  await whenArrived(file, 1);
  const sessions = await host.server.sessionProcesses();
  await whenArrived(file, size / 2);
  for (const pid of sessions) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended with the one before it.
    }
  }
}

/** In CI only what is most used; what is recommended is cut in faults/connection.test.ts. */
const keys = (['ordinary', 'rrsync-wo-no-lock', 'rrsync', 'old-rrsync'] as const).slice(0, sized(1, 4));

it.each(keys)(
  'sends only the rest of a recording whose transfer was cut at half, with the key %s',
  async (key) => {
    const sender = createLarge(key);
    const running = sender.start();
    await cutAtHalf(sender.partial);
    expect(await running.result).toMatchObject({
      status: 75,
      stderr: expect.stringContaining('was lost'),
    });
    expect(host.files()).toEqual(['instance1', `instance1/${sender.meeting.id}-presentation`]);
    expect(sender.temporaryFiles()).toEqual([]);
    rmSync(log(), { force: true });
    expect(await sender.deliver()).toMatchObject({ status: 0, stderr: '' });
    const whole = statSync(sender.archive).size;
    expect(whole).toBeGreaterThan(size);
    expect(sentBytes()).toBeLessThan(whole * 0.6);
    expect(await sender.import()).toEqual([`${sender.meeting.id}-presentation.tar: as published`]);
    expect(host.files()).toEqual(['instance1']);
  },
);

it('sends it from the start when the key forbids renaming, and the cut one is no archive', async () => {
  const sender = createLarge('rrsync-no-del');
  const running = sender.start();
  // rsync's own hidden name, which ends in six letters of its choice.
  const hidden = () => host.files().find((name) => name.includes('.tar.')) ?? 'none';
  await expect.poll(hidden, { timeout: 30_000 }).toMatch(/^instance1\/\..*-presentation\.tar\.\w{6}$/);
  await cutAtHalf(join(host.spool, hidden()));
  expect((await running.result).status).toBe(75);
  expect(host.files().filter((name) => name.endsWith('.tar'))).toEqual([]);
  rmSync(log(), { force: true });
  expect((await sender.deliver()).status).toBe(0);
  expect(sentBytes()).toBeGreaterThan(size);
  expect(await sender.import()).toEqual([`${sender.meeting.id}-presentation.tar: as published`]);
});

it('tries again within the same call, and sends only the rest', async () => {
  rmSync(log(), { force: true });
  const rsync = ['--bwlimit=16m', `--log-file=${log()}`, '--log-file-format='];
  const retry = { attempts: 2, max_seconds: 120 };
  const sender = createSender({ key: 'rrsync', size, rsync, retry });
  const running = sender.start();
  await cutAtHalf(sender.partial);
  const { status, stderr } = await running.result;
  expect({ status, stderr }).toEqual({
    status: 0,
    stderr: expect.stringMatching(/^pilos-post-publish: the connection to \S+ was lost .*; 1 more try\n$/),
  });
  expect(await sender.import()).toEqual([`${sender.meeting.id}-presentation.tar: as published`]);
});

it.each([
  { what: 'shorter', bytes: 1000 },
  { what: 'longer', bytes: largeSize + 1_000_000 },
])('corrects a $what file that lies there under the name of the partial one', async ({ bytes }) => {
  const sender = createSender({ key: 'rrsync-wo-no-lock', size: largeSize });
  writeFileSync(sender.partial, Buffer.alloc(bytes, 'stale'));
  chownSync(sender.partial, host.pilosUser.uid, host.pilosUser.gid);
  expect(await sender.deliver()).toMatchObject({ status: 0, stderr: '' });
  expect(await sender.import()).toEqual([`${sender.meeting.id}-presentation.tar: as published`]);
  expect(host.files()).toEqual(['instance1']);
});
