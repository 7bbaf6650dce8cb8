/** A PILOS host for the tests of one file: both users, sshd, a key of every kind, an old rsync. */
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import { createWithUndo, type Undo } from '../program/create-with-undo.ts';
import type { ProgramOptions } from '../program/run-program.ts';
import { createBbbUser, createPilosUser, removeUser, type TestUser } from '../program/users.ts';
import { installOldRsync } from './old-rsync.ts';
import { type KeyScenario, keyScenarios, type SshServer, startSshServer } from './ssh-server.ts';

/** The keys with which a recording can be delivered. */
export const workingKeys = [
  'ordinary',
  'rrsync',
  'rrsync-wo',
  'rrsync-wo-no-lock',
  'rrsync-no-lock',
  'rrsync-no-del',
  'old-ordinary',
  'old-rrsync',
  'old-rrsync-wo',
  'old-rrsync-wo-no-lock',
  'old-rrsync-no-del',
] as const satisfies readonly KeyScenario[];

export type HostKey = KeyScenario | 'no-rsync';

export interface RsyncHost {
  server: SshServer<HostKey>;
  bbbUser: TestUser;
  pilosUser: TestUser;
  /** The directory that PILOS polls; with `instance1` in it, both empty and writable before each test. */
  spool: string;
  /** `HOST:PATH` of the spool as each key reaches it; a restricted key sees the spool as its root. */
  address(key: HostKey): string;
  /** A host of its own in the BBB user's ssh configuration: the ordinary key's with other settings. */
  addAlias(name: string, settings: Record<string, string>): string;
  /** Everything in the spool, directories too, sorted. */
  files(): string[];
  /** How often somebody has logged in since the host began. */
  logins(): number;
}

/** Call it once at the top of a test file. */
export function useRsyncHost(): RsyncHost {
  let created: Awaited<ReturnType<typeof createRsyncHost>> | undefined;
  beforeAll(async () => {
    created = await createRsyncHost();
  });
  beforeEach(() => emptySpool(host()));
  afterAll(async () => {
    await created?.remove();
  });
  const host = () => {
    if (created === undefined) throw new Error('the host exists only while tests run');
    return created.value;
  };
  return {
    get server() {
      return host().server;
    },
    get bbbUser() {
      return host().bbbUser;
    },
    get pilosUser() {
      return host().pilosUser;
    },
    get spool() {
      return host().spool;
    },
    address: (key) => host().address(key),
    addAlias: (name, settings) => host().addAlias(name, settings),
    files: () => host().files(),
    logins: () => host().logins(),
  };
}

function createRsyncHost() {
  return createWithUndo(async (undo: Undo): Promise<RsyncHost> => {
    const pilosUser = await createPilosUser();
    undo(() => removeUser(pilosUser));
    const bbbUser = await createBbbUser();
    undo(() => removeUser(bbbUser));
    const spool = join(pilosUser.home, 'spool');
    const old = await installOldRsync(join(pilosUser.home, 'old'));
    const server = await startSshServer<HostKey>({
      ...{ pilosUser, bbbUser },
      directory: join(pilosUser.home, 'sshd'),
      keys: { ...keyScenarios(spool, old), 'no-rsync': 'environment="PATH=/nonexistent"' },
    });
    undo(() => server.stop());
    return {
      ...{ server, bbbUser, pilosUser, spool },
      address: (key) => `${server.hosts[key]}:${isRestricted(key) ? '/' : spool}`,
      addAlias: (name, settings) => {
        addAlias(bbbUser, server, name, settings);
        return name;
      },
      files: () => readdirSync(spool, { recursive: true, encoding: 'utf8' }).sort(),
      logins: () => readFileSync(server.logPath, 'utf8').match(/Accepted publickey/g)?.length ?? 0,
    };
  });
}

function isRestricted(key: HostKey): boolean {
  return key.includes('rrsync');
}

/** As PILOS' documentation should have it: group of the spool, setgid, so that archives get it too. */
export function makeSpoolDirectory({ pilosUser }: Pick<RsyncHost, 'pilosUser'>, directory: string): void {
  mkdirSync(directory, { recursive: true });
  chownSync(directory, pilosUser.uid, pilosUser.gid);
  chmodSync(directory, 0o2775);
}

function emptySpool(host: RsyncHost): void {
  rmSync(host.spool, { recursive: true, force: true });
  makeSpoolDirectory(host, host.spool);
  makeSpoolDirectory(host, join(host.spool, 'instance1'));
}

function addAlias(
  { home, uid, gid }: TestUser,
  server: SshServer<HostKey>,
  name: string,
  settings: Record<string, string>,
): void {
  const file = join(home, '.ssh/config');
  const lines = Object.entries(settings).map(([key, value]) => `  ${key} ${value}`);
  const known = readFileSync(file, 'utf8');
  const ordinary = known
    .split(/^(?=Host )/m)
    .find((block) => block.startsWith(`Host ${server.hosts.ordinary}\n`));
  const others = (ordinary ?? '')
    .split('\n')
    .slice(1)
    .filter((line) => !Object.keys(settings).some((key) => line.startsWith(`  ${key} `)));
  const block = [`Host ${name}`, ...lines, ...others].join('\n');
  writeFileSync(file, `${block}\n${known}`);
  chownSync(file, uid, gid);
}

/** Runs a program as the BBB user itself. */
export function asBbbUser({ bbbUser }: RsyncHost): ProgramOptions {
  const { uid, gid, home, name } = bbbUser;
  return { user: { uid, gid }, env: { HOME: home, USER: name } };
}

/** Size in bytes, 0 when there is no such file. */
export function sizeOf(file: string): number {
  return existsSync(file) ? (statSync(file, { throwIfNoEntry: false })?.size ?? 0) : 0;
}
