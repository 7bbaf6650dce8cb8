/**
 * Removes what a run of the tests has left on this machine: its processes, mounts, loop devices, network namespaces,
 * users and directories. Begins when its standard input ends, as it does with whoever started it.
 *
 *     node sweep.ts RUN DIRECTORY        exit status 1: the tests themselves had left something
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { programDirectory, runVariable } from './test-run.ts';

const [run = '', directory = ''] = process.argv.slice(2);
if (!/^[0-9a-f]{6}$/.test(run) || !directory.endsWith(`ppp-${run}`))
  throw new Error('sweep.ts RUN DIRECTORY');
/** Names that only this run gives: its letters alone may stand anywhere. */
const isOurs = (text: string) => mark.test(text);
const mark = new RegExp(`(?:${runVariable}=|(?:ppp|ppp-\\w+|pilos-spool|mutant|faults)-)${run}`);
/** gpasswd(8) is given all members of a group: what names users of another run as well may be that one's. */
const namesOthers = (command: string) =>
  [...command.matchAll(/\bppp-\w+-([0-9a-f]{6})[0-9a-f]{8}\b/g)].some(([, owner]) => owner !== run);
const cache = join(import.meta.dirname, '../../../dist/.test-cache');

await text(process.stdin);
const left = [...(await endProcesses()), ...unmount(), ...detachLoops(), ...removeNamespaces()];
left.push(...removeUsers(), ...removeDirectories());
rmSync(directory, { recursive: true, force: true });
if (left.length > 0) {
  process.stderr.write(`removed what the tests had left: ${left.join(', ')}\n`);
  process.exitCode = 1;
}

function say(command: string, ...args: string[]): string {
  return spawnSync(command, args, { encoding: 'utf8' }).stdout ?? '';
}

/** The users of this run: their names have its letters. */
function readUsers(): { name: string; uid: number; home: string }[] {
  return [...say('getent', 'passwd').matchAll(/^(ppp-\w+-(\w{6})\w*):[^:]*:(\d+):\d+:[^:]*:([^:]*):/gm)]
    .filter(([, , owner]) => owner === run)
    .map(([, name = '', , uid, home = '']) => ({ name, uid: Number(uid), home }));
}

/** What is killed may have started something meanwhile. */
async function endProcesses(): Promise<string[]> {
  const ended = new Map<number, string>();
  for (let left = 200; left > 0; left -= 1) {
    const alive = readProcesses();
    if (alive.size === 0) break;
    for (const [pid, command] of alive) {
      ended.set(pid, command);
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has just ended.
      }
    }
    await sleep(25);
  }
  return [...ended].map(([pid, command]) => `process ${pid} (${command})`);
}

function readProcesses(): Map<number, string> {
  const uids = new Set(readUsers().map(({ uid }) => uid));
  const found = new Map<number, string>();
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    try {
      const of = (name: string) => readFileSync(`/proc/${pid}/${name}`, 'latin1');
      const command = of('cmdline').replaceAll('\0', ' ').trim();
      // Without a command line it has ended already; vitest ends its own, and another run's sweeper is not our own.
      if (command === '' || /^vitest-watchdog|\/sweep\.ts /.test(command)) continue;
      const isTheirs = uids.has(statSync(`/proc/${pid}`).uid);
      if (
        isTheirs ||
        [namesOthers(command) ? '' : command, of('environ'), readlinkSync(`/proc/${pid}/cwd`)].some(isOurs)
      )
        found.set(pid, command.slice(0, 80));
    } catch {
      // It has just ended.
    }
  }
  return found;
}

/** The last one first: it may lie on another. */
function unmount(): string[] {
  const points = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter(isOurs);
  for (const point of points.toReversed()) say('umount', '--lazy', point);
  return points.map((point) => `mount ${point}`);
}

function detachLoops(): string[] {
  const lines = say('losetup', '--list', '--noheadings', '--output', 'NAME,BACK-FILE').split('\n');
  const devices = lines.filter(isOurs).map((line) => line.split(' ')[0] ?? '');
  for (const device of devices) say('losetup', '--detach', device);
  return devices;
}

function removeNamespaces(): string[] {
  const names = say('ip', 'netns', 'list')
    .split('\n')
    .map((line) => line.split(' ')[0] ?? '');
  const own = names.filter(isOurs);
  for (const name of own) say('ip', 'netns', 'delete', name);
  return own.map((name) => `network namespace ${name}`);
}

function removeUsers(): string[] {
  const users = readUsers();
  for (const { name, home } of users) {
    say('flock', '/etc', 'userdel', '--force', name);
    rmSync(home, { recursive: true, force: true });
  }
  const groups = [...say('getent', 'group').matchAll(/^(ppp-\w+-(\w{6})\w*):/gm)]
    .filter(([, , owner]) => owner === run)
    .map(([, name = '']) => name);
  for (const name of groups) say('flock', '/etc', 'groupdel', name);
  return [...users.map(({ name }) => `user ${name}`), ...groups.map((name) => `group ${name}`)];
}

/** Also those that a test makes elsewhere, with the letters of the run in their names. */
function removeDirectories(): string[] {
  const inside = readNames(directory)
    .filter((name) => !['node-compile-cache', programDirectory].includes(name))
    .map((name) => `${directory}/${name}`);
  const outside = ['/', '/home', cache].flatMap((parent) =>
    readNames(parent)
      .filter(isOurs)
      .map((name) => join(parent, name)),
  );
  for (const path of [...inside, ...outside]) rmSync(path, { recursive: true, force: true });
  return [...inside, ...outside];
}

function readNames(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
