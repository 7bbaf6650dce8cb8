/** Permission denied on NFS although mode and groups fit here: then the server decides by its own rules. */
import { readFileSync, statSync } from 'node:fs';
import { EXIT, ExpectedError } from '../../errors.ts';
import { errnoName } from '../../system/errno.ts';
import { mountOf } from '../../system/mounts.ts';

/** Who asks for access to what. */
export interface AccessFacts {
  uid: number;
  groups: readonly number[];
  owner: number;
  group: number;
  mode: number;
}

/** True when these modes let the user write a directory; access control lists are not known. */
export function mayWrite({ uid, groups, owner, group, mode }: AccessFacts): boolean {
  const bits = uid === owner ? mode >> 6 : groups.includes(group) ? mode >> 3 : mode;
  return uid === 0 || (bits & 0o3) === 0o3;
}

/** The same error with the reason that an NFS server has; any other error as it is. */
export function explainNfsRefusal(error: unknown, directory: string): unknown {
  if (!(error instanceof ExpectedError) || errnoName(error.cause) !== 'EACCES') return error;
  // The files of the recording are read in the same breath.
  const { path = '' } = error.cause as NodeJS.ErrnoException;
  if (!path.startsWith('/proc/self/fd/') && !path.startsWith(directory)) return error;
  try {
    const { type } = mountOf(directory, readFileSync('/proc/self/mountinfo', 'utf8'));
    const { uid: owner, gid: group, mode } = statSync(directory);
    const [uid, groups] = [process.getuid?.() ?? -1, process.getgroups?.() ?? []];
    if (!/^nfs4?$/.test(type) || !mayWrite({ uid, groups, owner, group, mode })) return error;
    return new ExpectedError(
      `${error.message}, refused by the NFS server, although mode and groups fit here`,
      {
        code: 'nfs_server_refuses',
        exitStatus: EXIT.permission,
        scope: error.scope,
        cause: error.cause,
        fix: `look at the server: does it know uid ${uid}, in the directory's group ${group} (manage-gids), and is the export still there? chmod cannot help, see docs/storage.md`,
      },
    );
  } catch {
    return error;
  }
}
