/** A recording on its way over rsync to a PILOS host of the test's own: users, sshd, keys. */
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll } from 'vitest';
import { createBbbUser, createPilosUser, removeUser, type TestUser } from '../../support/program/users.ts';
import { type SshServer, startSshServer } from '../../support/rsync/ssh-server.ts';
import type { Program } from './program.ts';
import { createScene, type Scene, type SceneOptions } from './scene.ts';
import { createUndo, type Undo } from './undo.ts';

/** An ordinary key, the line that PILOS documents, and the one that lets several transfers pass at once. */
export const keyKinds = ['ordinary', 'documented', 'recommended'] as const;
export type KeyKind = (typeof keyKinds)[number];

export interface PilosHost {
  server: SshServer<KeyKind>;
  bbbUser: TestUser;
  pilosUser: TestUser;
  /** The directory that PILOS polls. */
  spool: string;
}

/** One host for all tests of a file. Call it at the top; the function that it returns gives the host. */
export function usePilosHost(): () => PilosHost {
  const { undo, undoAll } = createUndo();
  let host: PilosHost | undefined;
  beforeAll(async () => {
    host = await startPilosHost(undo);
  });
  afterAll(undoAll);
  return () => {
    if (host === undefined) throw new Error('the PILOS host is not there');
    return host;
  };
}

/** Both users and the server; all of it is gone afterwards. */
async function startPilosHost(undo: Undo): Promise<PilosHost> {
  const pilosUser = await createPilosUser();
  undo(() => removeUser(pilosUser));
  const bbbUser = await createBbbUser();
  undo(() => removeUser(bbbUser));
  const spool = join(pilosUser.home, 'spool');
  mkdirSync(spool);
  chownSync(spool, pilosUser.uid, pilosUser.gid);
  chmodSync(spool, 0o2775);
  const rrsync = (flags: string) => `command="/usr/bin/rrsync ${flags}${spool}",restrict`;
  const server = await startSshServer<KeyKind>({
    pilosUser,
    bbbUser,
    directory: join(pilosUser.home, 'sshd'),
    keys: { ordinary: '', documented: rrsync(''), recommended: rrsync('-wo -no-lock ') },
  });
  undo(server.stop);
  return { server, bbbUser, pilosUser, spool };
}

export interface RemoteOptions extends SceneOptions {
  key?: KeyKind;
  /** Bytes per second that rsync may send. */
  bandwidth?: number;
  /** Further `extra_rsync_opts`. */
  rsync?: string[];
  retry?: { attempts: number; max_seconds: number };
}

export interface RemoteScene extends Scene {
  /** What a cut transfer leaves on the other side, under a name that PILOS ignores. */
  partial: string;
  /** Bytes that rsync has sent since {@link forgetSent} or since it last failed, as its own log says. */
  sentBytes(): number;
  forgetSent(): void;
}

/** A BBB server that sends to `host`; the program is run as root and becomes the BBB user. */
export function createRemoteScene(
  program: Program,
  host: PilosHost,
  undo: Undo,
  options: RemoteOptions = {},
): RemoteScene {
  const { key = 'ordinary', bandwidth, rsync = [], retry = { attempts: 1, max_seconds: 30 } } = options;
  const log = join(host.bbbUser.home, `rsync-${key}.log`);
  const limit = bandwidth === undefined ? [] : [`--bwlimit=${Math.round(bandwidth / 1024)}`];
  const remote = `${host.server.hosts[key]}:${key === 'ordinary' ? host.spool : ''}`;
  const scene = createScene(program, {
    ...options,
    arrivals: join(host.spool, options.meeting?.subDir ?? ''),
    tree: {
      ...options.tree,
      spool: remote,
      pilos: {
        ...options.tree?.pilos,
        retry,
        extra_rsync_opts: [...limit, `--log-file=${log}`, '--log-file-format=', ...rsync],
      },
    },
  });
  undo(scene.remove);
  scene.tree.giveTo(host.bbbUser);
  rmSync(log, { force: true });
  return {
    ...scene,
    partial: scene.archive.replace(/\.tar$/, ''),
    sentBytes: () => sumOfSent(log),
    forgetSent: () => rmSync(log, { force: true }),
  };
}

/** rsync ends each log of a transfer with `sent 1,234 bytes  received …`. */
function sumOfSent(log: string): number {
  const text = existsSync(log) ? (readFileSync(log, 'latin1').split('rsync error: ').at(-1) ?? '') : '';
  const sums = [...text.matchAll(/sent ([\d,]+) bytes/g)].map(([, digits = '']) =>
    Number(digits.replaceAll(',', '')),
  );
  return sums.reduce((total, bytes) => total + bytes, 0);
}

/** Resolves when at least `bytes` have arrived; rejects after a minute. */
export async function whenArrived({ partial, archive }: RemoteScene, bytes: number): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (sizeOf(partial) < bytes && !existsSync(archive)) {
    if (Date.now() > deadline)
      throw new Error(`only ${sizeOf(partial)} of ${bytes} bytes arrived in a minute`);
    await sleep(2);
  }
}

export function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}
