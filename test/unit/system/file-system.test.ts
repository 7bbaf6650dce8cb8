/** What is the same file system after a remount, a reboot or in a sandbox, and what is another one. */
import { describe, expect, it } from 'vitest';
import { identifyFileSystem, isSameFileSystem } from '../../../hook/system/file-system.ts';
import { parseMounts } from '../../../hook/system/mounts.ts';

/** udev's notes of three disks. */
const udev: Record<string, string> = {
  '/run/udev/data/b8:1': 'E:ID_FS_TYPE=ext4\nE:ID_FS_UUID=root\n',
  '/run/udev/data/b8:17': 'E:ID_FS_UUID=storage\nE:ID_FS_UUID_ENC=storage\n',
  '/run/udev/data/b8:33': 'E:ID_FS_UUID=backup\n',
  '/sys/class/block/sdb1/dev': '8:17\n',
};
const rootLine = '22 1 8:1 / / rw - ext4 /dev/sda1 rw';
const identify = (line: string, files = udev) => {
  const [root, mount] = parseMounts(`${rootLine}\n${line}\n`);
  if (mount === undefined) throw new Error(`no mount: ${line}`);
  return identifyFileSystem(mount, root, (path) => files[path] ?? '');
};
const isSame = (one: string, other: string, files?: Record<string, string>) =>
  isSameFileSystem(identify(one), identify(other, files));

const disk = '30 22 8:17 / /mnt/spool rw - ext4 /dev/sdb1 rw';
const nfs = '30 22 0:40 / /mnt/spool rw - nfs4 nas:/export/spool rw,vers=4.2';

describe('the same file system', () => {
  it.each([
    [
      'a disk under another name after a reboot',
      disk,
      '41 22 8:17 / /mnt/spool rw - ext4 /dev/sdc1 rw',
      udev,
    ],
    ['a disk in a container, without udev', disk, disk, {}],
    ['NFS with another device number', nfs, '44 22 0:57 / /mnt/spool rw - nfs4 nas:/export/spool rw', udev],
    ['NFS of another version', nfs, '44 22 0:57 / /mnt/spool rw - nfs nas:/export/spool/ rw,vers=3', udev],
    [
      'CephFS by another monitor',
      '30 22 0:40 / /s rw - ceph 10.0.0.1:6789,10.0.0.2:6789:/spool rw',
      '30 22 0:41 / /s rw - ceph 10.0.0.3:6789:/spool rw',
      udev,
    ],
    [
      'CIFS in other letters',
      '30 22 0:40 / /s rw - cifs //NAS/Spool rw',
      '30 22 0:41 / /s rw - cifs //nas/spool/ rw',
      udev,
    ],
    [
      'btrfs, whose number is that of no disk',
      '30 22 0:33 /sub /s rw - btrfs /dev/sdb1 rw',
      '30 22 0:45 /sub /s rw - btrfs /dev/sdb1 rw',
      udev,
    ],
    [
      'a directory of / that a sandbox mounts once more',
      '30 22 8:1 /home /home ro - ext4 /dev/sda1 rw',
      '22 1 8:1 / / rw - ext4 /dev/sda1 rw',
      udev,
    ],
  ])('is %s', (_, before, after, files) => {
    expect(isSame(before, after, files)).toBe(true);
  });
});

describe('another file system', () => {
  it.each([
    ['the disk of the server below an unmounted disk', disk],
    ['the disk of the server below an unmounted NFS', nfs],
  ])('is %s', (_, mounted) => {
    expect(isSame(mounted, rootLine)).toBe(false);
    // also where udev says nothing
    expect(isSameFileSystem(identify(mounted, {}), identify(rootLine, {}))).toBe(false);
  });

  it.each([
    ['another disk', disk, '30 22 8:33 / /mnt/spool rw - ext4 /dev/sdb1 rw'],
    ['another server', nfs, '30 22 0:40 / /mnt/spool rw - nfs4 nas2:/export/spool rw'],
    ['another export', nfs, '30 22 0:40 / /mnt/spool rw - nfs4 nas:/export/old rw'],
    ['a disk in the place of NFS', nfs, disk],
    [
      'another directory of CephFS',
      '30 22 0:40 / /s rw - ceph user@0-1.fs=/spool rw',
      '30 22 0:40 / /s rw - ceph user@0-1.fs=/old rw',
    ],
  ])('is %s', (_, before, after) => {
    expect(isSame(before, after)).toBe(false);
  });
});
