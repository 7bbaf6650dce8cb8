/**
 * Where the machines are: a network, a process tree and a file system of their own, in namespaces. All of it
 * vanishes with the process that holds them, and that process ends with the one that started it, however that ends:
 * machines, disks (in memory) and network need no clearing up, not even after a SIGKILL.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Address of each machine, also in the /etc/hosts of the image. */
export const addresses = {
  storage: '10.9.0.1',
  bbb: '10.9.0.2',
  pilos: '10.9.0.3',
  bbb2: '10.9.0.4',
} as const;
export type MachineName = keyof typeof addresses;

/** What test files are given: they run in other processes. */
export interface Site {
  /** Of the process that holds the namespaces. */
  pid: number;
  /** Directory of the image. */
  image: string;
}

/** In the site, for disks and sockets; hides this machine's /run. */
export const siteDirectory = '/run';

/** A new directory for what a machine is to be sent, seen from outside: it vanishes with the site. */
export function makeSiteDirectory(site: Site): string {
  return mkdtempSync(`/proc/${site.pid}/root${siteDirectory}/files-`);
}

// Of large segments that a machine's card is sent, nearly all are lost: see gso_max_segs in image/machine-setup.
const holder = `set -e
mount -t tmpfs -o mode=755 tmpfs ${siteDirectory}
ip link set lo up
ip link add br0 type bridge
ip addr add 10.9.0.254/24 dev br0
ip link set br0 gso_max_segs 1 up
for name in ${Object.keys(addresses).join(' ')}; do
  ip tuntap add dev "$name" mode tap
  ip link set "$name" master br0 up
done
echo ready
exec cat >/dev/null`;
const namespaces = ['--mount', '--net', '--pid', '--fork', '--kill-child', '--mount-proc'];

export async function openSite(image: string): Promise<{ site: Site; close: () => Promise<void> }> {
  // In a session of its own: Ctrl-C is for us, and then its standard input is closed.
  const child = spawn('unshare', [...namespaces, 'sh', '-c', holder], {
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true,
  });
  await whenReady(child);
  const children = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8');
  const site = { pid: Number(children.trim()), image };
  return { site, close: () => close(child, site) };
}

async function whenReady(child: ChildProcess): Promise<void> {
  const failed = once(child, 'close').then(([status]) => {
    throw new Error(`the network of the test machines could not be made: unshare ended with ${status}`);
  });
  await Promise.race([once(child.stdout ?? child, 'data'), failed]);
  failed.catch(() => {});
}

/** The kernel ends every process of the site before the first of them is gone. */
async function close(child: ChildProcess, site: Site): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  while (existsSync(`/proc/${site.pid}`)) await sleep(50);
}

/** A command line that runs `command` in the site. */
export function enterSite(site: Site, command: readonly string[]): [string, ...string[]] {
  return ['nsenter', `--target=${site.pid}`, '--mount', '--net', '--pid', '--', ...command];
}
