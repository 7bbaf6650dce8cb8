import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { parseSpoolAddress } from '../../../../hook/config/spool-address.ts';
import {
  listArguments,
  removeArguments,
  renameArguments,
  sendArguments,
  sendWholeArguments,
} from '../../../../hook/spool/rsync/arguments.ts';
import {
  parseListedArchives,
  parseProgress,
  saysRenamed,
  saysSent,
} from '../../../../hook/spool/rsync/output.ts';
import { remoteDirectory, type Transfer } from '../../../../hook/spool/rsync/transfer.ts';
import { shellQuote } from '../../../../hook/system/shell-quote.ts';

function transfer(spool: string, more: Partial<Transfer> = {}): Transfer {
  const address = parseSpoolAddress(spool);
  if (typeof address === 'string' || address.kind === 'local') throw new Error(`${spool} is not remote`);
  return { address, subDir: '', baseName: 'm-1-video', extraOptions: [], ...more };
}

const everyCommand = (of: Transfer): [string, string[]][] => [
  ['send', sendArguments(of, '/work/tmp/R/m-1-video')],
  ['send whole', sendWholeArguments(of, '/work/tmp/R/m-1-video.tar')],
  ['rename', renameArguments(of, '/work/tmp/R/empty')],
];
const commandNames = ['send', 'send whole', 'rename'];
const command = (name: string, of: Transfer) => new Map(everyCommand(of)).get(name) ?? [];

describe('the commands over ssh', () => {
  it('send in place, so that a cut transfer resumes', () => {
    expect(sendArguments(transfer('pilos:/spool'), '/work/tmp/R/m-1-video')).toEqual([
      '--rsh=ssh -o BatchMode=yes -o ConnectTimeout=15 -o ServerAliveInterval=15 -o ServerAliveCountMax=4',
      '--timeout=60',
      '--perms',
      '--chmod=F664',
      '--times',
      '--ignore-times',
      '--itemize-changes',
      '--inplace',
      '--partial',
      '--dirs',
      '--delete',
      '--filter=P *',
      '--',
      '/work/tmp/R/m-1-video',
      'pilos:/spool/.',
    ]);
  });

  it('send several whole in one run', () => {
    const words = sendWholeArguments(transfer('pilos:/spool'), '/work/a.tar', '/work/b.tar');
    expect(words.slice(-4)).toEqual(['--', '/work/a.tar', '/work/b.tar', 'pilos:/spool/.']);
  });

  it('rename by deleting the one file with a backup', () => {
    const args = renameArguments(transfer('pilos:/spool'), '/work/tmp/R/empty');
    expect(args.slice(2)).toEqual([
      '--recursive',
      '--delete',
      '--max-delete=1',
      '--backup',
      '--suffix=.tar',
      '--itemize-changes',
      '--include=/m-1-video',
      '--exclude=*',
      '--',
      '/work/tmp/R/empty/',
      'pilos:/spool/.',
    ]);
  });

  it('of a probe never make a name that PILOS would import, and delete one file, for good', () => {
    const probe = transfer('pilos:/spool', { baseName: 'x', suffix: '.renamed' });
    expect(renameArguments(probe, '/e')).toContain('--suffix=.renamed');
    const removal = removeArguments(probe, '/e');
    expect(removal).toEqual(
      expect.arrayContaining(['--delete', '--max-delete=1', '--include=/x', '--exclude=*']),
    );
    expect(removal.filter((word) => /backup|suffix/.test(word))).toEqual([]);
    const every = [...renameArguments(probe, '/e'), ...removal, ...sendArguments(probe, '/x')];
    expect(every.filter((word) => word.endsWith('.tar'))).toEqual([]);
  });

  it('never write in place under a name that ends in .tar', () => {
    const whole = sendWholeArguments(transfer('pilos:/spool'), '/work/tmp/R/m-1-video.tar');
    expect(whole).not.toContain('--inplace');
    expect(whole).not.toContain('--partial');
    const send = sendArguments(transfer('pilos:/spool'), '/work/tmp/R/m-1-video');
    expect(send.filter((word) => word.includes('.tar'))).toEqual([]);
  });

  it.each(commandNames)('wait for nobody and for no dead link: %s', (name) => {
    const args = command(name, transfer('pilos:/spool'));
    expect(args[0]).toContain('BatchMode=yes');
    expect(args[0]).toContain('ConnectTimeout=15');
    expect(args[0]).toContain('ServerAliveInterval=15');
    expect(args).toContain('--timeout=60');
  });

  it.each(commandNames)('use no option that rrsync refuses: %s', (name) => {
    const args = command(name, transfer('pilos:/spool'));
    expect(
      args.filter((word) =>
        /^(-s|--protect-args|--secluded-args|--partial-dir.*|--remove-source-files)$/.test(word),
      ),
    ).toEqual([]);
  });

  it.each(commandNames)(
    "put the admin's options after our own and before `--`, without --quiet: %s",
    (name) => {
      const extraOptions = ['--bwlimit=1000', '-q', '--quiet', '--rsh=ssh -p 2222', '-v'];
      const args = command(name, transfer('pilos:/spool', { extraOptions }));
      const end = args.indexOf('--');
      const first = args.indexOf('--bwlimit=1000');
      const kept = ['--bwlimit=1000', '--rsh=ssh -p 2222', ...(name === 'rename' ? [] : ['-v'])];
      expect(args.slice(first, first + kept.length)).toEqual(kept);
      expect(args.lastIndexOf('--rsh=ssh -p 2222')).toBeGreaterThan(
        args.findIndex((word) => word.startsWith('--rsh=')),
      );
      expect(first).toBeLessThan(end);
      expect(args.filter((word) => word === '-q' || word === '--quiet')).toEqual([]);
      expect(args.slice(end)).toHaveLength(3);
    },
  );

  it('rename with no other option than those that lead there: others could delete more, or change the directory', () => {
    const lead = ['-e', 'ssh -p 2222', '--rsync-path=/opt/rsync', '--port', '8730', '-4', '-z'];
    const others = [
      '--archive',
      '--delete-excluded',
      '--max-delete',
      '1000',
      '--times',
      '--chmod=D700',
      '-v',
      '--fsync',
    ];
    const args = renameArguments(transfer('pilos:/spool', { extraOptions: [...others, ...lead] }), '/empty');
    const without = renameArguments(transfer('pilos:/spool'), '/empty');
    expect(args.filter((word) => !without.includes(word))).toEqual(lead);
    expect(args.slice(args.indexOf('-e'), args.indexOf('--'))).toEqual(lead);
  });

  it('do not change what they are given', () => {
    const given = transfer('pilos:/spool', { extraOptions: Object.freeze(['-q', '-v']) });
    expect(everyCommand(given)).toEqual(everyCommand(given));
    expect(given.extraOptions).toEqual(['-q', '-v']);
  });
});

describe('the destination', () => {
  it.each([
    ['pilos:/spool', '', 'pilos:/spool', 'pilos:/spool/.'],
    ['pilos:/spool/', 'a/b', 'pilos:/spool/a/b', 'pilos:/spool/a/b/.'],
    ['pilos:/', '', 'pilos:/', 'pilos:/.'],
    ['pilos:/', 'instance1', 'pilos:/instance1', 'pilos:/instance1/.'],
    ['pilos:', '', 'pilos:', 'pilos:.'],
    ['pilos:', 'instance1', 'pilos:instance1', 'pilos:instance1/.'],
    ['pilos:spool', 'instance1', 'pilos:spool/instance1', 'pilos:spool/instance1/.'],
    ['pilos:~/spool', '', 'pilos:~/spool', 'pilos:~/spool/.'],
    ['user@[::1]:/spool', '', 'user@[::1]:/spool', 'user@[::1]:/spool/.'],
  ])('of %s with the sub directory %j is named %s and ends in /.', (spool, subDir, said, destination) => {
    const of = transfer(spool, { subDir });
    expect(remoteDirectory(of)).toBe(said);
    for (const [, args] of everyCommand(of)) expect(args.at(-1)).toBe(destination);
  });
});

describe('the commands to a daemon', () => {
  it.each([
    ['pilos::module', 'a', 'pilos::module/a'],
    ['rsync://pilos:8730/module/x', 'a', 'rsync://pilos:8730/module/x/a'],
    ['pilos::module', '', 'pilos::module'],
  ])(
    'name the file when they send to %s with %j: a daemon would create the directory',
    (spool, subDir, said) => {
      const of = transfer(spool, { subDir });
      expect(remoteDirectory(of)).toBe(said);
      expect(command('send', of).at(-1)).toBe(`${said}/m-1-video`);
      expect(command('send whole', of).at(-1)).toBe(`${said}/m-1-video.tar`);
      expect(command('rename', of).at(-1)).toBe(`${said}/.`);
    },
  );

  it.each(commandNames)('use no ssh, and a connect timeout that the daemon protocol has: %s', (name) => {
    const args = command(name, transfer('pilos::module'));
    expect(args).toEqual(expect.arrayContaining(['--timeout=60', '--contimeout=15']));
    expect(args.join(' ')).not.toContain('ssh');
  });
});

describe('listing', () => {
  it('is by the same connection, with no other option than those that lead there', () => {
    const extra = ['-e', 'ssh -p 2222', '--bwlimit=1000', '--delete', '--exclude=x'];
    const args = listArguments(transfer('pilos:/spool', { subDir: 'one', extraOptions: extra }));
    expect(args.filter((argument) => !argument.startsWith('--rsh='))).toEqual([
      '--timeout=60',
      '--list-only',
      '-e',
      'ssh -p 2222',
      '--bwlimit=1000',
      '--',
      'pilos:/spool/one/.',
    ]);
  });

  it('finds the archives among all that rsync lists', () => {
    const output = `drwxrwsr-x          4,096 2026/11/24 11:00:00 .
-rw-rw-r--    138,240 2026/11/24 11:00:00 m-1-video.tar
-rw-rw-r--  5,368,709,120 2026/11/24 11:00:00 with space.tar
-rw-------          1 2026/11/24 11:00:00 .m-2-video.tar.AbCdEf
-rw-rw-r--          0 2026/11/24 11:00:00 m-3-video
drwxrwsr-x          4,096 2026/11/24 11:00:00 directory.tar
`;
    expect(parseListedArchives(output)).toEqual(['m-1-video.tar', 'with space.tar']);
    expect(parseListedArchives('')).toEqual([]);
  });
});

describe('saysSent', () => {
  it.each([
    ['<f+++++++++ m-1-video\n', true],
    ['\r  32,768 0% 0.00kB/s\r<f.sTp..... m-1-video\n', true],
    ['.f          m-1-video\n', false],
    ['<f+++++++++ m-1-video.tar\n', false],
    ['', false],
  ])('of %j: %s', (output, answer) => {
    expect(saysSent(output, 'm-1-video')).toBe(answer);
  });
});

describe('saysRenamed', () => {
  it.each([
    ['*deleting   m-1-video', true],
    ['.d..t...... ./\n*deleting   m-1-video\n', true],
    ['sent 1 bytes\r*deleting   m-1-video\r\n', true],
    ['*deleting   m-1-video.tar', false],
    ['*deleting   xm-1-video', false],
    ['*deleting   m-1-video x', false],
    ['deleting m-1-video', false],
    ['', false],
  ])('of %j: %s', (output, answer) => {
    expect(saysRenamed(output, 'm-1-video')).toBe(answer);
  });
});

describe('parseProgress', () => {
  it.each([
    ['\r         32,768   0%    0.00kB/s    0:00:00  ', 32_768],
    ['\r  1,048,576  10%  1.00MB/s  0:00:09 \r  2,097,152  20%  1.00MB/s  0:00:08 ', 2_097_152],
    ['  1.048.576  10%  1,00MB/s    0:00:09', 1_048_576],
    ['          6000000 100%   98.43MB/s    0:00:00 (xfr#1, to-chk=0/1)\n', 6_000_000],
    ['<f+++++++++ m-1-video\n', undefined],
    ['100%', undefined],
    ['', undefined],
  ])('reads the bytes of %j', (output, bytes) => {
    expect(parseProgress(output)).toBe(bytes);
  });
});

describe('shellQuote', () => {
  it('gives a shell exactly the words that the command has', async () => {
    const words = [
      'a',
      'a b',
      "it's",
      '"',
      '$(x)',
      '`x`',
      '\\',
      '*',
      '',
      '~',
      '#',
      '!x',
      'a\nb',
      '--filter=P *',
      'ä',
      '{a,b}',
      '-n',
    ];
    const script = `printf '%s\\0' ${shellQuote(words)}`;
    for (const shell of ['sh', 'bash']) {
      const { stdout } = await execa(shell, ['-c', script]);
      expect(stdout.split('\0').slice(0, -1)).toEqual(words);
    }
  });

  it('leaves plain words as they are', () => {
    expect(shellQuote(['rsync', '--chmod=F664', 'user@pilos:/spool/.'])).toBe(
      'rsync --chmod=F664 user@pilos:/spool/.',
    );
  });
});
