/** Builds the fleet: network, storage, PILOS instances, BBB servers. */
import { chmodSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Undo } from '../support/program/create-with-undo.ts';
import { type BbbHost, startBbbHost } from './bbb-host.ts';
import { createBbbImage, createImage, mountPoint, spoolUser } from './image.ts';
import { type Network, startNetwork } from './network.ts';
import { type PilosHost, startPilosHost } from './pilos-host.ts';
import { type FleetOptions, instances, planFleet, type ServerPlan } from './plan.ts';
import { generateHostKey, prepareClient, startSshd } from './ssh.ts';
import { centralSpool, createCentralStorage, makeSpool, pilosSpool } from './storage.ts';

export interface Fleet {
  options: FleetOptions;
  servers: BbbHost[];
  pilos: PilosHost[];
  /** Takes a server its way to PILOS, and gives it back. */
  cut(server: BbbHost): Promise<unknown>;
  repair(server: BbbHost): Promise<unknown>;
}

/** Where everything is made, how it is undone, and when to stop. */
interface Site {
  directory: string;
  undo: Undo;
  signal: AbortSignal;
  network: Network;
}

/** Of the central storage; on this machine it takes only what is written. */
const storageBytes = 16 * 1024 ** 3;

export async function buildFleet(options: FleetOptions, undo: Undo, signal: AbortSignal): Promise<Fleet> {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'fleet-')));
  undo(() => rmSync(directory, { recursive: true, force: true }));
  // The users of the hosts have to get in.
  chmodSync(directory, 0o755);
  // First: a machine that cannot make hosts says so at once.
  const network = await startNetwork(undo, signal, directory);
  await createImage(join(directory, 'image'));
  await createBbbImage(join(directory, 'image'), join(directory, 'bbb-image'));
  const layOut = options.layout === 'storage' ? layOutStorage : layOutSsh;
  return await layOut(options, { directory, undo, signal, network });
}

async function layOutStorage(options: FleetOptions, site: Site): Promise<Fleet> {
  const storage = await createCentralStorage(site.undo, site.directory, storageBytes);
  const pilos = await startPilosHosts(site, centralSpool);
  for (const { host } of pilos) await storage.mount(host);
  makeSpool(pilos[0]?.host.mounted(centralSpool) ?? '', instances);
  const settings = { spool_dir: centralSpool, require_mount: mountPoint };
  const servers = await startBbbHosts(options, site, () => settings);
  for (const { host } of servers) await storage.mount(host);
  return {
    ...{ options, servers, pilos },
    cut: ({ host }) => storage.unmount(host),
    repair: ({ host }) => storage.mount(host),
  };
}

/** Each PILOS is a host of its own, and `spool_dirs` leads there; `spool_dir` is for meetings of neither. */
async function layOutSsh(options: FleetOptions, site: Site): Promise<Fleet> {
  const pilos = await startPilosHosts(site, pilosSpool);
  // A timeout as short as that is for a test: the link that is cut must be noticed soon.
  const impatience = { extra_rsync_opts: ['--timeout=5'], retry: { attempts: 1, max_seconds: 10 } };
  const servers = await startBbbHosts(options, site, ({ serves }) => {
    const addresses = serves.map((instance) => [instance, `${instance}:/${instance}`]);
    return { spool_dir: `${serves[0]}:/`, spool_dirs: Object.fromEntries(addresses), ...impatience };
  });
  for (const [index, { host, instance }] of pilos.entries()) {
    makeSpool(host.path(pilosSpool), [instance], spoolUser);
    const address = pilosAddress(index);
    const hostKey = await generateHostKey(host);
    const publicKeys: string[] = [];
    for (const server of servers.filter(({ plan }) => plan.serves.includes(instance)))
      publicKeys.push(await prepareClient(server.host, instance, address, hostKey));
    await startSshd(site.undo, host, { address, publicKeys });
  }
  const link = (state: string) => (server: BbbHost) =>
    server.host.runOrThrow(['ip', 'link', 'set', 'eth0', state]);
  return { options, servers, pilos, cut: link('down'), repair: link('up') };
}

const pilosAddress = (index: number) => `10.77.1.${index + 1}`;

async function startPilosHosts(
  { directory, undo, signal, network }: Site,
  spool: string,
): Promise<PilosHost[]> {
  const hosts: PilosHost[] = [];
  for (const [index, instance] of instances.entries()) {
    const [image, tree] = [join(directory, 'image'), join(directory, instance)];
    const one = await startPilosHost(undo, signal, { instance, image, tree, spool });
    await network.connect(one.host, pilosAddress(index));
    hosts.push(one);
  }
  return hosts;
}

/** @param settingsOf of each one's `pilos.yml` */
async function startBbbHosts(
  options: FleetOptions,
  { directory, undo, signal, network }: Site,
  settingsOf: (plan: ServerPlan) => object,
): Promise<BbbHost[]> {
  const servers: BbbHost[] = [];
  for (const [index, plan] of planFleet(options).entries()) {
    const [image, tree] = [join(directory, 'bbb-image'), join(directory, plan.name)];
    const server = await startBbbHost(undo, signal, { plan, image, tree, settings: settingsOf(plan) });
    await network.connect(server.host, `10.77.0.${index + 1}`);
    servers.push(server);
  }
  return servers;
}
