import { randomBytes } from 'node:crypto';
import { chmod, readdir, readFile, rm, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { testRun } from '../run/test-run.ts';

/** A throw-away system user. Remove it with {@link removeUser}. */
export interface TestUser {
  name: string;
  group: string;
  uid: number;
  gid: number;
  home: string;
}

/** Locked meanwhile: a directory that is there, so that no file is left. */
const lockFile = '/etc';
const lockAttempts = 20;

/** A stand-in for `bigbluebutton`: a shell, a HOME, a group of its own. */
export async function createBbbUser(): Promise<TestUser> {
  const name = throwAwayName('bbb');
  await changeUserDatabase('useradd', ['--create-home', '--user-group', '--shell', '/bin/bash', name]);
  return readUser(name, name);
}

/** The receiving user with the group of the spool, made by the two commands of PILOS' documentation. */
export async function createPilosUser(): Promise<TestUser> {
  const name = throwAwayName('pilos');
  const group = throwAwayName('spool');
  await changeUserDatabase('groupadd', [group]);
  await changeUserDatabase('adduser', ['--disabled-password', '--ingroup', group, '--gecos', '', name]);
  return readUser(name, group);
}

/** Puts `user` into `group` too, as `usermod` does for `bigbluebutton` on a server with a mounted spool. */
export async function addToGroup(user: TestUser, group: string): Promise<void> {
  await changeUserDatabase('usermod', ['--append', '--groups', group, user.name]);
}

/** Removes the user, its processes, its home and its group. Does nothing when it is gone already. */
export async function removeUser(user: TestUser): Promise<void> {
  await killProcessesOf(user.uid);
  if (await isInDatabase('passwd', user.name)) {
    await changeUserDatabase('userdel', ['--force', user.name]);
  }
  if (await isInDatabase('group', user.group)) {
    await changeUserDatabase('groupdel', [user.group]);
  }
  await rm(user.home, { recursive: true, force: true });
}

function throwAwayName(role: string): string {
  return `ppp-${role}-${testRun()}${randomBytes(4).toString('hex')}`;
}

/**
 * Several test files create users at once: `flock` lines them up, and the repetition covers whoever else
 * holds the lock of /etc/passwd or has just taken the id that `adduser` chose.
 */
export async function changeUserDatabase(command: string, args: readonly string[]): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const result = await execa('flock', ['--timeout', '60', lockFile, command, ...args], { reject: false });
    if (!result.failed) {
      return;
    }
    const passing = /lock|not unique|in use|exclusive/i.test(result.stderr);
    if (!passing || attempt === lockAttempts) {
      throw new Error(`${command} ${args.join(' ')}: ${result.stderr || result.shortMessage}`);
    }
    await sleep(100 + Math.random() * 200);
  }
}

async function readUser(name: string, group: string): Promise<TestUser> {
  const { stdout } = await execa('getent', ['passwd', name]);
  const [, , uid, gid, , home] = stdout.split(':');
  if (uid === undefined || gid === undefined || home === undefined) {
    throw new Error(`getent passwd ${name}: ${stdout}`);
  }
  // Under a restrictive umask or DIR_MODE a home can be 0700, and then nobody else reaches a spool in it.
  await chmod(home, 0o755);
  return { name, group, uid: Number(uid), gid: Number(gid), home };
}

async function isInDatabase(database: 'passwd' | 'group', name: string): Promise<boolean> {
  return !(await execa('getent', [database, name], { reject: false })).failed;
}

async function killProcessesOf(uid: number): Promise<void> {
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) {
      continue;
    }
    try {
      if (
        (await stat(`/proc/${entry}`)).uid === uid &&
        (await readFile(`/proc/${entry}/cmdline`)).length > 0
      ) {
        process.kill(Number(entry), 'SIGKILL');
      }
    } catch {
      // It ended between the listing and the look.
    }
  }
}
