/** The storage server: an ext4 of its own, exported over NFS; and how the other machines mount it. */
import type { Machine } from './machine.ts';

/** Where the other machines have it. */
export const mountPoint = '/mnt/storage';
export const spool = `${mountPoint}/recordings-spool`;
/** The same directory on the storage server. */
export const spoolOnServer = '/srv/storage/recordings-spool';
const manageGidsFile = '/etc/nfs.conf.d/manage-gids.conf';
export const storageMegabytes = 3000;
export const versions = ['4.2', '3'] as const;
export type NfsVersion = (typeof versions)[number];

/** A server that knows nobody of BBB's or PILOS' servers, as most do, and is back soon after a restart. */
export async function setUpStorage(storage: Machine): Promise<void> {
  await storage.ask(`userdel --remove bigbluebutton 2>/dev/null; gpasswd --delete www-data pilos-spool
    mkdir -p /etc/nfs.conf.d
    printf '[nfsd]\\ngrace-time=10\\nlease-time=10\\n' > /etc/nfs.conf.d/machines.conf
    printf '[mountd]\\nmanage-gids=y\\n' > ${manageGidsFile}
    install -d -m 2775 -g pilos-spool ${spoolOnServer}
    systemctl --quiet enable --now nfs-server && sync`);
}

/** Who exports the spool how, and who mounts it how. */
export interface SpoolOptions {
  storage: Machine;
  clients: readonly Machine[];
  version?: NfsVersion;
  /** Of exports(5). */
  options: string;
  /** Debian's default is on: the server then takes a client's groups from its own /etc/group. */
  manageGids?: boolean;
}

/** The export that needs nothing of the server but the group. */
export const squashAll = 'all_squash,anonuid=65534,anongid=2000';

/** An empty spool, exported anew, of which the clients remember nothing. */
export async function prepareSpool(spoolOptions: SpoolOptions): Promise<void> {
  const { storage, clients, version = '4.2', options, manageGids = true } = spoolOptions;
  // A client that has it mounted while the server restarts may wait for minutes.
  await Promise.all(
    clients.map((client) => client.ask(`! mountpoint -q ${mountPoint} || umount ${mountPoint}`)),
  );
  await setManageGids(storage, manageGids);
  await exportSpool(storage, options);
  await emptySpool(storage);
  await Promise.all(clients.map((client) => mountSpool(client, version)));
}

/**
 * Needs a restart of rpc.mountd, and with it of the NFS server. That is a reboot here: after a mere restart of the
 * service, clients were seen to wait for minutes.
 */
async function setManageGids(storage: Machine, isOn: boolean): Promise<void> {
  const line = `manage-gids=${isOn ? 'y' : 'n'}`;
  const { status } = await storage.run(`grep -qx ${line} ${manageGidsFile}`);
  if (status === 0) return;
  await storage.ask(`printf '[mountd]\n${line}\n' > ${manageGidsFile} && sync`);
  await storage.cutPower();
  await storage.boot();
}

/** @param options of exports(5), added to `rw,sync,no_subtree_check` */
export async function exportSpool(storage: Machine, options: string): Promise<void> {
  await storage.ask(`install -d -m 2775 -g pilos-spool ${spoolOnServer}
    echo '/srv/storage 10.9.0.0/24(rw,sync,no_subtree_check,${options})' > /etc/exports && exportfs -ra`);
}

/** Where a client has it that mounts the spool directory, and not the one above it. */
export const spoolItself = '/mnt/spool';

export async function exportSpoolItself(storage: Machine, options: string): Promise<void> {
  await storage.ask(
    `echo '${spoolOnServer} 10.9.0.0/24(rw,sync,no_subtree_check,${options})' >> /etc/exports && exportfs -ra`,
  );
}

export async function mountSpoolItself(machine: Machine, version: NfsVersion): Promise<void> {
  await machine.ask(
    `mkdir -p ${spoolItself} && mount -t nfs -o hard,noatime,vers=${version} storage:${spoolOnServer} ${spoolItself}`,
    { seconds: 120 },
  );
}

export async function withdrawExport(storage: Machine): Promise<void> {
  await storage.ask(': > /etc/exports; exportfs -ra; exportfs -f');
}

/** In fstab, as an admin does. */
export async function mountSpool(machine: Machine, version: NfsVersion = '4.2'): Promise<void> {
  const line = `storage:/srv/storage ${mountPoint} nfs hard,noatime,_netdev,vers=${version} 0 0`;
  await machine.ask(
    `grep -qx '${line}' /etc/fstab || {
      sed -i '/mnt.storage/d' /etc/fstab && echo '${line}' >> /etc/fstab && systemctl daemon-reload; }
    mountpoint -q ${mountPoint} || mount ${mountPoint} || mountpoint -q ${mountPoint}`,
    { seconds: 120 },
  );
}

export async function unmountSpool(machine: Machine): Promise<void> {
  await machine.ask(`umount ${mountPoint}`);
}

/** Everything in the spool as the server has it: `mode uid:gid name`, sorted by name. */
export async function listSpool(storage: Machine): Promise<string[]> {
  const found = await storage.ask(
    `cd ${spoolOnServer} && find . -mindepth 1 -printf '%P %M %U:%G\\n' | sort`,
  );
  const lines = found.split('\n').filter((line) => line !== '');
  return lines.map((line) => line.replace(/^(\S+) (.*)/, '$2 $1'));
}

export async function emptySpool(storage: Machine): Promise<void> {
  await storage.ask(`find ${spoolOnServer} -mindepth 1 -delete`);
}

/** PILOS' directory for what it refuses, as the README makes it. */
export async function makeFailed(storage: Machine): Promise<void> {
  await storage.ask(`install -d -m 2775 -g pilos-spool ${spoolOnServer}/failed`);
}
