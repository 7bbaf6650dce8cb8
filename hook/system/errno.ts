/** Errors of system calls, translated into what an admin understands. */
import { type ErrorScope, EXIT, type ExitStatus, ExpectedError } from '../errors.ts';

/** Name of the errno behind an error of `node:fs`, such as `ENOSPC`; `undefined` when it is none. */
export function errnoName(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { errno, code } = error as NodeJS.ErrnoException;
  // Node has no name for ESTALE and EDQUOT, and calls them `Unknown system error -116`.
  if (errno === undefined || !code?.startsWith('Unknown ')) return code;
  // Not loaded before: most calls of BBB need nothing else of it.
  const { constants } = process.getBuiltinModule('node:os');
  return Object.entries(constants.errno).find(([, number]) => number === -errno)?.[0] ?? code;
}

/** True for an error that a system call gave us, whatever its errno. */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && typeof (error as NodeJS.ErrnoException).syscall === 'string';
}

const errnoMeanings: Record<string, [ExitStatus, meaning: string, fix: string]> = {
  ENOSPC: [EXIT.io, 'no space left on the device', 'free some space there'],
  EDQUOT: [EXIT.io, 'the disk quota is used up', 'free some space there or raise the quota'],
  EFBIG: [
    EXIT.io,
    'the file would be larger than allowed',
    'raise the limit (ulimit -f) or use another file system',
  ],
  EROFS: [EXIT.io, 'the file system is read-only', 'remount it read-write'],
  EACCES: [EXIT.permission, 'permission denied', 'give the user bigbluebutton access to it'],
  EPERM: [EXIT.permission, 'operation not permitted', 'give the user bigbluebutton access to it'],
  EIO: [EXIT.io, 'input/output error', 'look at the disk or the storage server (dmesg)'],
  ESTALE: [
    EXIT.temporary,
    'stale file handle',
    'the file server was restarted or the directory replaced: mount it again',
  ],
  EMFILE: [EXIT.temporary, 'too many open files', 'raise the limit (ulimit -n)'],
  ENFILE: [EXIT.temporary, 'too many open files on this machine', 'close some programs'],
  ENOMEM: [EXIT.temporary, 'not enough memory', 'free some memory'],
  ETIMEDOUT: [EXIT.temporary, 'the file server does not answer', 'look at the network and the file server'],
  ENOTCONN: [EXIT.temporary, 'the file server is not connected', 'mount it again'],
  EBUSY: [EXIT.temporary, 'it is in use', 'try again later'],
  ENAMETOOLONG: [EXIT.data, 'the name is too long', 'rename it'],
  ELOOP: [EXIT.data, 'too many symbolic links', 'remove the loop of symbolic links'],
  ENOENT: [
    EXIT.io,
    'no such file or directory',
    'create the directory that it belongs in, or correct the path',
  ],
  ENOTDIR: [EXIT.config, 'it is not a directory', 'check the path'],
  EISDIR: [EXIT.io, 'a directory is in its place', 'remove or rename that directory'],
  ENOTEMPTY: [EXIT.io, 'a directory is in its place', 'remove or rename that directory'],
};

/**
 * Translates an error of a system call into what an admin understands; other errors are returned as they are.
 *
 * @param doing what was being done, with the path, e.g. `cannot write /mnt/spool/.x.tar`
 * @param scope what else would fail in the same way
 */
export function translateErrno(error: unknown, doing: string, scope: ErrorScope = 'recording'): unknown {
  if (error instanceof ExpectedError || !isSystemError(error)) return error;
  const name = errnoName(error) ?? 'unknown';
  const code = name.toLowerCase().replaceAll(/\W+/g, '_');
  const known = errnoMeanings[name];
  if (known === undefined) {
    return new ExpectedError(`${doing}: ${name} (${error.syscall})`, {
      code,
      exitStatus: EXIT.io,
      fix: 'look at the disk or the storage server (dmesg)',
      scope,
      cause: error,
    });
  }
  const [exitStatus, meaning, fix] = known;
  return new ExpectedError(`${doing}: ${meaning} (${name})`, { code, exitStatus, fix, scope, cause: error });
}

/** Runs `action`; an error of a system call in it is rethrown translated by {@link translateErrno}. */
export function withErrnoTranslated<T>(doing: string, action: () => T, scope?: ErrorScope): T {
  try {
    return action();
  } catch (error) {
    throw translateErrno(error, doing, scope);
  }
}

/** The same for a promise. */
export async function withErrnoTranslatedAsync<T>(doing: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw translateErrno(error, doing);
  }
}
