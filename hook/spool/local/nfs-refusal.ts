/** Permission denied on NFS although mode and groups fit here: then the server decides by its own rules. */
import { accessSync, constants, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { EXIT, ExpectedError } from '../../errors.ts';
import { errnoName } from '../../system/errno.ts';
import { findMount } from '../../system/mounts.ts';
import { readMounts } from '../../system/proc.ts';

/** Who asks for access to what. */
export interface AccessFacts {
  uid: number;
  groups: readonly number[];
  owner: number;
  group: number;
  mode: number;
}

/** True when the mode lets the user have these bits of `rwx`; access control lists are not known. */
export function modeAllows({ uid, groups, owner, group, mode }: AccessFacts, wanted: number): boolean {
  const bits = uid === owner ? mode >> 6 : groups.includes(group) ? mode >> 3 : mode;
  return uid === 0 || (bits & wanted) === wanted;
}

/** The same error with the reason that an NFS server has; any other error as it is. */
export function explainNfsRefusal(error: unknown, directory: string): unknown {
  if (!(error instanceof ExpectedError) || errnoName(error.cause) !== 'EACCES') return error;
  // The files of the recording are read in the same breath.
  const { path = '' } = error.cause as NodeJS.ErrnoException;
  if (!path.startsWith('/proc/self/fd/') && !path.startsWith(directory)) return error;
  try {
    const { type, point, source } = findMount(directory, readMounts());
    if (!/^nfs4?$/.test(type) || !isServersDecision(directory, point)) return error;
    return new ExpectedError(
      `${error.message}, refused by the NFS server, although mode and groups fit here`,
      {
        code: 'nfs_server_refuses',
        exitStatus: EXIT.permission,
        scope: error.scope,
        cause: error.cause,
        fix: askServer(source, process.getuid?.() ?? -1, groupOf(directory)),
      },
    );
  } catch {
    return error;
  }
}

/** Nothing that is changed here can help. */
export function askServer(source: string, uid: number, group: string): string {
  const server = source.split(':')[0];
  return `on ${server}, check: is the export still there; does it squash this user (all_squash needs anongid of PILOS' group); with manage-gids=y in /etc/nfs.conf, is uid ${uid} in the directory's group${group} there, too (docs/storage.md)`;
}

/** What may be entered by its mode, and yet shows nothing, is closed by the server: so is an export that was withdrawn. */
function isServersDecision(directory: string, mountPoint: string): boolean {
  const [uid, groups] = [process.getuid?.() ?? -1, process.getgroups?.() ?? []];
  // The way to the mount point is this server's own.
  accessSync(dirname(mountPoint), constants.X_OK);
  for (const path of pathsBetween(mountPoint, directory)) {
    const stats = statOrDenied(path);
    if (stats === undefined) return true;
    const { uid: owner, gid: group, mode } = stats;
    if (!modeAllows({ uid, groups, owner, group, mode }, path === directory ? 0o3 : 0o1)) return false;
  }
  return true;
}

/** Both, and what lies between them, from the top. */
function pathsBetween(mountPoint: string, directory: string): string[] {
  if (directory === mountPoint || directory === dirname(directory)) return [directory];
  return [...pathsBetween(mountPoint, dirname(directory)), directory];
}

/** For a text: ` 2000`; nothing when the directory cannot be seen. */
function groupOf(directory: string): string {
  const stats = statOrDenied(directory);
  return stats === undefined ? '' : ` ${stats.gid}`;
}

function statOrDenied(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch (error) {
    if (errnoName(error) === 'EACCES') return undefined;
    throw error;
  }
}
