/** A Debian of another release, with its own ssh, rsync and rrsync: as the PILOS host, or as the BBB server. */
import { appendFileSync, chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Undo } from '../program/create-with-undo.ts';
import { unpackDebian } from '../program/debian-root.ts';
import { runOrThrow } from '../program/run-program.ts';
import type { TestUser } from '../program/users.ts';

/** Those of a BBB or PILOS server that count here; our own program needs the last one. */
const packages = ['openssh-server', 'openssh-client', 'rsync', 'python3-minimal', 'libstdc++6'];

export interface DebianRelease {
  /** Versions of its programs, for people. */
  versions: string;
  /** What stands before a command to run it there, where these directories and users of this machine are, too. */
  enter(directories: readonly string[], users: readonly TestUser[]): string[];
}

/** @param directory empty, for the files of the release */
export async function createDebianRelease(
  suite: string,
  directory: string,
  undo: Undo,
): Promise<DebianRelease> {
  await unpackDebian(suite, packages, directory);
  undo(() => runOrThrow('rm', ['-rf', '--one-file-system', directory]));
  installRrsync(directory);
  mkdirSync(join(directory, 'run/sshd'), { recursive: true });
  const question = 'rsync --version | head -n 1; ssh -V 2>&1';
  const { stdout } = await runOrThrow('chroot', [directory, 'sh', '-c', question]);
  return {
    versions: stdout.trim().split('\n').join(', '),
    enter: (directories, users) => {
      for (const user of users) addUser(directory, user);
      for (const one of directories) mkdirSync(join(directory, one), { recursive: true });
      const script = [
        'set -e',
        ...directories.map((one) => `mount --bind '${one}' '${directory}${one}'`),
        `mount -t proc proc '${directory}/proc'`,
        `mount --rbind /dev '${directory}/dev'`,
        `exec chroot '${directory}' "$@"`,
      ];
      return ['unshare', '--mount', 'sh', '-c', script.join('\n'), 'sh'];
    },
  };
}

/** Debian 11 has it among the documentation, to be copied. */
function installRrsync(directory: string): void {
  const program = join(directory, 'usr/bin/rrsync');
  if (existsSync(program)) return;
  const example = join(directory, 'usr/share/doc/rsync/scripts/rrsync');
  const text = existsSync(example) ? readFileSync(example) : gunzipSync(readFileSync(`${example}.gz`));
  writeFileSync(program, text);
  chmodSync(program, 0o755);
}

function addUser(directory: string, { name, group, uid, gid, home }: TestUser): void {
  const file = (path: string) => join(directory, 'etc', path);
  if (readFileSync(file('passwd'), 'utf8').includes(`\n${name}:`)) return;
  appendFileSync(file('passwd'), `${name}:x:${uid}:${gid}::${home}:/bin/bash\n`);
  appendFileSync(file('group'), `${group}:x:${gid}:\n`);
  appendFileSync(file('shadow'), `${name}:!:19000:0:99999:7:::\n`);
}
