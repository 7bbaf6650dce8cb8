/** `spool_dir` as an admin may write it: parseSpoolAddress of hook/config/spool-address.ts. */
import { describe, expect, it } from 'vitest';
import { parseSpoolAddress } from '../../../hook/config/spool-address.ts';

describe('parseSpoolAddress', () => {
  it.each([
    ['/mnt/spool', '/mnt/spool'],
    ['/mnt/spool/', '/mnt/spool'],
    ['/mnt/spool///', '/mnt/spool'],
    ['/', '/'],
    ['//', '/'],
    ['/mnt/Größe und Raum', '/mnt/Größe und Raum'],
    ['/mnt/a:b', '/mnt/a:b'],
    ['/mnt/-x', '/mnt/-x'],
  ])('takes %j for the local directory %j', (value, path) => {
    expect(parseSpoolAddress(value)).toEqual({ kind: 'local', path });
  });

  it.each([
    ['pilos:/srv/spool', 'pilos', '/srv/spool'],
    ['pilos:/srv/spool/', 'pilos', '/srv/spool'],
    ['pilos:/', 'pilos', '/'],
    ['pilos:', 'pilos', ''],
    ['pilos:spool/a', 'pilos', 'spool/a'],
    ['pilos:~/spool', 'pilos', '~/spool'],
    ['pilos:~', 'pilos', '~'],
    ['pilos.example.org:/s', 'pilos.example.org', '/s'],
    ['pilos-user@pilos:/s', 'pilos-user@pilos', '/s'],
    ['192.0.2.1:/s', '192.0.2.1', '/s'],
    ['[2001:db8::1]:/s', '[2001:db8::1]', '/s'],
    ['user@[fe80::1%eth0]:/s', 'user@[fe80::1%eth0]', '/s'],
  ])('takes %j for a directory over ssh on %j', (value, host, path) => {
    expect(parseSpoolAddress(value)).toEqual({ kind: 'ssh', host, path });
  });

  it.each([
    ['pilos::spool', 'pilos::', 'pilos', 'spool'],
    ['pilos::spool/a/', 'pilos::', 'pilos', 'spool/a'],
    ['user@pilos::spool', 'user@pilos::', 'pilos', 'spool'],
    ['[2001:db8::1]::spool', '[2001:db8::1]::', '[2001:db8::1]', 'spool'],
    ['rsync://pilos/spool', 'rsync://pilos/', 'pilos', 'spool'],
    ['rsync://pilos:8730/spool/a', 'rsync://pilos:8730/', 'pilos', 'spool/a'],
    ['rsync://user@pilos/spool', 'rsync://user@pilos/', 'pilos', 'spool'],
    ['rsync://[2001:db8::1]:873/spool', 'rsync://[2001:db8::1]:873/', '[2001:db8::1]', 'spool'],
  ])('takes %j for a module of an rsync daemon', (value, prefix, host, path) => {
    expect(parseSpoolAddress(value)).toEqual({ kind: 'daemon', prefix, host, path });
  });

  it.each([
    ['', 'is neither'],
    ['spool', 'is neither'],
    ['./spool', 'is neither'],
    ['~/spool', 'is neither'],
    ['a/b:/c', 'is neither'],
    ['ssh://pilos/srv/spool', 'is neither'],
    ['sftp://pilos/srv/spool', 'is neither'],
    ['file:///srv/spool', 'is neither'],
    ['rsync://pilos', 'is neither'],
    ['rsync://pilos:port/spool', 'is neither'],
    ['rsync://pilos:1234567/spool', 'is neither'],
    ['-oProxyCommand=touch:/srv', 'is neither'],
    ['--rsh=sh:/srv', 'is neither'],
    ['@pilos:/srv', 'is neither'],
    ['-x@pilos:/srv', 'is neither'],
    ['user name@pilos:/srv', 'is neither'],
    ['pi los:/srv', 'is neither'],
    ['$(x):/srv', 'is neither'],
    ['pilos\n:/srv', 'is neither'],
    ['[2001:db8::1:/srv', 'is neither'],
    ['2001:db8::1:/srv', 'may have only'],
    ['pilos:/a b', 'may have only'],
    ['pilos:/a\n', 'may have only'],
    ['pilos:/*', 'may have only'],
    ['pilos:/$(x)', 'may have only'],
    ['pilos:/a;b', 'may have only'],
    ["pilos:/a'b", 'may have only'],
    ['pilos:/ä', 'may have only'],
    ['pilos:~root/x', 'may have only'],
    ['pilos:/a/~', 'may have only'],
    ['C:\\spool', 'may have only'],
    ['pilos:/a/../b', "may not start its path with '-' nor have '..' in it"],
    ['pilos:..', "may not start its path with '-' nor have '..' in it"],
    ['pilos:-e', "may not start its path with '-' nor have '..' in it"],
    ['pilos::', 'names no module'],
    ['pilos::/', 'names no module'],
    ['rsync://pilos/', 'names no module'],
    ['/mnt/a\nb', 'has a control character'],
    ['/mnt/a\0b', 'has a control character'],
  ])('refuses %j with a sentence: %s', (value, sentence) => {
    const problem = parseSpoolAddress(value);
    expect(problem).toBeTypeOf('string');
    expect(problem).toContain(sentence);
  });

  it('reads a very long value quickly', () => {
    expect(parseSpoolAddress(`${'a.'.repeat(200_000)}@`)).toContain('is neither');
  });
});
