/** What `check` runs against another host, and what it makes of the answers. */
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { classifyFailure, type RemoteFacts } from '../../../hook/check/remote-failures.ts';
import { decideRenaming, decideSshRefusal } from '../../../hook/check/remote-spool-checks.ts';
import { createDirectoryArguments } from '../../../hook/spool/rsync/arguments.ts';
import { explainFailure } from '../../../hook/spool/rsync/failure.ts';
import { parseSshFacts } from '../../../hook/spool/rsync/ssh-facts.ts';
import type { Transfer } from '../../../hook/spool/rsync/transfer.ts';

const ssh = {
  ...{
    alias: 'pilos',
    hostname: 'pilos.example.org',
    port: '22',
    user: 'pilos-spool',
    knownName: 'pilos.example.org',
  },
  ...{ key: '/h/.ssh/pilos', wantedKey: '/h/.ssh/pilos', publicKey: 'ssh-ed25519 AAAA bbb' },
  ...{ isKeyPrivate: true, hasPassphrase: false },
};
const there: RemoteFacts = {
  address: { kind: 'ssh', host: 'pilos', path: '/srv/spool' },
  ssh,
  user: 'bigbluebutton',
};

describe('a failure on the way to another host', () => {
  const explain = (stderr: string, exitCode: number) =>
    explainFailure({ exitCode, stderr }, { destination: 'pilos:/', host: 'pilos' });
  const classify = (stderr: string, exitCode: number, facts = there) =>
    classifyFailure(explain(stderr, exitCode), facts);

  it.each([
    [
      'Host key verification failed.',
      'host_key',
      78,
      /^runuser -u bigbluebutton -- ssh -o StrictHostKeyChecking=ask pilos exit$/,
    ],
    ['WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!', 'host_key', 78, undefined],
    [
      'Permission denied (publickey).',
      'ssh_key',
      77,
      /^on pilos\.example\.org, add to ~pilos-spool\/\.ssh\/authorized_keys \(docs\/ssh\.md\): restrict ssh-ed25519 AAAA bbb$/,
    ],
    ['sh: 1: rsync: not found', 'remote_rsync', 78, undefined],
    ['bash: line 1: /usr/bin/rrsync: cannot execute: required file not found', 'remote_rsync', 78, undefined],
    [
      'rsync: change_dir#3 "/srv/spool" failed: No such file or directory (2)',
      'remote_directory',
      73,
      undefined,
    ],
    [
      'rsync: mkstemp "/srv/spool/.pilos-post-publish-check.DqpVhA" failed: Permission denied (13)',
      'remote_write',
      77,
      undefined,
    ],
    ['rsync: write failed: No space left on device (28)', 'remote_write', 73, undefined],
    ['ssh: connect to host pilos port 22: Connection refused', 'host', 73, undefined],
    ['@ERROR: auth failed on module spool', 'remote_rsync', 77, undefined],
    ['@ERROR: access denied to spool from bbb1 (192.0.2.1)', 'remote_rsync', 77, undefined],
    ['@ERROR: max connections (4) reached -- try again later', 'host', 73, undefined],
    ['rrsync error: option --delete has been disabled on this server', 'remote_rsync', 78, undefined],
    ['rsync error: timeout in data send/receive', 'host', 73, undefined],
  ])('%j belongs to %s (%i)', (stderr, step, status, fix) => {
    const exitCode = stderr.includes('timeout') ? 30 : 255;
    const failure = classify(stderr, exitCode);
    expect(failure).toMatchObject({ step, status });
    // Undefined: as the failure of rsync itself says it.
    if (fix === undefined) expect(failure.fix).toBe(explain(stderr, exitCode).fix);
    else expect(failure.fix).toMatch(fix);
    const command = fix === undefined ? '' : failure.fix.replace(/^on [^:]*: /, '');
    expect(spawnSync('sh', ['-n', '-c', command.replace(/^restrict .*/, '')]).status).toBe(0);
  });

  it.each([
    [
      'makes one where there is none',
      { key: undefined },
      /^runuser -u bigbluebutton -- ssh-keygen -q -t ed25519 -N '' -f \S+pilos$/,
    ],
    [
      'gives root’s to its user',
      { isKeyPrivate: false },
      /^chown bigbluebutton: \/h\/\.ssh\/pilos && chmod 600/,
    ],
    [
      'names a passphrase',
      { hasPassphrase: true },
      /^remove its passphrase, .*: runuser .* ssh-keygen -p -f/,
    ],
  ])('of a key %s', (_, changed, fix) => {
    const facts = { ...there, ssh: { ...ssh, ...changed } };
    expect(classify('Permission denied (publickey).', 255, facts).fix).toMatch(fix);
  });

  const noWord = 'rsync: connection unexpectedly closed (0 bytes received so far) [sender]\n';
  const ended = `${noWord}rsync error: error in rsync protocol data stream (code 12) at io.c(285)`;
  it.each([
    ['only for backups\n', 'remote_rsync', 78],
    ['Connection closed by 192.0.2.1 port 22\r\n', 'host', 73],
    ['kex_exchange_identification: Connection reset by peer\r\n', 'host', 73],
  ])('without a word of rsync there, after %j, belongs to %s (%i)', (before, step, status) => {
    const stderr = `${before}${ended}`;
    expect(classify(stderr, 12)).toMatchObject({ step, status });
  });

  it('while renaming is a problem, but not a lock that another transfer holds', () => {
    const renaming = (stderr: string) => ({ ...there, probe: { renaming: explain(stderr, 23) } });
    const locked = renaming('Another instance of rrsync is already accessing this directory.');
    expect(decideRenaming(locked).state).toBe('skipped');
    const unlinked = renaming('rsync: delete_file: unlink(x) failed: Operation not permitted (1)');
    expect(decideRenaming(unlinked)).toMatchObject({ state: 'problem', status: 77 });
    const refused = renaming('rrsync error: option --delete has been disabled on this server');
    expect(decideRenaming(refused)).toMatchObject({ state: 'warning' });
  });
});

describe('the command that creates a directory there', () => {
  const transfer: Transfer = {
    ...{ address: { kind: 'ssh', host: 'pilos', path: '/' }, subDir: 'one/two', baseName: '' },
    extraOptions: ['--rsh=ssh -p 2222', '--delete'],
  };
  const command = createDirectoryArguments(transfer);

  it('goes over the connection that an admin has chosen', () => {
    expect(command.filter((argument) => argument.startsWith('--rsh=')).at(-1)).toBe('--rsh=ssh -p 2222');
    expect(command).not.toContain('--delete');
  });

  it('creates what leads to it, too', () => {
    expect(command).toEqual(expect.arrayContaining(['--mkpath', '/', 'pilos:/one/two/']));
  });
});

it('reads what ssh would do', () => {
  const output =
    'user pilos-spool\nhostname 127.0.0.1\nport 2222\nidentityfile ~/.ssh/pilos\nidentityfile none\nidentityfile /k\n';
  expect(parseSshFacts('pilos', output, '/home/b')).toEqual({
    ...{
      alias: 'pilos',
      hostname: '127.0.0.1',
      port: '2222',
      user: 'pilos-spool',
      knownName: '[127.0.0.1]:2222',
    },
    wantedKeys: ['/home/b/.ssh/pilos', '/k'],
    wantedKey: '/home/b/.ssh/pilos',
  });
  const unset = 'identityfile ~/.ssh/id_rsa\nidentityfile ~/.ssh/id_ed25519\n';
  expect(parseSshFacts('pilos', unset, '/h').wantedKey).toBe('/h/.ssh/id_ed25519');
});

it.each([
  ['Bad owner or permissions on /h/.ssh/config', 'chown bbb: /h/.ssh/config && chmod 600 /h/.ssh/config'],
  [
    'Bad owner or permissions on /etc/ssh/ssh_config.d/a.conf',
    'chown root: /etc/ssh/ssh_config.d/a.conf && chmod 644 /etc/ssh/ssh_config.d/a.conf',
  ],
  ['/h/.ssh/config: line 3: Bad configuration option: x', 'correct the line that it names'],
])('has a fix for a configuration of which ssh says %j', (stderr, fix) => {
  expect(decideSshRefusal('bbb', stderr)).toMatchObject({ state: 'problem', fix });
});
