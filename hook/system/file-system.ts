/** Which file system a directory is on, by what outlasts a remount, a reboot and another sandbox. */
import { basename } from 'node:path';
import type { MountEntry } from './mounts.ts';
import { readText } from './paths.ts';
import { readMounts } from './proc.ts';

export interface FileSystem {
  /** For people: `nfs4 from nas:/spool`. */
  title: string;
  /** As `mount` shows it. */
  type: string;
  /** `nfs`, `disk`, … */
  family: string;
  /** Distinguishes it from others of its family; absent where nothing lasts that does: then no other one is recognized. */
  id?: string;
  /** It holds `/` too. */
  isRoot: boolean;
}

/** What is not known is taken for the same: an alarm after an ordinary remount would be worse. */
export function isSameFileSystem(one: FileSystem, other: FileSystem): boolean {
  if (one.isRoot !== other.isRoot || one.family !== other.family) return false;
  return one.id === undefined || other.id === undefined || one.id === other.id;
}

/** Of an open directory, by its mount, whatever is mounted over it meanwhile. */
export function readFileSystem(descriptor: number): FileSystem | undefined {
  const mountId = /^mnt_id:\s*(\d+)$/m.exec(readText(`/proc/self/fdinfo/${descriptor}`))?.[1];
  const mounts = readMounts();
  const mount = mounts.find(({ id }) => id === mountId);
  const root = mounts.findLast(({ point }) => point === '/');
  return mount && identifyFileSystem(mount, root, readText);
}

/**
 * Pure. Device numbers change with every boot, and so may the names of disks. A server's name and directory stay, as
 * does a disk's UUID; udev's notes (systemd-udevd.service(8)) have that also where /dev is private.
 *
 * @param read the text of a file, `''` without it
 */
export function identifyFileSystem(
  mount: MountEntry,
  root: MountEntry | undefined,
  read: (path: string) => string,
): FileSystem {
  const { type, source, device } = mount;
  // Not by the mount point: systemd mounts parts of / once more for ProtectHome= and its like.
  const isRoot = root !== undefined && device === root.device;
  const id = idOf(mount, read);
  const basis = { title: `${type} from ${source}`, type, family: familyOf(mount), isRoot };
  return id === undefined || id === '' ? basis : { ...basis, id };
}

function familyOf({ type, source }: MountEntry): string {
  if (source.startsWith('/dev/')) return 'disk';
  if (type.startsWith('nfs')) return 'nfs';
  return /^(cifs|smb3?)$/.test(type) ? 'cifs' : type;
}

function idOf(mount: MountEntry, read: (path: string) => string): string | undefined {
  const { source, type } = mount;
  switch (familyOf(mount)) {
    case 'disk':
      return diskId(mount, read);
    case 'nfs':
      return source.replace(/(?<!:)\/+$/, '');
    case 'cifs':
      return source.toLowerCase().replace(/\/+$/, '');
    case 'ceph':
      // Any of its monitors may stand in front.
      return source.replace(/^.*[:=](?=\/)/, '');
    default:
      return type === 'overlay' ? undefined : source;
  }
}

function diskId({ device, source }: MountEntry, read: (path: string) => string): string | undefined {
  // btrfs has a number that belongs to no disk.
  const number = device.startsWith('0:') ? read(`/sys/class/block/${basename(source)}/dev`).trim() : device;
  return /^E:ID_FS_UUID=(.+)$/m.exec(read(`/run/udev/data/b${number}`))?.[1];
}
