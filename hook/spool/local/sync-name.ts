/** Makes the new name of an archive on an SMB share durable. */
import { constants, fsyncSync, openSync } from 'node:fs';
import { errnoName, translateErrno } from '../../system/errno.ts';
import { findMount } from '../../system/mounts.ts';
import { readMounts } from '../../system/proc.ts';
import { closeQuietly, type OpenDirectory } from './directory.ts';

/**
 * There, fsync of a directory does nothing: after a power cut of the server the archive was seen to have its temporary
 * name again. fsync of the file reaches the server's file system, which then keeps the new name, too.
 */
export function syncNameOnShare(directory: OpenDirectory, name: string): void {
  const { type } = findMount(directory.path, readMounts());
  if (type !== 'cifs' && type !== 'smb3') return;
  try {
    const file = openSync(directory.inside(name), constants.O_WRONLY | constants.O_NOFOLLOW);
    try {
      fsyncSync(file);
    } finally {
      closeQuietly(file);
    }
  } catch (error) {
    // PILOS has taken it already.
    if (errnoName(error) === 'ENOENT') return;
    throw translateErrno(error, `cannot make the new name in ${directory.path} durable`);
  }
}
