/** The rows over rsync and ssh: a real sshd on loopback, with the key restricted as docs/ssh.md recommends. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { createBbbUser, createPilosUser, removeUser } from '../../test/support/program/users.ts';
import { type SshServer, startSshServer } from '../../test/support/rsync/ssh-server.ts';
import { call, executable, referenceCall } from './commands.ts';
import { type Figure, figures, seconds } from './figure.ts';
import { type Command, compare, measure } from './measure.ts';
import type { Scene } from './scene.ts';

interface RemoteSpool {
  directory: string;
  server: SshServer<'restricted'>;
  /** As the user of BBB, who has the key and ssh's configuration. */
  asBbb(command: Command): Command;
  empty(): void;
}

/** Runs `action` while `spool_dir` is a directory behind sshd, and BBB's user owns what the calls write. */
async function withRemoteSpool<T>(scene: Scene, action: (spool: RemoteSpool) => Promise<T>): Promise<T> {
  const pilosUser = await createPilosUser();
  const bbbUser = await createBbbUser();
  const directory = join(pilosUser.home, 'spool');
  const keys = { restricted: `command="/usr/bin/rrsync -wo -no-lock ${directory}",restrict` };
  let server: SshServer<'restricted'> | undefined;
  const give = ({ uid, gid }: { uid: number; gid: number }) =>
    execFileSync('chown', ['-R', `${uid}:${gid}`, scene.root]);
  try {
    mkdirSync(directory);
    chownSync(directory, pilosUser.uid, pilosUser.gid);
    server = await startSshServer({ pilosUser, bbbUser, directory: join(pilosUser.home, 'sshd'), keys });
    scene.setSpool(`${server.hosts.restricted}:/`);
    give(bbbUser);
    const empty = () => {
      scene.startOver();
      for (const name of readdirSync(directory)) rmSync(join(directory, name), { recursive: true });
    };
    const by = ['setpriv', `--reuid=${bbbUser.uid}`, `--regid=${bbbUser.gid}`, '--clear-groups', '--'];
    const asBbb = (command: Command): Command => ({
      ...command,
      words: [...by, ...command.words],
      environment: { ...command.environment, HOME: bbbUser.home, USER: bbbUser.name },
    });
    return await action({ directory, server, asBbb, empty });
  } finally {
    scene.setSpool(scene.spoolDir);
    give({ uid: 0, gid: 0 });
    await server?.stop();
    await removeUser(bbbUser);
    await removeUser(pilosUser);
  }
}

function checkedDelivery(command: Command, spool: RemoteSpool, ...wanted: string[]): Command {
  const verify = () => {
    const names = readdirSync(spool.directory).sort().join(', ');
    if (names !== wanted.toSorted().join(', ')) throw new Error(`in the spool: ${names}`);
  };
  return { ...spool.asBbb(command), prepare: spool.empty, verify };
}

/** Row 9: the same delivery by the executable and by PILOS' script. */
export function runOverSsh(scene: Scene, own: Command, other: Command, name: string): Promise<Figure[]> {
  return withRemoteSpool(scene, async (spool) => {
    const found = compare(checkedDelivery(own, spool, name), checkedDelivery(other, spool, name), 2, false);
    return figures(found, { wall: [1, seconds], cpu: [1, seconds] });
  });
}

export interface SmallRow {
  scene: Scene;
  /** Of its recordings. */
  ids: readonly string[];
}

const archiveOf = (id: string) => `${id}-presentation.tar`;

/** Rows 14 and 15: BBB's call for one, `deliver` for several; PILOS' script is called for each. */
export function runSmallOverSsh({ scene, ids }: SmallRow, reach: number, pairs: number): Promise<Figure[]> {
  return withRemoteSpool(scene, async (spool) => {
    const [first = ''] = ids;
    const own = ids.length === 1 ? call(scene, first) : deliverAll(scene, ids);
    const script = 'for id; do "$RUBY" "$REFERENCE" "$SETTINGS" -m "$id" -f presentation || exit 1; done';
    const [RUBY, REFERENCE, SETTINGS] = referenceCall(scene, '').words;
    const environment = { ...scene.environment, RUBY, REFERENCE, SETTINGS };
    const other = { words: ['sh', '-c', script, 'sh', ...ids], environment };
    const [one, another] = [own, other].map((command) =>
      checkedDelivery(command, spool, ...ids.map(archiveOf)),
    );
    const found = compare(one as Command, another as Command, pairs);
    return figures(found, { wall: [reach, seconds] });
  });
}

function deliverAll(scene: Scene, ids: readonly string[]): Command {
  return { words: [executable, 'deliver', '--limit', String(ids.length)], environment: scene.environment };
}

/** Row 16: what an outage has left, against one rsync of as many archives that somebody has packed before. */
export function runBacklog({ scene, ids }: SmallRow): Promise<Figure[]> {
  const ready = join(scene.root, 'ready');
  mkdirSync(ready);
  const archives = ids.map((id) => join(ready, archiveOf(id)));
  for (const [index, archive] of archives.entries())
    execFileSync('tar', ['-cf', archive, '-C', scene.publishedDir, `presentation/${ids[index]}`]);
  return withRemoteSpool(scene, async (spool) => {
    const words = ['rsync', '--chmod=664', ...archives, `${spool.server.hosts.restricted}:/`];
    const [own, plain] = [deliverAll(scene, ids), { words, environment: scene.environment }].map((command) =>
      checkedDelivery(command, spool, ...ids.map(archiveOf)),
    );
    const found = compare(own as Command, plain as Command, 3);
    return figures(found, { wall: [2, seconds], cpu: [undefined, seconds] });
  });
}

/** Row 17: the first call finds out that the host says nothing; what BBB's worker pays for each of the next ones. */
export function runWhileDead({ scene, ids }: SmallRow): Promise<Figure[]> {
  return withRemoteSpool(scene, async (spool) => {
    const dead = { ...spool.asBbb(call(scene, ids[0] ?? '')), exitStatus: 75 };
    spool.server.freeze();
    try {
      measure(dead);
      const costs = Array.from({ length: 9 }, () => measure(dead));
      return (['wall', 'cpu'] as const).map((key) => {
        const median = costs.map((cost) => cost[key]).sort((one, other) => one - other)[4] ?? Number.NaN;
        const detail = `${(median * 1000).toFixed(1)} ms / 200 ms`;
        return { name: key === 'cpu' ? 'CPU' : key, value: median / 0.2, reach: 1, detail };
      });
    } finally {
      spool.server.thaw();
    }
  });
}

/** Row 10: what a run sends after one that was cut at 90 %, against what a full run sends. */
export function runCutAndResumed(scene: Scene, own: Command, name: string): Promise<Figure[]> {
  return withRemoteSpool(scene, async (spool) => {
    const delivery = { ...checkedDelivery(own, spool, name), prepare: () => undefined };
    const full = sentBy(() => measure(delivery));
    const size = statSync(join(spool.directory, name)).size;
    spool.empty();
    const partial = join(spool.directory, name.replace(/\.tar$/, ''));
    await cutAt(size * 0.9, partial, spool.asBbb(own), spool.server);
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
