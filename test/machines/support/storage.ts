/** The storage server: an ext4 of its own, exported over NFS; and how the other machines mount it. */
import type { Machine } from './machine.ts';

/** Where the other machines have it. */
export const mountPoint = '/mnt/storage';
export const spool = `${mountPoint}/recordings-spool`;
/** The same directory on the storage server. */
export const spoolOnServer = '/srv/storage/recordings-spool';
export const storageMegabytes = 600;
export const versions = ['4.2', '3'] as const;
export type NfsVersion = (typeof versions)[number];

/** A server that knows nobody of BBB's or PILOS' servers, as most do, and is back soon after a restart. */
export async function setUpStorage(storage: Machine): Promise<void> {
  await storage.ask(`userdel --remove bigbluebutton 2>/dev/null; gpasswd --delete www-data pilos-spool
    mkdir -p /etc/nfs.conf.d
    printf '[nfsd]\\ngrace-time=10\\nlease-time=10\\n' > /etc/nfs.conf.d/machines.conf
    install -d -m 2775 -g pilos-spool ${spoolOnServer}
    systemctl --quiet enable --now nfs-server && sync`);
}

/** Debian's default is on: the server then takes a client's groups from its own /etc/group. */
export async function setManageGids(storage: Machine, isOn: boolean): Promise<void> {
  const conf = `[mountd]\\nmanage-gids=${isOn ? 'y' : 'n'}\\n`;
  await storage.ask(`printf '${conf}' > /etc/nfs.conf.d/manage-gids.conf
    systemctl restart nfs-mountd && exportfs -f`);
}

/** @param options of exports(5), added to `rw,sync,no_subtree_check` */
export async function exportSpool(storage: Machine, options: string): Promise<void> {
  await storage.ask(`install -d -m 2775 -g pilos-spool ${spoolOnServer}
    echo '/srv/storage 10.9.0.0/24(rw,sync,no_subtree_check,${options})' > /etc/exports && exportfs -ra`);
}

export async function withdrawExport(storage: Machine): Promise<void> {
  await storage.ask(': > /etc/exports; exportfs -ra; exportfs -f');
}

/** In fstab, as an admin does, and without what the client remembers of an earlier mount. */
export async function mountSpool(machine: Machine, version: NfsVersion = '4.2'): Promise<void> {
  const line = `storage:/srv/storage ${mountPoint} nfs hard,noatime,_netdev,vers=${version} 0 0`;
  await machine.ask(
    `grep -qx '${line}' /etc/fstab || {
      sed -i '/mnt.storage/d' /etc/fstab && echo '${line}' >> /etc/fstab && systemctl daemon-reload; }
    if mountpoint -q ${mountPoint}; then umount ${mountPoint}; fi
    mount ${mountPoint} || mountpoint -q ${mountPoint}`,
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
