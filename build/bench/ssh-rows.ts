/** The rows over rsync and ssh: a real sshd on loopback, with the key restricted as docs/ssh.md recommends. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { createBbbUser, createPilosUser, removeUser } from '../../test/support/program/users.ts';
import { type SshServer, startSshServer } from '../../test/support/rsync/ssh-server.ts';
import type { Figure } from './figure.ts';
import { type Command, compare, measure } from './measure.ts';
import type { Scene } from './scene.ts';

interface RemoteSpool {
  directory: string;
  server: SshServer<'restricted'>;
  empty(): void;
}

/** Runs `action` while `spool_dir` is a directory behind sshd. */
async function withRemoteSpool<T>(scene: Scene, action: (spool: RemoteSpool) => Promise<T>): Promise<T> {
  const pilosUser = await createPilosUser();
  const bbbUser = await createBbbUser();
  const directory = join(pilosUser.home, 'spool');
  const keys = { restricted: `command="/usr/bin/rrsync -wo -no-lock ${directory}",restrict` };
  let server: SshServer<'restricted'> | undefined;
  try {
    mkdirSync(directory);
    chownSync(directory, pilosUser.uid, pilosUser.gid);
    server = await startSshServer({ pilosUser, bbbUser, directory: join(scene.root, 'sshd'), keys });
    const ssh = `ssh -F ${bbbUser.home}/.ssh/config -o UserKnownHostsFile=${bbbUser.home}/.ssh/known_hosts`;
    scene.setSpool(`${server.hosts.restricted}:/`, [`--rsh=${ssh} -o BatchMode=yes`]);
    const empty = () => {
      scene.startOver();
      for (const name of readdirSync(directory)) rmSync(join(directory, name), { recursive: true });
    };
    return await action({ directory, server, empty });
  } finally {
    scene.setSpool(scene.spoolDir);
    await server?.stop();
    await removeUser(bbbUser);
    await removeUser(pilosUser);
  }
}

function checkedDelivery(command: Command, spool: RemoteSpool, name: string): Command {
  const verify = () => {
    const names = readdirSync(spool.directory);
    if (names.length !== 1 || names[0] !== name) throw new Error(`in the spool: ${names.join(', ')}`);
  };
  return { ...command, prepare: spool.empty, verify };
}

/** Row 9: the same delivery by the executable and by PILOS' script. */
export function runOverSsh(scene: Scene, ours: Command, other: Command, name: string): Promise<Figure[]> {
  return withRemoteSpool(scene, async (spool) => {
    const found = compare(checkedDelivery(ours, spool, name), checkedDelivery(other, spool, name), 2, false);
    const detail = (key: 'wall' | 'cpu') =>
      `${found.ours[key].toFixed(2)} s / ${found.other[key].toFixed(2)} s`;
    return [
      { name: 'wall', value: found.ratio.wall, reach: 1, detail: detail('wall') },
      { name: 'CPU', value: found.ratio.cpu, reach: 1, detail: detail('cpu') },
    ];
  });
}

/** Row 10: what a run sends after one that was cut at 90 %, against what a full run sends. */
export function runCutAndResumed(scene: Scene, ours: Command, name: string): Promise<Figure[]> {
  return withRemoteSpool(scene, async (spool) => {
    const delivery = { ...checkedDelivery(ours, spool, name), prepare: () => undefined };
    const full = sentBy(() => measure(delivery));
    const size = statSync(join(spool.directory, name)).size;
    spool.empty();
    await cutAt(size * 0.9, join(spool.directory, name.replace(/\.tar$/, '')), ours, spool.server);
    const rest = sentBy(() => measure(delivery));
    return [{ name: 'bytes sent', value: rest / full, reach: 0.15, detail: `${rest} / ${full}` }];
  });
}

/** Bytes that went over the loopback interface meanwhile. */
function sentBy(action: () => void): number {
  const before = loopbackBytes();
  action();
  return loopbackBytes() - before;
}

function loopbackBytes(): number {
  const [, received] = /^\s*lo:\s*(\d+)/m.exec(readFileSync('/proc/net/dev', 'utf8')) ?? [];
  return Number(received);
}

async function cutAt(
  bytes: number,
  partial: string,
  command: Command,
  server: SshServer<'restricted'>,
): Promise<void> {
  const [program = '', ...words] = command.words;
  const child = spawn(program, words, { env: command.environment, stdio: 'ignore' });
  const ended = once(child, 'exit');
  while (child.exitCode === null && !(existsSync(partial) && statSync(partial).size >= bytes))
    await setTimeout(2);
  if (child.exitCode !== null) throw new Error('the delivery ended before it could be cut');
  await server.killConnections();
  const [status] = (await ended) as [number | null];
  if (status === 0) throw new Error('the cut delivery says that it succeeded');
}
