/** What is decided about a spool that is a directory, from facts alone. */
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { decideFailedDirectory, decideImporter } from '../../../hook/check/importer-checks.ts';
import { localSpoolChecks } from '../../../hook/check/local-spool-checks.ts';
import type { FoundSpool } from '../../../hook/check/local-spool-facts.ts';
import { createSpool, decideAnswers, decideFailure } from '../../../hook/check/spool-place.ts';
import {
  decideGroup,
  decideMode,
  decideUserGroup,
  decideWorkerGroup,
} from '../../../hook/check/spool-rights.ts';
import type { Verdict } from '../../../hook/check/table.ts';

const found = { path: '/mnt/spool', isDirectory: true, mode: 0o2775, uid: 0, gid: 2000 };
const nfs = { point: '/mnt/spool', type: 'nfs4', source: 'nas:/spool' };
const account = { name: 'bigbluebutton', uid: 997, gid: 997, home: '/home/bigbluebutton' };
const accounts = {
  ...{ ranAs: 'bigbluebutton', owner: undefined, account, user: 'bigbluebutton', groups: [997, 2000] },
  ...{ workers: [{ pid: 5, uid: 997, groups: [997] }], hasSystemd: true, groupNames: ['root'] },
};
const spool: FoundSpool = {
  ...{
    kind: 'local' as const,
    directory: '/mnt/spool',
    requireMount: false,
    subDirs: [],
    archives: [],
    destinations: [],
    accounts,
    answers: new Map(),
    isHung: false,
    subDirPlaces: new Map(),
    found,
    mount: nfs,
  },
  ...{ planned: undefined, groupName: 'pilos-spool', pilosGroup: { name: 'pilos-spool', gid: 2000 } },
};
const fixOf = (verdict: Verdict) => ('fix' in verdict ? verdict.fix : undefined);
const isShell = (command: string) => spawnSync('sh', ['-n', '-c', command]).status === 0;

describe('the group of the spool', () => {
  const chgrp = 'chgrp pilos-spool /mnt/spool && chmod g+rwxs /mnt/spool';
  const local: FoundSpool = { ...spool, mount: { ...nfs, type: 'ext4', source: '/dev/sda' } };
  it.each([
    ['root', 0],
    ['bigbluebutton', 997],
    ['www-data', 33],
    ['recordings', 3000],
  ])('is never %s where there is pilos-spool: the directory is given to that', (groupName, gid) => {
    const verdict = decideGroup({ ...local, groupName, found: { ...found, gid } });
    expect(verdict).toMatchObject({ state: 'problem', status: 77, fix: chgrp });
  });

  it('is made where there is none, and the directory is given to it', () => {
    const without = { ...local, groupName: 'root', found: { ...found, gid: 0 }, pilosGroup: undefined };
    expect(fixOf(decideGroup(without))).toBe(`groupadd --gid 2000 pilos-spool && ${chgrp}`);
  });

  it('is given by root of the server where the spool is on NFS, which squashes root of this one', () => {
    const mount = { point: '/mnt', type: 'nfs4', source: 'nas:/export/' };
    const root = { ...spool, mount, groupName: 'root', found: { ...found, gid: 0 } };
    expect(fixOf(decideGroup(root))).toBe('on nas: chgrp 2000 /export/spool && chmod g+rwxs /export/spool');
    expect(fixOf(decideGroup({ ...root, pilosGroup: undefined }))).toMatch(/^on nas: chgrp 2000 /);
    const mode = { path: '/mnt/spool', mode: 0o2755 };
    expect(fixOf(decideMode(mode, { ...mount, source: '[::1]:/export' }))).toBe(
      'on [::1]: chmod g+rwx /export/spool',
    );
    expect(fixOf(decideMode(mode, { ...mount, source: 'nas:/' }))).toBe(
      'on nas, in the directory that it exports as /: chmod g+rwx ./spool',
    );
  });

  it('may be another one that the admin chose, but nobody is put into it by a command', () => {
    const other = { ...local, groupName: 'www-data', found: { ...found, gid: 33 }, pilosGroup: undefined };
    const member = { ...accounts, groups: [997, 33] };
    expect(decideGroup({ ...other, accounts: member }).state).toBe('ok');
    expect(fixOf(decideGroup(other))).toMatch(
      /^if PILOS is in www-data, and it is for nothing but the spool: /,
    );
  });

  it('need not be PILOS’ where everybody may do everything, nor have a name here', () => {
    expect(
      decideGroup({ ...local, groupName: 'root', found: { ...found, gid: 0, mode: 0o2777 } }).state,
    ).toBe('ok');
    expect(decideGroup({ ...local, groupName: undefined }).state).toBe('ok');
  });
});

describe('the groups of the user of BBB', () => {
  const outside = { ...accounts, groups: [997] };
  const fixes = (changed: Partial<FoundSpool>, some: Partial<typeof accounts> = {}) =>
    fixOf(decideUserGroup({ ...spool, ...changed, accounts: { ...outside, ...some } }));
  const restart = ' && systemctl restart bbb-rap-resque-worker.service';
  const add = 'usermod --append --groups';

  it("are the NFS server's affair when it let the test file be written, with the group of the spool", () => {
    const written = (gid: number): FoundSpool['answers'] =>
      new Map([['', { write: { found: { mode: 0o664, gid, at: 0 } } }]]);
    expect(fixes({ answers: written(2000) })).toBeUndefined();
    expect(fixes({ answers: written(997) })).toContain(add);
    expect(fixes({ answers: written(2000), mount: { ...nfs, type: 'ext4' } })).toContain(add);
  });

  it('get that of the spool, which is made where this server does not know it', () => {
    expect(fixes({})).toBe(`${add} pilos-spool bigbluebutton${restart}`);
    expect(fixes({ groupName: undefined, pilosGroup: undefined })).toBe(
      `groupadd --gid 2000 pilos-spool && ${add} pilos-spool bigbluebutton${restart}`,
    );
    expect(fixes({ groupName: undefined })).toBe(
      `groupadd --gid 2000 pilos-spool-2000 && ${add} pilos-spool-2000 bigbluebutton${restart}`,
    );
  });

  it('need no restart of a worker that does not run, or has the group', () => {
    expect(fixes({}, { workers: [] })).toBe(`${add} pilos-spool bigbluebutton`);
    expect(fixes({}, { workers: [{ pid: 5, uid: 997, groups: [2000] }] })).toBe(
      `${add} pilos-spool bigbluebutton`,
    );
  });

  it('need nothing of who may write there without it, and gets it by setgid', () => {
    expect(fixes({ found: { ...found, uid: 997, mode: 0o2755 } })).toBeUndefined();
    expect(fixes({ found: { ...found, mode: 0o2777 } })).toBeUndefined();
    expect(fixes({ found: { ...found, mode: 0o0777 } })).toBeDefined();
  });

  it('are never those of an open directory that is not the group of PILOS: nobody is put into root', () => {
    const open = { ...found, gid: 0, mode: 0o0777 };
    expect(decideGroup({ ...spool, groupName: 'root', found: open }).state).toBe('ok');
    expect(fixes({ groupName: 'root', found: open })).toBeUndefined();
  });

  it('are needed by each process of the worker', () => {
    const workers = [5, 6].map((pid) => ({ pid, uid: 997, groups: pid === 5 ? [2000] : [997] }));
    const verdict = decideWorkerGroup({ ...spool, accounts: { ...accounts, workers } });
    expect(verdict).toMatchObject({ state: 'problem', fix: restart.slice(4) });
    expect(verdict).toMatchObject({ problem: expect.stringMatching(/^process 6 was started before/) });
    expect(decideWorkerGroup({ ...spool, accounts: { ...accounts, workers: [] } }).state).toBe('skipped');
  });
});

describe('a directory that does not exist', () => {
  const fix = (changed: Partial<FoundSpool>, destinations: string[] = []) =>
    createSpool({ ...spool, mount: disk, destinations, ...changed });
  const disk = { point: '/', type: 'ext4', source: '/dev/sda' };
  const create = 'install -d -m 2775 -g pilos-spool /mnt/spool';

  it('is created with the group of PILOS where nothing is to be mounted', () => {
    expect(fix({})).toBe(create);
    expect(fix({ pilosGroup: undefined })).toBe(`groupadd --gid 2000 pilos-spool && ${create}`);
    expect(isShell(fix({ pilosGroup: undefined }))).toBe(true);
  });

  it('is created on the NFS server below what that exports, by the id of the group; nothing where the path is wrong', () => {
    const mount = { point: '/mnt', type: 'nfs', source: 'nas:/export' };
    const there = 'on nas: cd /export && install -d -m 2775 -g 2000 spool';
    expect(fix({ mount })).toBe(there);
    expect(fix({ mount, pilosGroup: undefined })).toBe(there);
  });

  it.each([
    ['fstab or a unit', { planned: { point: '/mnt/spool', command: 'mount /mnt/spool' } }, []],
    ['require_mount: true', { requireMount: true }, []],
    ['require_mount with a mount point', { requireMount: '/mnt/spool' }, []],
    ['an earlier delivery', {}, ['/mnt/spool/instance1']],
  ])('is not created where a mount belongs by %s', (_, changed, destinations) => {
    expect(fix(changed, destinations)).not.toMatch(/^(?:mkdir|install|groupadd)/);
  });
});

/** What the probe says of a sub directory that does not exist. */
function missing(subDir: string): FoundSpool['answers'] {
  const failure = { code: 'enoent', message: 'm', fix: 'f', errno: 'ENOENT', closed: undefined };
  return new Map([[subDir, { directory: { failure: { ...failure, exitStatus: 73 } } }]]);
}

function subDirectoryOf(local: FoundSpool): Verdict {
  const row = localSpoolChecks(local).find((one) => one && one.check === 'sub_directory');
  return row ? row.verdict : { state: 'ok' };
}

it('makes a sub directory where root may: on the NFS server, with the owner and group of the spool', () => {
  const answers = missing('one/two');
  const fixFor = (mount: FoundSpool['mount']) => {
    return fixOf(subDirectoryOf({ ...spool, subDirs: ['one/two'], answers, mount }));
  };
  expect(fixFor({ ...nfs, type: 'ext4' })).toBe('install -d -m 2775 -o 0 -g 2000 /mnt/spool/one/two');
  expect(fixFor(nfs)).toBe('on nas: cd /spool && install -d -m 2775 -o 0 -g 2000 one/two');
});

describe('a sub directory', () => {
  const point = '/mnt/spool/one';
  const planned = { point, command: `mount ${point}` };
  const subDirPlaces = new Map([['one', { planned, mount: nfs }]]);
  const verdictOf = (answers: FoundSpool['answers'], some: Partial<FoundSpool>) =>
    subDirectoryOf({ ...spool, subDirs: ['one'], answers, ...some });

  it('is not created where a mount belongs, by fstab or by an earlier delivery', () => {
    expect(fixOf(verdictOf(missing('one'), { subDirPlaces }))).toBe(`mount ${point}`);
    expect(fixOf(verdictOf(missing('one'), { destinations: [point] }))).toMatch(/^recordings were delivered/);
  });

  it('is not on the disk below the mount that fstab names', () => {
    const answers: FoundSpool['answers'] = new Map([
      ['one', { directory: { found: { ...found, path: point } } }],
    ]);
    expect(verdictOf(answers, { subDirPlaces })).toMatchObject({ state: 'problem', fix: `mount ${point}` });
    const mount = { ...nfs, point };
    expect(verdictOf(answers, { subDirPlaces: new Map([['one', { planned, mount }]]) }).state).toBe('ok');
  });
});

describe('a spool that does not answer', () => {
  const failing = (errno: string) => {
    const failure = {
      code: 'eio',
      message: 'm',
      fix: 'f',
      exitStatus: 74 as const,
      errno,
      closed: undefined,
    };
    return new Map([['', { directory: { failure } }]]);
  };
  it('heals itself when its server comes back; unmounting is the way out', () => {
    const { problem, fix } = decideAnswers({ ...spool, isHung: true }) as { problem: string; fix: string };
    expect(problem).toBe(
      'it does not answer: the file system at /mnt/spool (nfs4 from nas:/spool) hangs or is gone',
    );
    expect(fix).toBe(
      'bring nas:/spool and the network to it back: the mount then heals itself; only if they never come back: umount --force --lazy /mnt/spool',
    );
  });

  it.each(['ESTALE', 'ENOTCONN'])('is mounted again after %s, which does not pass', (errno) => {
    const planned = { point: '/mnt/spool', command: 'mount /mnt/spool' };
    const verdict = decideAnswers({ ...spool, answers: failing(errno), planned });
    expect(fixOf(verdict)).toBe('umount --force --lazy /mnt/spool && mount /mnt/spool');
  });

  it('is a matter of its disk when nothing is mounted there', () => {
    const verdict = decideAnswers({ ...spool, mount: { ...nfs, point: '/' }, answers: failing('EIO') });
    expect(fixOf(verdict)).toBe('look at the disk (dmesg)');
  });
});

describe('EACCES', () => {
  const denied = {
    code: 'eacces',
    message: 'permission denied',
    fix: 'f',
    exitStatus: 77 as const,
    errno: 'EACCES',
  };

  it('of a directory that is closed is opened, also on NFS', () => {
    const verdict = decideFailure(spool, { ...denied, closed: '/mnt' });
    expect(verdict).toMatchObject({ problem: 'bigbluebutton cannot enter /mnt', fix: 'chmod a+x /mnt' });
  });

  it('that the NFS server has decided is said with what to do there', () => {
    const refused = { ...denied, code: 'nfs_server_refuses', closed: '/mnt/spool' };
    expect(decideFailure(spool, refused)).toMatchObject({ problem: 'permission denied', fix: 'f' });
  });
});

describe('what PILOS does with archives', () => {
  const place = {
    place: '/mnt/spool',
    waiting: 1,
    oldestSeconds: 0,
    failedDirectory: 'visible',
    failed: [],
    leftBehind: 0,
  } as const;
  it('is late after the patience of pilos.yml', () => {
    expect(decideImporter([{ ...place, failed: [], oldestSeconds: 7201 }], 7200)).toMatchObject({
      state: 'problem',
    });
    expect(decideImporter([{ ...place, failed: [], oldestSeconds: 7200 }], 7200).state).toBe('ok');
  });

  const at = (failedDirectory: 'missing' | 'hidden') => [{ ...place, failed: [], failedDirectory }];
  it.each([
    ['the server itself', { ...spool, mount: { ...nfs, type: 'ext4' } }, '', '/mnt/spool/failed', 2000],
    ['the NFS server, which squashes root', spool, 'on nas: ', '/spool/failed', 2000],
    ['a link to it', { ...spool, directory: '/var/spool/pilos' }, 'on nas: ', '/spool/failed', 2000],
    ['the PILOS host', undefined, 'on the PILOS host, in pilos:/one: ', 'failed', 'pilos-spool'],
  ])('what PILOS could not import can be made visible: on %s', (_, local, where, path, group) => {
    const archives = (state: 'missing' | 'hidden') =>
      at(state).map((one) => ({ ...one, place: local?.directory ?? 'pilos:/one' }));
    const show = `chgrp ${group} ${path} && chmod 2775 ${path}`;
    expect(fixOf(decideFailedDirectory(archives('hidden'), local))).toBe(where + show);
    expect(fixOf(decideFailedDirectory(archives('missing'), local))).toBe(`${where}mkdir ${path} && ${show}`);
  });
});

it('quotes paths in commands', () => {
  const fix = fixOf(decideMode({ path: "/mnt/it's $(here)", mode: 0o755 }, { ...nfs, type: 'ext4' }));
  expect(fix).toBe("chmod g+rwx,g+s '/mnt/it'\\''s $(here)'");
});
