/** The file trees that hosts start with: this machine's /etc with the accounts of BBB and PILOS, and BBB's files. */
import { chownSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describePaths, makeDirectories } from '../support/bbb/bbb-configuration.ts';
import { importerScripts } from '../support/pilos/importer-command.ts';
import { runOrThrow } from '../support/program/run-program.ts';
import { changeUserDatabase } from '../support/program/users.ts';

/** Of the central storage, on every host. */
export const mountPoint = '/mnt/storage';
const executable = join(import.meta.dirname, '../../dist/pilos-post-publish');
/** Where a host has the programs of the fleet. */
export const toolDirectory = '/opt/fleet';
const tools = [join(import.meta.dirname, 'worker.rb'), importerScripts];
export const scriptsDirectory = describePaths('').scriptsDir;

export interface Owner {
  uid: number;
  gid: number;
}
export const bbbUser: Owner = { uid: 60_998, gid: 60_998 };
export const webUser: Owner = { uid: 33, gid: 33 };
/** Group pilos-spool, with the number that PILOS' documentation gives it. */
export const spoolUser: Owner = { uid: 62_000, gid: 2000 };

/** As on servers on which the README was followed: the user of BBB, that of PILOS' web server, that of its sshd. */
const accounts = {
  passwd: [
    `bigbluebutton:x:${bbbUser.uid}:${bbbUser.gid}::/home/bigbluebutton:/bin/bash`,
    `www-data:x:${webUser.uid}:${webUser.gid}::/var/www:/bin/sh`,
    `pilos-spool:x:${spoolUser.uid}:${spoolUser.gid}::/home/pilos-spool:/bin/bash`,
  ],
  group: [
    `bigbluebutton:x:${bbbUser.gid}:`,
    `www-data:x:${webUser.gid}:`,
    `pilos-spool:x:${spoolUser.gid}:bigbluebutton,www-data`,
  ],
  shadow: ['bigbluebutton', 'www-data', 'pilos-spool'].map((name) => `${name}:*:19000:0:99999:7:::`),
};

/** What every host has. */
export async function createImage(image: string): Promise<void> {
  for (const directory of [toolDirectory, mountPoint, 'usr/local', 'var/lib'])
    mkdirSync(join(image, directory), { recursive: true });
  // Not while another test adds a user: its files in /etc come and go.
  await changeUserDatabase('cp', ['--archive', '--no-target-directory', '/etc', join(image, 'etc')]);
  for (const [file, lines] of Object.entries(accounts)) addAccounts(join(image, 'etc', file), lines);
  await runOrThrow('cp', ['--recursive', ...tools, join(image, toolDirectory)]);
  makeOwned(image, '/home/bigbluebutton', bbbUser);
  makeOwned(image, '/home/pilos-spool', spoolUser);
}

/** Writes to directories of the image instead of this machine's, and without a systemd. */
const installInside = `
for directory in etc usr/local var; do mount --bind "./$directory" "/$directory"; done
mount -t tmpfs tmpfs /run
exec "$0" "$@"`;

/** What every BBB server has beside that: BBB's directories, and the program, put there by its own `install`. */
export async function createBbbImage(base: string, image: string): Promise<void> {
  await cloneImage(base, image);
  const paths = describePaths(image);
  makeDirectories(paths);
  await runOrThrow('chown', ['--recursive', `${bbbUser.uid}:${bbbUser.gid}`, paths.varDir, paths.logDir]);
  await runOrThrow('unshare', ['--mount', 'sh', '-euc', installInside, executable, 'install', '--quiet'], {
    cwd: image,
  });
}

/** Its files are the same ones, under other names: write no further into one, put a new one in its place. */
export async function cloneImage(image: string, tree: string): Promise<void> {
  await runOrThrow('cp', ['--archive', '--link', image, tree]);
}

/** Replaces a file of an image, or adds one. */
export function putFile(tree: string, path: string, content: string, owner?: Owner, mode = 0o644): void {
  const file = join(tree, path);
  mkdirSync(dirname(file), { recursive: true });
  rmSync(file, { force: true });
  writeFileSync(file, content, { mode });
  if (owner !== undefined) chownSync(file, owner.uid, owner.gid);
}

export function makeOwned(tree: string, path: string, owner: Owner): string {
  const directory = join(tree, path);
  mkdirSync(directory, { recursive: true });
  chownSync(directory, owner.uid, owner.gid);
  return directory;
}

/** A line of the machine's own with the same name or number would be found first. */
function addAccounts(file: string, lines: readonly string[]): void {
  const keys = (line: string) => {
    const [name = '', , id = ''] = line.split(':');
    return file.endsWith('shadow') ? [name] : [name, id];
  };
  const taken = new Set(lines.flatMap(keys));
  const own = readFileSync(file, 'utf8').split('\n');
  const kept = own.filter((line) => line !== '' && !keys(line).some((key) => taken.has(key)));
  writeFileSync(file, `${[...kept, ...lines].join('\n')}\n`);
}
