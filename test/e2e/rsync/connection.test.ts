/** One login serves a whole run; it is renewed when it dies, and nothing of it is left. */
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { useTemporaryDirectory } from '../../support/files/temporary-directory.ts';
import { startChildNode } from '../../support/program/child-node.ts';
import { useRsyncHost } from '../../support/rsync/rsync-host.ts';
import { largeSize, processesOf, useSenders, whenArrived } from '../../support/rsync/rsync-sender.ts';

const host = useRsyncHost();
const createSender = useSenders(host);
const temporary = useTemporaryDirectory();

const logins = () => host.logins();

async function whenNobodyIsLoggedIn(): Promise<void> {
  const deadline = Date.now() + 10_000;
  while ((await host.server.sessionProcesses()).length > 0) {
    if (Date.now() > deadline) throw new Error('somebody is still logged in');
    await sleep(20);
  }
}

it('logs in once for a delivery, and leaves nothing behind', async () => {
  const sender = createSender({ key: 'rrsync-wo-no-lock' });
  const before = logins();
  expect(await sender.deliver()).toMatchObject({ status: 0, stderr: '' });
  expect(logins() - before).toBe(1);
  await whenNobodyIsLoggedIn();
  expect(sender.temporaryFiles()).toEqual([]);
});

it('logs in once for all that is to be delivered', async () => {
  const sender = createSender({ key: 'rrsync-wo-no-lock' });
  for (let count = 1; count < 4; count += 1) sender.tree.addMeeting({ subDir: 'instance1' });
  sender.tree.giveTo(host.bbbUser);
  const before = logins();
  expect(await sender.tree.run(['deliver'])).toMatchObject({ status: 0 });
  expect(host.files().filter((name) => name.endsWith('.tar'))).toHaveLength(4);
  expect(logins() - before).toBe(1);
});

it.each([
  ['is long', `${'work_dir/'.repeat(9)}x`],
  ['has a space', 'work dir'],
])('logs in once also where the name of work_dir %s', async (_, name) => {
  const sender = createSender({ key: 'rrsync-wo-no-lock' });
  const workDir = join(sender.tree.workDir, name);
  mkdirSync(workDir, { recursive: true });
  const file = join(sender.tree.root, 'long.yml');
  const settings = { work_dir: workDir, spool_dir: host.address('rrsync-wo-no-lock') };
  writeFileSync(file, JSON.stringify(settings));
  sender.tree.giveTo(host.bbbUser);
  const before = logins();
  const result = await sender.tree.run(['--config', file, '-m', sender.meeting.id]);
  expect(result).toMatchObject({ status: 0 });
  expect(logins() - before).toBe(1);
  expect(readdirSync(`${workDir}/tmp`)).toEqual([]);
});

it("logs in for each rsync with an admin's own --rsh", async () => {
  const sender = createSender({ rsync: ['--rsh=ssh -o BatchMode=yes'], size: largeSize });
  const before = logins();
  expect(await sender.deliver()).toMatchObject({ status: 0, stderr: '' });
  expect(logins() - before).toBe(2);
});

it('does not wait for a connection that the ssh configuration keeps in the background', async () => {
  const path = join(host.bbbUser.home, 'control');
  host.addAlias('kept', { ControlMaster: 'auto', ControlPath: path, ControlPersist: '120' });
  const sender = createSender({ spool: `kept:${host.spool}`, rsync: ['--rsh=ssh -o BatchMode=yes'] });
  const started = Date.now();
  expect(await sender.deliver()).toMatchObject({ status: 0 });
  expect(Date.now() - started).toBeLessThan(30_000);
  const own = createSender({ spool: `kept:${host.spool}` });
  const before = logins();
  expect(await own.deliver()).toMatchObject({ status: 0 });
  expect(logins() - before).toBe(1);
  await host.server.killConnections();
});

it('goes when we are killed', async () => {
  const sender = createSender({ size: 30_000_000, rsync: ['--bwlimit=1000'] });
  const running = sender.start();
  await whenArrived(sender.partial, 1);
  running.child.kill('SIGKILL');
  await running.result;
  await whenNobodyIsLoggedIn();
});

it('is opened anew when it has died', async () => {
  chmodSync(temporary.path, 0o755);
  const [workDir, flag] = [temporary.makeDirectory('work'), `${temporary.path}/work/wait`];
  chownSync(workDir, host.bbbUser.uid, host.bbbUser.gid);
  const before = logins();
  const running = startChildNode(
    `const { rsyncSpool } = await hook('spool/rsync/rsync');
     const { parseSpoolAddress } = await hook('config/spool-address');
     const { existsSync, writeFileSync, writeSync } = await import('node:fs');
     const address = parseSpoolAddress(argument.spool);
     const spool = rsyncSpool({ address, workDir: argument.workDir, extraRsyncOptions: [], retry: { attempts: 3, maxSeconds: 60 }, workSpace: 1e9 });
     const watcher = { signal: new AbortController().signal, warn: say, debug() {} };
     const deliver = (name) => spool.deliver({ ...watcher, name, size: 7, subDir: '', write: async (file) => writeSync(file, 'archive') });
     await deliver('m-1-video.tar');
     await deliver('m-2-video.tar');
     writeFileSync(argument.flag, '');
     while (existsSync(argument.flag)) await new Promise((resolve) => setTimeout(resolve, 20));
     await deliver('m-3-video.tar');`,
    {
      argument: { spool: host.address('ordinary'), workDir, flag },
      env: { HOME: '/root', PATH: process.env['PATH'] },
      uid: host.bbbUser.uid,
    },
  );
  while (!existsSync(flag)) await sleep(20);
  const logIn = processesOf(host.bbbUser.uid).filter((line) => line.includes(' ssh -M '));
  await host.server.killConnections();
  // Until who started it knows: what begins before that logs in for itself.
  const isThere = (line: string) => existsSync(`/proc/${line.split(' ')[0]}`);
  await expect.poll(() => logIn.filter(isThere), { timeout: 30_000 }).toEqual([]);
  expect(logIn).toHaveLength(1);
  renameSync(flag, `${flag}ed`);
  expect(await running.result).toMatchObject({ status: 0 });
  expect(logins() - before).toBe(2);
  expect(host.files()).toEqual(['instance1', 'm-1-video.tar', 'm-2-video.tar', 'm-3-video.tar']);
});
