/** hook/system/network-mount.ts: which paths lead through a network file system. */
import { symlinkSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parseMounts } from '../../../hook/system/mounts.ts';
import { findNetworkMount } from '../../../hook/system/network-mount.ts';
import { useTemporaryDirectory } from '../../support/files/temporary-directory.ts';

const directory = useTemporaryDirectory();

/** Mounts of a server with one more file system, at `point` of the temporary directory. */
function mounts(type: string, point: string) {
  return parseMounts(
    `21 1 8:1 / / rw - ext4 /dev/sda1 rw\n22 21 0:50 / ${directory.path}/${point} rw - ${type} nas:/x rw\n`,
  );
}

const isFound = (path: string, type = 'nfs4') =>
  findNetworkMount(`${directory.path}/${path}`, mounts(type, 'nas')) !== undefined;

it.each(['nfs', 'nfs4', 'cifs', 'smb3', 'ceph', 'fuse', 'fuse.sshfs', 'fuse.glusterfs', '9p', 'autofs'])(
  'takes %s for a network file system',
  (type) => {
    expect([isFound('nas', type), isFound('nas/spool', type), isFound('nasty', type)]).toEqual([
      true,
      true,
      false,
    ]);
  },
);

it.each(['ext4', 'xfs', 'btrfs', 'tmpfs', 'overlay', 'zfs', 'fuseblk', 'fusectl'])(
  'does not ask %s',
  (type) => {
    expect(isFound('nas/spool', type)).toBe(false);
  },
);

it('follows links, and a directory that is not there is no failure of its own', () => {
  directory.makeDirectory('local');
  symlinkSync('../nas/spool', `${directory.path}/local/relative`);
  symlinkSync(`${directory.path}/local/relative/deeper`, `${directory.path}/absolute`);
  symlinkSync('circle', `${directory.path}/circle`);
  const paths = ['local/relative', 'absolute/x', 'local/../nas', 'local', 'local/missing/x', 'circle'];
  expect(paths.filter((path) => isFound(path))).toEqual(['local/relative', 'absolute/x', 'local/../nas']);
});
