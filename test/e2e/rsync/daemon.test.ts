/** A spool behind an rsync daemon: `HOST::MODULE/PATH` and `rsync://HOST:PORT/MODULE/PATH`. */
import { chmodSync, chownSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { expectRefused } from '../../support/program/expect-refused.ts';
import { runOnTerminal } from '../../support/program/terminal.ts';
import { oneOfEach } from '../../support/program/test-size.ts';
import { ledgerFile } from '../../support/program/traces.ts';
import { type RsyncDaemon, startRsyncDaemon } from '../../support/rsync/rsync-daemon.ts';
import { useRsyncHost } from '../../support/rsync/rsync-host.ts';
import { largeSize, type Sender, type SenderOptions, useSenders } from '../../support/rsync/rsync-sender.ts';

const host = useRsyncHost();
const createSender = useSenders(host);

let daemon: RsyncDaemon | undefined;
const scratch = () => join(host.pilosUser.home, 'daemon');

beforeEach(() => {
  mkdirSync(scratch());
});
afterEach(async () => {
  await daemon?.stop();
  daemon = undefined;
  rmSync(scratch(), { recursive: true, force: true });
});

async function startDaemon(...settings: string[]): Promise<RsyncDaemon> {
  const { name, group } = host.pilosUser;
  daemon = await startRsyncDaemon(host.spool, scratch(), [`uid = ${name}`, `gid = ${group}`, ...settings]);
  return daemon;
}

const forms = [
  { form: 'rsync://', options: ({ url }: RsyncDaemon): SenderOptions => ({ spool: url }) },
  {
    form: '::',
    options: ({ port }: RsyncDaemon): SenderOptions => ({
      ...{ spool: '127.0.0.1::spool', rsync: [`--port=${port}`] },
    }),
  },
];

async function expectDelivery(sender: Sender): Promise<void> {
  const name = `${sender.meeting.id}-presentation.tar`;
  expect(await sender.deliver()).toMatchObject({ status: 0, stderr: '' });
  expect(host.files()).toEqual(['instance1', `instance1/${name}`]);
  const { mode, gid } = statSync(sender.archive);
  expect({ mode: (mode & 0o7777).toString(8), gid }).toEqual({ mode: '664', gid: host.pilosUser.gid });
  const first = readFileSync(sender.archive);
  // Again, while it still lies there and nobody remembers it, and then rebuilt.
  rmSync(ledgerFile(sender.tree, sender.meeting.id, 'presentation'));
  expect(await sender.deliver()).toMatchObject({ status: 0, stderr: '' });
  expect(readFileSync(sender.archive).equals(first)).toBe(true);
  sender.rebuild();
  expect(await sender.deliver()).toMatchObject({ status: 0, stderr: '' });
  expect(await sender.import()).toEqual([`${name}: as published`]);
  expect(host.files()).toEqual(['instance1']);
  expect(sender.temporaryFiles()).toEqual([]);
}

const variants = forms.flatMap((form) => ['yes', 'no'].map((chroot) => ({ ...form, chroot })));

// In CI the first and the last of the four.
it.each(oneOfEach(3, variants))(
  'delivers and replaces as $form, with use chroot = $chroot',
  async ({ options, chroot }) => {
    await expectDelivery(createSender(options(await startDaemon(`use chroot = ${chroot}`))));
  },
);

it.each(oneOfEach(3, variants))(
  'creates nothing when the sub directory is missing, as $form, with use chroot = $chroot',
  async ({ options, chroot }) => {
    const spool = options(await startDaemon(`use chroot = ${chroot}`));
    const sender = createSender({ ...spool, subDir: 'missing', retry: { attempts: 2, max_seconds: 60 } });
    expectRefused(await sender.deliver(), 73, '/missing does not exist', 'create it there');
    expect(host.files()).toEqual(['instance1']);
    expect(sender.rsyncRuns()).toBe(1);
    expect(sender.temporaryFiles()).toEqual([]);
  },
);

it('delivers into the module itself', async () => {
  const { url } = await startDaemon();
  const sender = createSender({ spool: `${url}/`, subDir: '' });
  expect(await sender.deliver()).toMatchObject({ status: 0, stderr: '' });
  expect(await sender.import()).toEqual([`${sender.meeting.id}-presentation.tar: as published`]);
});

it.each(['delete', 'delete*', 'delete backup'])(
  'sends the archive whole to a daemon with refuse options = %s',
  async (refused) => {
    const { url } = await startDaemon(`refuse options = ${refused}`);
    const sender = createSender({ spool: url, size: largeSize });
    const { status, stderr } = await sender.deliver();
    expect(status).toBe(0);
    expect(stderr).toMatch(/^pilos-post-publish: .* refuses to delete, and so to rename .*\n$/);
    expect(await sender.import()).toEqual([`${sender.meeting.id}-presentation.tar: as published`]);
    expect(host.files()).toEqual(['instance1']);
  },
);

it('creates nothing when a daemon that refuses to delete has no such sub directory', async () => {
  const { url } = await startDaemon('refuse options = delete');
  const sender = createSender({ spool: url, subDir: 'missing' });
  const { status, stderr } = await sender.deliver();
  expect(status).toBe(73);
  expect(stderr).toMatch(/\/missing does not exist.*create it there.*\n$/);
  expect(host.files()).toEqual(['instance1']);
});

it.each([
  { what: 'module', settings: [], path: 'wrong', status: 69, says: 'has no such module' },
  {
    what: 'right to write',
    settings: ['read only = true'],
    path: 'spool',
    status: 77,
    says: 'is read-only',
  },
])('says so when the daemon has no such $what', async ({ settings, path, status, says }) => {
  const { port } = await startDaemon(...settings);
  const sender = createSender({ spool: `rsync://127.0.0.1:${port}/${path}` });
  expectRefused(await sender.deliver(), status, says);
  expect(host.files()).toEqual(['instance1']);
});

it('logs in with a user and a file with the password, and says so when the daemon refuses them', async () => {
  const [secrets, password] = [join(scratch(), 'secrets'), join(host.bbbUser.home, 'password')];
  writeFileSync(secrets, 'bbb:right\n', { mode: 0o600 });
  writeFileSync(password, 'wrong\n', { mode: 0o600 });
  chownSync(password, host.bbbUser.uid, host.bbbUser.gid);
  const { port } = await startDaemon('auth users = bbb', `secrets file = ${secrets}`);
  const url = `rsync://bbb@127.0.0.1:${port}/spool`;
  const [sender, withoutFile] = [
    createSender({ spool: url, rsync: [`--password-file=${password}`] }),
    createSender({ spool: url }),
  ];
  for (const one of [sender, withoutFile]) {
    const refused = await one.deliver();
    expectRefused(refused, 77, 'refuses our user or password', '--password-file=FILE');
    expect(one.rsyncRuns()).toBe(1);
  }
  // Nor is an admin asked for the password, where nobody would see that it is waited for.
  const { tree, meeting } = withoutFile;
  const { stdout } = await runOnTerminal(tree, ['-m', meeting.id], { columns: 200 });
  expect(stdout).toContain('refuses our user or password');
  expect(stdout).not.toMatch(/password: ?$/im);
  writeFileSync(password, 'right\n');
  expect(await sender.deliver()).toMatchObject({ status: 0, stderr: '' });
  expect(await sender.import()).toEqual([`${sender.meeting.id}-presentation.tar: as published`]);
});

it("says that the daemon refuses this server's address", async () => {
  const { url } = await startDaemon('hosts allow = 192.0.2.1');
  expectRefused(
    await createSender({ spool: url }).deliver(),
    77,
    "refuses this server's address",
    'hosts allow',
  );
});

it('tries again when the daemon has as many connections as it allows', async () => {
  // A negative number allows none.
  const { url } = await startDaemon('max connections = -1');
  const sender = createSender({ spool: url, retry: { attempts: 2, max_seconds: 60 } });
  const { status, stderr } = await sender.deliver();
  expect(status).toBe(75);
  expect(stderr).toMatch(/as many connections as it allows.*; 1 more try\n.*raise 'max connections'.*\n$/);
  expect(sender.rsyncRuns()).toBe(2);
});

it('says that a directory of another user is not writable', async () => {
  const { url } = await startDaemon();
  const sender = createSender({ spool: url });
  chownSync(sender.directory, 0, 0);
  chmodSync(sender.directory, 0o755);
  expectRefused(await sender.deliver(), 77, '/instance1 is not writable', 'chmod 2775');
  expect(host.files()).toEqual(['instance1']);
});

it('says that no daemon answers, and tries again', async () => {
  const { url, stop } = await startDaemon();
  await stop();
  daemon = undefined;
  const sender = createSender({ spool: url, retry: { attempts: 2, max_seconds: 60 } });
  const { status, stderr } = await sender.deliver();
  expect(status).toBe(75);
  expect(stderr).toMatch(/refuses the connection.*; 1 more try\n.*refuses the connection.*\n$/);
  expect(sender.rsyncRuns()).toBe(2);
});
