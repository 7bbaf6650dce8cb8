import { describe, expect, it } from 'vitest';
import { findMount, isAtOrBelow, parseMounts, plannedMountPoint } from '../../../hook/system/mounts.ts';

const mountinfo = `22 1 8:1 / / rw shared:1 - ext4 /dev/sda1 rw
30 22 0:40 / /mnt/my\\040spool rw - nfs4 nas:/export/a\\040b rw
31 22 0:41 / /mnt/spool rw - nfs4 nas:/old rw
32 22 0:42 / /mnt/spool rw - ext4 /dev/sdb1 rw
`;
const mounts = parseMounts(mountinfo);

describe('mounts', () => {
  it('are found by the longest mount point, and the one on top', () => {
    expect(findMount('/mnt/my spool/x', mounts)).toEqual({
      point: '/mnt/my spool',
      type: 'nfs4',
      source: 'nas:/export/a b',
    });
    expect(findMount('/mnt/spool', mounts).source).toBe('/dev/sdb1');
    expect(findMount('/mnt/spool2', mounts)).toEqual({ point: '/', type: 'ext4', source: '/dev/sda1' });
    expect(findMount('/', mounts).point).toBe('/');
  });

  it.each([
    ['/mnt/spool/x', '/mnt/spool'],
    ['/mnt/spool2', undefined],
    ['/mnt/my spool', '/mnt/my spool'],
    ['/mnt/unit/x', '/mnt/unit'],
    ['/srv/x', undefined],
  ])('for %s are planned at %s', (path, point) => {
    const fstab =
      '# /dev/x /srv ext4\nUUID=1 / ext4 defaults 0 1\nnas:/a /mnt/spool/ nfs4\nnas:/b /mnt/my\\040spool nfs4\n';
    const unit = '[Mount]\nWhat=nas:/c\nWhere=/mnt/unit\nType=nfs4\n';
    expect(plannedMountPoint(path, fstab, [unit])).toBe(point);
  });

  it.each([
    ['/a', '/a', true],
    ['/a/b', '/a', true],
    ['/ab', '/a', false],
    ['/a', '/', true],
  ])('%s is at or below %s: %s', (path, directory, is) => {
    expect(isAtOrBelow(path, directory)).toBe(is);
  });
});

describe('the mount point', () => {
  const mountinfo = `22 1 254:0 / / rw,relatime - ext4 /dev/root rw
30 22 0:25 / /mnt rw shared:1 - tmpfs tmpfs rw
31 30 0:26 / /mnt/spool rw - nfs4 server:/spool rw
32 22 0:27 / /mnt/two\\040words rw - tmpfs tmpfs rw
33 22 0:28 / /mnt/back\\134slash rw - tmpfs tmpfs rw
`;

  it.each([
    ['/mnt/spool/a', '/mnt/spool'],
    ['/mnt/spool', '/mnt/spool'],
    ['/mnt/spool2', '/mnt'],
    ['/mnt/two words/x', '/mnt/two words'],
    ['/mnt/back\\slash/x', '/mnt/back\\slash'],
    ['/var/x', '/'],
    ['/', '/'],
  ])('of %s is %s', (path, point) => {
    expect(findMount(path, parseMounts(mountinfo)).point).toBe(point);
  });
});
