/** What `check` runs against another host, and what it makes of the answers. */
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { parseVersion } from '../../../hook/check/programs.ts';
import {
  createDirectoryCommand,
  holdArguments,
  testDeleteArguments,
  testRenameArguments,
  testTransfer,
} from '../../../hook/check/remote-arguments.ts';
import { classifyFailure } from '../../../hook/check/remote-failure.ts';
import { decideRenaming } from '../../../hook/check/remote-findings.ts';
import {
  allowRenaming,
  allowSeveral,
  findDirectory,
  type RemoteFacts,
} from '../../../hook/check/remote-fixes.ts';
import { decideSshTrouble, parseSshFacts } from '../../../hook/check/ssh.ts';
import { explainFailure } from '../../../hook/spool/rsync/failure.ts';

const ssh = {
  ...{
    alias: 'pilos',
    hostname: 'pilos.example.org',
    port: '22',
    user: 'pilos-spool',
    knownName: 'pilos.example.org',
  },
  ...{ key: '/h/.ssh/pilos', wantedKey: '/h/.ssh/pilos', publicKey: 'ssh-ed25519 AAAA bbb' },
};
const there: RemoteFacts = {
  address: { kind: 'ssh', host: 'pilos', path: '/srv/spool' },
  ssh,
  user: 'bigbluebutton',
};

describe('a failure on the way to another host', () => {
  const said = (stderr: string, exitCode = 255) =>
    explainFailure({ exitCode, stderr }, { destination: 'pilos:/', host: 'pilos' });

  it.each([
    [
      'Host key verification failed.',
      'host-key',
      78,
      /^runuser -u bigbluebutton -- ssh .*accept-new pilos exit$/,
    ],
    [
      'WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!',
      'host-key',
      78,
      /^runuser .* ssh-keygen -R pilos\.example\.org && /,
    ],
    [
      'Permission denied (publickey).',
      'ssh-key',
      77,
      /^install -d -m 700 .* && echo 'restrict ssh-ed25519 AAAA bbb' >> ~pilos-spool\/\.ssh\/authorized_keys$/,
    ],
    ['sh: 1: rsync: not found', 'remote-rsync', 78, /^apt-get install --yes rsync$/],
    [
      'bash: line 1: /usr/bin/rrsync: cannot execute: required file not found',
      'remote-rsync',
      78,
      /^apt-get install --yes rsync python3$/,
    ],
    [
      'rsync: change_dir#3 "/srv/spool" failed: No such file or directory (2)',
      'remote-directory',
      73,
      /^install -d -m 2775 -o pilos-spool /,
    ],
    [
      'rsync: mkstemp "/srv/spool/.pilos-post-publish-check.DqpVhA" failed: Permission denied (13)',
      'remote-write',
      77,
      /^chown pilos-spool: \/srv\/spool && /,
    ],
    ['rsync: write failed: No space left on device (28)', 'remote-write', 73, undefined],
    ['ssh: connect to host pilos port 22: Connection refused', 'host', 73, undefined],
    ['@ERROR: auth failed on module spool', 'remote-rsync', 77, undefined],
    ['@ERROR: access denied to spool from bbb1 (192.0.2.1)', 'remote-rsync', 77, undefined],
    ['@ERROR: max connections (4) reached -- try again later', 'host', 73, undefined],
    [
      'rrsync error: option --delete has been disabled on this server',
      'remote-rsync',
      78,
      /^sed -i 's\/ -no-del /,
    ],
    ['rsync error: timeout in data send/receive', 'host', 73, undefined],
  ])('%j belongs to %s (%i)', (stderr, step, status, fix) => {
    const { code } = said(stderr, stderr.includes('timeout') ? 30 : 255);
    const failure = classifyFailure(code, stderr, there);
    expect(failure).toMatchObject({ step, status });
    const command = typeof failure.fix === 'object' ? failure.fix.command : failure.fix;
    if (fix === undefined) expect(command).toBeUndefined();
    else expect(command).toMatch(fix);
    expect(spawnSync('sh', ['-n', '-c', command ?? '']).status).toBe(0);
  });

  const noWord = 'rsync: connection unexpectedly closed (0 bytes received so far) [sender]\n';
  const ended = `${noWord}rsync error: error in rsync protocol data stream (code 12) at io.c(285)`;
  it.each([
    ['only for backups\n', 'remote-rsync', 78],
    ['Connection closed by 192.0.2.1 port 22\r\n', 'host', 73],
    ['kex_exchange_identification: Connection reset by peer\r\n', 'host', 73],
  ])('without a word of rsync there, after %j, belongs to %s (%i)', (before, step, status) => {
    const stderr = `${before}${ended}`;
    expect(classifyFailure(said(stderr, 12).code, stderr, there)).toMatchObject({ step, status });
  });

  it.each([
    ['/srv/spool', 'change_dir#3 "/srv/spool" failed: No such file', '/srv/spool'],
    ['spool', 'rsync: [Receiver] change_dir#3 "/home/p/spool" failed: No such file', '/home/p/spool'],
    ['/srv/spool', 'ERROR: cannot stat destination "/srv/spool/.": Permission denied', '/srv/spool'],
    ['/sub', 'open "/srv/spool/sub/pilos-post-publish-check" failed: Permission denied', '/srv/spool/sub'],
    ['/', 'open "/proc/self/fd/3/pilos-post-publish-check" failed', '/THE/SPOOL/DIRECTORY'],
    ['/sub', 'change_dir#3 "/proc/self/fd/3/sub" failed', '/THE/SPOOL/DIRECTORY/sub'],
    [
      'sub/',
      '/usr/bin/rrsync error: post-realpath open failed: /sub/. Permission',
      '/THE/SPOOL/DIRECTORY/sub',
    ],
    [
      '/',
      'File "/usr/bin/rrsync", line 958\nPermissionError: [Errno 13] Permission: \'/srv/spool\'',
      '/srv/spool',
    ],
    ['/srv/spool', 'mkdir "/srv/$(reboot)" failed', undefined],
    ['/srv/spool', '', undefined],
  ])('%j, of which is said %j, is %j there', (path, stderr, directory) => {
    expect(findDirectory(path, stderr)).toBe(directory);
  });

  it('while renaming is a problem, but not a lock that another transfer holds', () => {
    const trouble = (stderr: string) => ({ failure: said(stderr, 23), stderr });
    const locked = trouble(
      '/usr/bin/rrsync error: Another instance of rrsync is already accessing this directory.',
    );
    expect(decideRenaming(there, locked).state).toBe('skipped');
    const unlinked = trouble('rsync: delete_file: unlink(x) failed: Operation not permitted (1)');
    expect(decideRenaming(there, unlinked)).toMatchObject({ state: 'problem', exit_status: 77 });
  });
});

describe('the line of a key', () => {
  const edit = (fix: { command: string } | undefined, line: string) => {
    const script = /^sed -i ('[^']+')/.exec(fix?.command ?? '')?.[1] ?? '';
    return spawnSync('sh', ['-c', `sed ${script}`], {
      input: `command="${line}",restrict k\n`,
    }).stdout.toString();
  };
  const reading = classifyFailure('spool_read_only', '', there).fix as { command: string };

  it.each([
    ['lets in several', allowSeveral(there), 'rrsync /s', 'rrsync -no-lock /s'],
    ['lets in several', allowSeveral(there), 'rrsync -wo -no-lock /s', 'rrsync -wo -no-lock /s'],
    ['lets in several', allowSeveral(there), 'rrsync -ro /s', 'rrsync -ro /s'],
    ['may rename', allowRenaming(there), 'rrsync -no-del -no-lock /s', 'rrsync -no-lock /s'],
    ['may write', reading, 'rrsync -ro /s', 'rrsync -wo -no-lock /s'],
    ['may write', reading, '/usr/bin/rrsync -no-lock -ro /s', '/usr/bin/rrsync -wo -no-lock /s'],
  ])('%s', (_, fix, before, after) => {
    expect(edit(fix, before)).toBe(`command="${after}",restrict k\n`);
  });
});

describe('the rsync command lines', () => {
  const transfer = testTransfer({ kind: 'ssh', host: 'pilos', path: '/' }, 'one/two', ['--bwlimit=1M']);

  it('never make a name that PILOS would import', () => {
    const lines = [
      holdArguments(transfer),
      testRenameArguments(transfer, '/e'),
      testDeleteArguments(transfer, '/e', 'x'),
    ];
    expect(lines.flat().filter((argument) => argument.endsWith('.tar'))).toEqual([]);
    expect(testRenameArguments(transfer, '/e')).toContain('--suffix=.renamed');
  });

  it('delete one file, for good', () => {
    const args = testDeleteArguments(transfer, '/e', 'x.renamed');
    expect(args).toEqual(
      expect.arrayContaining(['--delete', '--max-delete=1', '--include=/x.renamed', '--exclude=*']),
    );
    expect(args.filter((argument) => /backup|suffix/.test(argument))).toEqual([]);
  });

  it('create a directory over the connection that an admin has chosen', () => {
    const own = testTransfer({ kind: 'ssh', host: 'pilos', path: '/' }, 'one', [
      '--rsh=ssh -p 2222',
      '--delete',
    ]);
    const command = createDirectoryCommand(own);
    expect(command.filter((argument) => argument.startsWith('--rsh=')).at(-1)).toBe('--rsh=ssh -p 2222');
    expect(command).not.toContain('--delete');
  });

  it('create a directory with what leads to it', () => {
    expect(createDirectoryCommand(transfer)).toEqual(
      expect.arrayContaining(['--mkpath', '/', 'pilos:/one/two/']),
    );
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
  ['Bad owner or permissions on /h/.ssh/config\r\n', 'chown bbb: /h/.ssh/config && chmod 600 /h/.ssh/config'],
  [
    'Bad owner or permissions on /etc/ssh/ssh_config.d/a.conf\r\n',
    'chown root: /etc/ssh/ssh_config.d/a.conf && chmod 644 /etc/ssh/ssh_config.d/a.conf',
  ],
  ['/h/.ssh/config: line 3: Bad configuration option: x\r\n/h/.ssh/config: terminating', undefined],
])('mends a configuration of which ssh says %j', (stderr, fix) => {
  expect(decideSshTrouble('bbb', { stderr }).fix).toBe(fix);
});

it.each([
  ['rsync  version 3.2.7  protocol version 31\nCopyright', '3.2.7'],
  ['OpenSSH_9.2p1 Debian-2+deb12u10, OpenSSL 3.0.19', 'OpenSSH_9.2p1'],
  ['', 'of unknown version'],
])('reads the version of %j', (output, version) => {
  expect(parseVersion(output)).toBe(version);
});
