/** Which directory it is, by what outlasts a remount: a name may stand for another one afterwards. */
import { fstatSync } from 'node:fs';

export interface DirectoryId {
  inode: string;
  /** Nanoseconds since 1970, where the file system says it: inode numbers are used again. */
  born?: string;
}

/** Where an inode number stays. It does not on SMB, FUSE and overlay file systems, which make up their own. */
const lasting = /^(nfs4?|ext[234]|xfs|btrfs|zfs|ceph|tmpfs)$/;

/** Undefined where nothing lasts. @param type of its file system, as `mount` shows it */
export function readDirectoryId(descriptor: number, type: string): DirectoryId | undefined {
  if (!lasting.test(type)) return undefined;
  const { ino, birthtimeNs, ctimeNs } = fstatSync(descriptor, { bigint: true });
  // Node.js puts ctime or 0 where the kernel does not say it.
  const isKnown = birthtimeNs > 0n && birthtimeNs !== ctimeNs;
  return { inode: `${ino}`, ...(isKnown ? { born: `${birthtimeNs}` } : {}) };
}

/** What is not known is taken for the same. */
export function isSameDirectory(one: DirectoryId | undefined, other: DirectoryId | undefined): boolean {
  if (one === undefined || other === undefined) return true;
  if (one.inode !== other.inode) return false;
  return one.born === undefined || other.born === undefined || one.born === other.born;
}
