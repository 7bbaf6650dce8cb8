/**
 * A PILOS host that fails in each of the ways of failures.ts: one sshd, and for each case a key and a directory of its
 * own, so that all of them can be tried at the same time.
 */
import { chmodSync, chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import type { Undo } from '../program/create-with-undo.ts';
import { runOrThrow, startProgram } from '../program/run-program.ts';
import { createBbbUser, createPilosUser, removeUser, type TestUser } from '../program/users.ts';
import { type SshServer, startSshServer } from '../rsync/ssh-server.ts';
import { type KeyKind, keyKinds, type LinkFailure, linkFailures } from './failures.ts';

/** What comes of what ssh and rsync say: all of it, all of it among much else, or nothing. */
export const wordings = ['complete', 'noisy', 'lost'] as const;
export type Wording = (typeof wordings)[number];

/** One failure with one key. */
export interface LinkCase {
  failure: LinkFailure;
  kind: KeyKind;
  wording: Wording;
  /** `spool_dir` */
  address: string;
}

export interface LinkHost {
  bbbUser: TestUser;
  cases: LinkCase[];
  /** The PATH on which ssh and rsync are heard so. */
  path(wording: Wording): string;
}

const noiseHere = `cat >&2 <<'END'
Authorized users only. Connection refused to all others: permission denied.
Warning: Permanently added '[127.0.0.1]:22' (ED25519) to the list of known hosts.
hostfile_replace_entries: link known_hosts to known_hosts.old: Read-only file system
END`;
const noiseThere = `cat >&2 <<'END'
bash: warning: setlocale: LC_ALL: cannot change locale (de_DE.UTF-8)
Could not chdir to home directory /home/pilos: No such file or directory
quota: 99 % of /home are used, soon there is no space left on device
END`;

interface Place {
  key: string;
  root: string;
  directory: string;
}

export async function createLinkHost(undo: Undo): Promise<LinkHost> {
  const pilosUser = await createPilosUser();
  undo(() => removeUser(pilosUser));
  const bbbUser = await createBbbUser();
  undo(() => removeUser(bbbUser));
  await mountDisks(undo, pilosUser);
  const cases = linkFailures.flatMap((failure, number) =>
    keyKinds
      .filter((kind) => failure.reported[kind] !== undefined)
      .flatMap((kind) =>
        wordings.map((wording) => ({ failure, kind, wording, key: `${number}-${kind}-${wording}` })),
      ),
  );
  const keys: Record<string, string> = {};
  const addresses = new Map<string, string>();
  for (const { failure, kind, wording, key } of cases) {
    const place = await preparePlace(pilosUser, failure, key, undo);
    keys[key] = await describeKey(pilosUser, failure, { kind, wording, place });
    addresses.set(key, kind === 'ordinary' ? place.root : '/');
  }
  await finishDisks(pilosUser);
  const server = await startSshServer({ pilosUser, bbbUser, directory: join(pilosUser.home, 'sshd'), keys });
  undo(() => server.stop());
  await configureSsh(undo, { bbbUser, server, cases });
  return {
    bbbUser,
    path: (wording) => writePrograms(bbbUser, wording),
    cases: cases.map(({ key, ...rest }) => ({
      ...rest,
      address: `${rest.failure.phase === 'connection' ? failingHost(key, rest.failure) : `pilos-${key}`}:${addresses.get(key)}`,
    })),
  };
}

function failingHost(key: string, { host = 'failing' }: LinkFailure): string {
  return `${host}-${key}`;
}

async function mountDisks(undo: Undo, { home }: TestUser): Promise<void> {
  for (const [name, size] of [
    ['full', '200k'],
    ['read-only', '1m'],
  ]) {
    const directory = join(home, `${name}`);
    mkdirSync(directory);
    await runOrThrow('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', directory]);
    undo(() => runOrThrow('umount', [directory]));
  }
}

async function finishDisks({ home }: TestUser): Promise<void> {
  await runOrThrow('sh', ['-c', 'cat /dev/zero >"$0" 2>/dev/null || :', join(home, 'full/filler')]);
  await runOrThrow('mount', ['-o', 'remount,ro', join(home, 'read-only')]);
}

async function preparePlace(
  user: TestUser,
  { disk, spoil, meanwhile }: LinkFailure,
  key: string,
  undo: Undo,
): Promise<Place> {
  const parent = join(user.home, disk ?? 'spools');
  const root = join(parent, key);
  const directory = join(root, 'instance1');
  mkdirSync(directory, { recursive: true });
  for (const one of [parent, root, directory]) {
    chownSync(one, user.uid, user.gid);
    chmodSync(one, 0o2775);
  }
  const env = { ROOT: root, DIR: directory };
  if (spoil !== undefined) await runOrThrow('sh', ['-c', spoil], { env });
  if (meanwhile !== undefined) {
    const { child, result } = startProgram('sh', ['-c', meanwhile], { env, timeoutMilliseconds: 600_000 });
    undo(async () => {
      child.kill('SIGKILL');
      await result;
    });
  }
  return { key, root, directory };
}

/** The options of a line in authorized_keys; what is not a plain one runs a script. */
async function describeKey(
  user: TestUser,
  { rrsync = '/usr/bin/rrsync', flags, path, before }: LinkFailure,
  { kind, wording, place }: { kind: KeyKind; wording: Wording; place: Place },
): Promise<string> {
  const program = rrsync === '$PYTHONLESS' ? writePythonless(user) : rrsync;
  const ofKind = flags ?? (kind === 'recommended' ? '-wo -no-lock' : '');
  const command = kind === 'ordinary' ? undefined : `${program} ${ofKind} ${place.root}`;
  const noise = wording === 'noisy' ? noiseThere : undefined;
  if (noise === undefined && before === undefined && path === undefined)
    return command === undefined ? '' : `command="${command}",restrict`;
  const script = join(user.home, `${place.key}.sh`);
  const search = path === undefined || kind !== 'ordinary' ? undefined : `PATH=${path}`;
  const last = command ?? 'eval "exec $SSH_ORIGINAL_COMMAND"';
  const lines = ['#!/bin/bash', noise, before, search, command === undefined ? last : `exec ${last}`, ''];
  writeFileSync(script, lines.filter((line) => line !== undefined).join('\n'), { mode: 0o755 });
  return `command="${script}",restrict`;
}

/** rrsync as it is, for a Python that is not there. */
function writePythonless({ home }: TestUser): string {
  const file = join(home, 'rrsync');
  const [, ...lines] = readFileSync('/usr/bin/rrsync', 'utf8').split('\n');
  writeFileSync(file, ['#!/usr/bin/no-python3', ...lines].join('\n'), { mode: 0o755 });
  return file;
}

interface Wanted {
  bbbUser: TestUser;
  server: SshServer<string>;
  cases: { failure: LinkFailure; key: string }[];
}

/** For each failure before the login a host of its own, which differs in what {@link LinkFailure.ssh} says. */
async function configureSsh(undo: Undo, { bbbUser, server, cases }: Wanted): Promise<void> {
  const other = join(bbbUser.home, 'other_known_hosts');
  const key = 'AAAAC3NzaC1lZDI1NTE5AAAAIMDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEy'.slice(0, 68);
  writeFileSync(other, `[127.0.0.1]:${server.port} ssh-ed25519 ${key}\n`);
  const values: Record<string, string> = {
    $OTHER_KNOWN_HOSTS: other,
    $SILENT: await listen(undo, () => undefined),
    $CLOSING: await listen(undo, (socket) => socket.destroy()),
  };
  const file = join(bbbUser.home, '.ssh/config');
  const known = readFileSync(file, 'utf8').split(/^(?=Host )/m);
  const blocks = cases.flatMap(({ failure, key: name }) => {
    if (failure.phase !== 'connection') return [];
    const [, ...rest] = known.find((block) => block.startsWith(`Host pilos-${name}\n`))?.split('\n') ?? [];
    const own = Object.entries(failure.ssh ?? {}).map(
      ([word, value]) => `  ${word} ${values[value] ?? value}`,
    );
    return [[`Host ${failingHost(name, failure)}`, ...own, ...rest].join('\n')];
  });
  // Of a doubled word the first counts, but every IdentityFile: those of the block are not what is meant.
  const text = [...blocks, ...known]
    .join('\n')
    .replace(/(IdentityFile \/nonexistent\n(?:(?!Host ).*\n)*?) +IdentityFile .*\n/g, '$1');
  writeFileSync(file, text);
  writeFileSync(join(bbbUser.home, 'invalid_config'), 'Nonsense yes\n');
}

async function listen(undo: Undo, answer: (socket: import('node:net').Socket) => unknown): Promise<string> {
  const server: Server = createServer((socket) => {
    socket.on('error', () => undefined);
    answer(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  undo(() => server.close());
  return String((server.address() as { port: number }).port);
}

/** ssh and rsync of this machine, whose stderr goes where it shall. */
function writePrograms({ home }: TestUser, wording: Wording): string {
  const directory = join(home, wording);
  mkdirSync(directory, { recursive: true });
  const noise = wording === 'noisy' ? noiseHere : ':';
  const to = wording === 'lost' ? ' 2>/dev/null' : '';
  const invalid = `case " $* " in *' invalid-'*) set -- -F ${home}/invalid_config "$@" ;; esac`;
  const ssh = ['#!/bin/sh', noise, invalid, `exec /usr/bin/ssh "$@"${to}`, ''];
  const rsync = ['#!/bin/sh', `exec /usr/bin/rsync "$@"${to}`, ''];
  writeFileSync(join(directory, 'ssh'), ssh.join('\n'), { mode: 0o755 });
  writeFileSync(join(directory, 'rsync'), rsync.join('\n'), { mode: 0o755 });
  return `${directory}:/usr/sbin:/usr/bin:/sbin:/bin`;
}
