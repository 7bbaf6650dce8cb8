/** Run as root, the program becomes the user of BBB before it touches anything. */
import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { attempt, EXIT, ExpectedError } from '../errors.ts';
import { errnoName, translateErrno } from './errno.ts';

export interface Account {
  name: string;
  uid: number;
  gid: number;
  home: string;
}

/** One line of passwd(5) → {@link Account}; undefined when no line has this uid. */
export function parseAccount(passwd: string, uid: number): Account | undefined {
  for (const line of passwd.split('\n')) {
    const [name, , id, gid, , home] = line.split(':');
    if (name && Number(id) === uid && id !== '') return { name, uid, gid: Number(gid), home: home || '/' };
  }
  return undefined;
}

/** The user with this uid, as /etc/passwd has it. */
export function readAccount(uid: number): Account | undefined {
  return parseAccount(readFileSync('/etc/passwd', 'utf8'), uid);
}

export function nameOfUser(uid: number): string {
  return readAccount(uid)?.name ?? `uid ${uid}`;
}

/**
 * As root: becomes the owner of `published_dir`, which is `bigbluebutton` on a BBB server, with that user's
 * groups, HOME and USER. Does nothing for other users, nor when root itself owns the directory.
 *
 * @returns the account, undefined when nothing was changed
 */
export function becomeOwner(publishedDir: string): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const uid = ownerOf(publishedDir);
  if (uid === undefined || uid === 0) return undefined;
  const account = readAccount(uid);
  if (account === undefined) {
    throw new ExpectedError(`${publishedDir} belongs to uid ${uid}, which is not in /etc/passwd`, {
      code: 'unknown_owner',
      exitStatus: EXIT.permission,
      fix: `run it as that user: sudo -u '#${uid}' pilos-post-publish …`,
    });
  }
  // Groups first: after setuid they cannot be set any more, and root's would stay.
  (process as NodeJS.Process & { initgroups(user: string, group: number): void }).initgroups(
    account.name,
    account.gid,
  );
  process.setgid?.(account.gid);
  process.setuid?.(account.uid);
  Object.assign(process.env, { HOME: account.home, USER: account.name, LOGNAME: account.name });
  leaveClosedDirectory();
  return account;
}

/** That BBB's files belong to somebody else, where neither root nor their owner runs the program; else undefined. */
export function describeForeignUser(publishedDir: string): string | undefined {
  const own = process.getuid?.();
  if (own === undefined || own === 0) return undefined;
  const owner = attempt(() => ownerOf(publishedDir));
  // What may not be read is reported by who reads it.
  if (owner === undefined || owner === own || owner instanceof ExpectedError) return undefined;
  return `run as ${nameOfUser(own)}, but BBB's files belong to ${nameOfUser(owner)}: run it with sudo`;
}

/** A child process starts where we are, which fails in a directory such as `/root` that only root may enter. */
function leaveClosedDirectory(): void {
  try {
    accessSync(process.cwd(), constants.X_OK);
  } catch {
    process.chdir('/');
  }
}

function ownerOf(directory: string): number | undefined {
  try {
    return statSync(directory).uid;
  } catch (error) {
    // Its absence is reported by who reads it.
    if (errnoName(error) === 'ENOENT') return undefined;
    throw translateErrno(error, `cannot read published_dir ${directory}`);
  }
}
