/** Whatever keeps rsync from reaching PILOS is said in one line with its fix, and tried again only when that can help. */
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { expectRefused } from '../../support/program/expect-refused.ts';
import { readLedger } from '../../support/program/traces.ts';
import { useRsyncHost } from '../../support/rsync/rsync-host.ts';
import { type SenderOptions, useSenders } from '../../support/rsync/rsync-sender.ts';

const host = useRsyncHost();
const createSender = useSenders(host);

/** Listens, and says nothing. */
const silent = createServer(() => {});
const silentPort = () => String((silent.address() as { port: number }).port);

beforeAll(async () => {
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const otherKey = join(host.bbbUser.home, 'other_known_hosts');
  const key = 'AAAAC3NzaC1lZDI1NTE5AAAAIMDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEy'.slice(0, 68);
  writeFileSync(otherKey, `[127.0.0.1]:${host.server.port} ssh-ed25519 ${key}\n`);
  host.addAlias('closed', { Port: '1' });
  host.addAlias('silent', { Port: silentPort() });
  host.addAlias('unknown', { UserKnownHostsFile: '/dev/null' });
  host.addAlias('changed', { UserKnownHostsFile: otherKey });
  host.addAlias('unauthorized', { IdentityFile: '/nonexistent' });
});
afterAll(() => {
  silent.close();
});

interface Failure extends SenderOptions {
  what: string;
  status: number;
  says: string;
  fix: string | RegExp;
  isRetried?: boolean;
  /** rsync itself is started. */
  isPastLogin?: boolean;
}

const impatient = ['--rsh=ssh -o BatchMode=yes -o ConnectTimeout=1'];

const failures: Failure[] = [
  {
    what: 'the port is closed',
    spool: 'closed:/',
    status: 75,
    says: 'closed refuses the connection',
    fix: 'check that sshd runs there, its port and the firewall',
    isRetried: true,
  },
  {
    what: 'nobody answers',
    spool: 'silent:/',
    rsync: impatient,
    isPastLogin: true,
    status: 75,
    says: 'silent cannot be reached',
    fix: 'check that it runs, the network and the firewall',
    isRetried: true,
  },
  {
    what: 'the name has no address',
    spool: 'pilos.invalid:/',
    status: 75,
    says: 'the name pilos.invalid cannot be resolved',
    fix: 'check spool_dir in pilos.yml, ~/.ssh/config of the user bigbluebutton, and DNS',
    isRetried: true,
  },
  {
    what: 'the host key is not known',
    spool: 'unknown:/',
    status: 78,
    says: 'the ssh host key of unknown is not known',
    fix: '(sudo -u bigbluebutton -H ssh unknown), and accept the key if',
  },
  {
    what: 'the host key has changed',
    spool: 'changed:/',
    status: 78,
    says: 'the ssh host key of changed has changed',
    // The alias is known under another name, in another file.
    fix: /known is SHA256:\S{43}; now it sends SHA256:\S{43}; compare .* Only if .* -f \S+\/other_known_hosts -R '\[127\.0\.0\.1\]:\d+'/,
  },
  {
    what: 'the key is refused',
    spool: 'unauthorized:/',
    status: 77,
    says: 'unauthorized refuses our ssh key',
    fix: 'check ~/.ssh/config and the key of the user bigbluebutton here, and authorized_keys there',
  },
  {
    what: 'rrsync refuses an option',
    key: 'rrsync',
    rsync: ['-s'],
    isPastLogin: true,
    status: 78,
    says: "refuses the option '-s'",
    fix: 'remove it from extra_rsync_opts in pilos.yml',
  },
  {
    what: 'rsync here does not know an option',
    rsync: ['--nonsense'],
    isPastLogin: true,
    status: 78,
    says: 'rsync does not know an option',
    fix: 'correct extra_rsync_opts in pilos.yml',
  },
  {
    what: 'rsync is not installed there',
    key: 'no-rsync',
    isPastLogin: true,
    status: 69,
    says: 'rsync is not installed on pilos-no-rsync',
    fix: "run 'apt-get install rsync' there",
  },
];

it.each(failures)(
  'says so when $what',
  async ({ status, says, fix, isRetried = false, isPastLogin = false, ...options }) => {
    const sender = createSender({ ...options, retry: { attempts: 2, max_seconds: 60 } });
    const result = await sender.deliver();
    const warning = /^pilos-post-publish: .*; 1 more try\n/;
    expect(warning.test(result.stderr)).toBe(isRetried);
    expectRefused({ ...result, stderr: result.stderr.replace(warning, '') }, status, says, fix);
    expect(sender.rsyncRuns()).toBe(!isPastLogin ? 0 : isRetried ? 2 : 1);
    expect(sender.temporaryFiles()).toEqual([]);
    expect(readLedger(sender.tree, sender.meeting.id, 'presentation')).toMatchObject({ state: 'failed' });
    expect(host.files()).toEqual(['instance1']);
  },
);

it.each([
  {
    what: 'rsync',
    programs: { setpriv: '/usr/bin/setpriv', ssh: '/usr/bin/ssh' },
    says: 'rsync cannot be run here',
    fix: 'apt-get install rsync openssh-client',
  },
  {
    what: 'ssh',
    programs: { setpriv: '/usr/bin/setpriv', rsync: '/usr/bin/rsync' },
    says: 'ssh cannot be run here',
    fix: 'apt-get install rsync openssh-client',
  },
  { what: 'any of them', programs: {}, says: 'ssh cannot be run here', fix: 'apt-get install rsync' },
])('says so when the PATH here is without $what', async ({ programs, says, fix }) => {
  const sender = createSender({ programs, retry: { attempts: 2, max_seconds: 60 } });
  expectRefused(await sender.deliver(), 69, says, fix);
  expect(sender.temporaryFiles()).toEqual([]);
});
