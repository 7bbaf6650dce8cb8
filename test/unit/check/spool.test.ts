/** What `check` decides about a spool that is a directory, from facts alone. */
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { mountOf, plannedMountPoint } from '../../../hook/check/mounts.ts';
import { decideLocalSpool, type LocalSpoolFacts } from '../../../hook/check/spool-local.ts';
import { decideWrites } from '../../../hook/check/spool-writes.ts';

const mountinfo = `22 1 8:1 / / rw shared:1 - ext4 /dev/sda1 rw
30 22 0:40 / /mnt/my\\040spool rw - nfs4 nas:/export/a\\040b rw
31 22 0:41 / /mnt/spool rw - nfs4 nas:/old rw
32 22 0:42 / /mnt/spool rw - ext4 /dev/sdb1 rw
`;

describe('mounts', () => {
  it('are found by the longest mount point, and the one on top', () => {
    expect(mountOf('/mnt/my spool/x', mountinfo)).toEqual({
      point: '/mnt/my spool',
      type: 'nfs4',
      source: 'nas:/export/a b',
    });
    expect(mountOf('/mnt/spool', mountinfo).source).toBe('/dev/sdb1');
    expect(mountOf('/mnt/spool2', mountinfo)).toEqual({ point: '/', type: 'ext4', source: '/dev/sda1' });
  });

  it.each([
    ['/mnt/spool/x', '/mnt/spool'],
    ['/mnt/spool2', undefined],
    ['/mnt/my spool', '/mnt/my spool'],
    ['/srv/x', undefined],
  ])('for %s are planned at %s', (path, point) => {
    const fstab =
      '# /dev/x /srv ext4\nUUID=1 / ext4 defaults 0 1\nnas:/a /mnt/spool/ nfs4\nnas:/b /mnt/my\\040spool nfs4\n';
    expect(plannedMountPoint(path, fstab)).toBe(point);
  });
});

describe('a directory of this server', () => {
  const failure = { message: 'm', fix: 'r', closed: undefined };
  const facts: LocalSpoolFacts = {
    ...{ directory: '/mnt/spool', requireMount: false, lines: [], isHung: false },
    ...{ mountinfo, fstab: '', user: 'bigbluebutton', workerUser: 'bigbluebutton', groupName: undefined },
  };

  it('that does not exist is created with the group of PILOS, where nothing is to be mounted', () => {
    const missing = { ...failure, exitStatus: 73, errno: 'ENOENT' } as const;
    const [look] = decideLocalSpool({ ...facts, lines: [{ step: 'look', subDir: '', found: missing }] });
    expect(look).toMatchObject({ id: 'spool-directory', exit_status: 73 });
    expect(look?.fix).toContain('install -d -m 2775 -g pilos-spool /mnt/spool');
    expect(spawnSync('sh', ['-n', '-c', look?.fix ?? '(']).status).toBe(0);
  });

  it('is quoted in commands', () => {
    const directory = "/mnt/it's $(here)";
    const spool = { path: directory, isDirectory: true, mode: 0o755, uid: 0, gid: 0 };
    const looks = decideLocalSpool({
      ...facts,
      directory,
      lines: [{ step: 'look', subDir: '', found: spool }],
    });
    const fix = looks.find(({ id }) => id === 'spool-mode')?.fix;
    expect(fix).toBe("chmod g+rwx,g+s '/mnt/it'\\''s $(here)'");
  });

  it('whose files PILOS cannot read is a problem, and one that changes their group a warning', () => {
    const spool = { path: '/mnt/spool', isDirectory: true, mode: 0o2775, uid: 0, gid: 2000 };
    const write = (mode: number, gid: number) =>
      decideWrites(
        {
          ...facts,
          spool,
          looks: [],
          lines: [{ step: 'write', subDir: '', found: { mode, gid, notes: [] } }],
        },
        [],
      )[0];
    expect(write(0o600, 2000)).toMatchObject({ state: 'problem', exit_status: 77 });
    expect(write(0o664, 1)).toMatchObject({ state: 'warning' });
    expect(write(0o664, 2000)).toMatchObject({ state: 'ok' });
  });
});
