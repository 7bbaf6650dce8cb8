/** How much may still be written to a file system. */
import { type StatsFs, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { errnoName } from './errno.ts';

export interface FreeSpace {
  /** What a user other than root may still write. */
  bytes: number;
  /** `Infinity` on a file system that has no limit. */
  inodes: number;
}

/** Undefined for a network file system that says nothing about its space. Throws what statfs(2) does. */
export function readFreeSpace(directory: string): FreeSpace | undefined {
  return parseFreeSpace(statfsSync(directory));
}

/** A directory that will be created counts as the nearest one above it that is there. */
export function readFreeSpaceAbove(directory: string): FreeSpace | undefined {
  try {
    return readFreeSpace(directory);
  } catch (error) {
    if (errnoName(error) !== 'ENOENT' || directory === '/') throw error;
    return readFreeSpaceAbove(dirname(directory));
  }
}

function parseFreeSpace({ bavail, bsize, files, ffree }: StatsFs): FreeSpace | undefined {
  if (bsize === 0 || (bavail === 0 && files === 0)) return undefined;
  return { bytes: bavail * bsize, inodes: files === 0 ? Number.POSITIVE_INFINITY : ffree };
}

/** True when one more file of `size` bytes fits, or nobody can say. */
export function hasSpaceFor(size: number, free: FreeSpace | undefined): boolean {
  return free === undefined || (size <= free.bytes && free.inodes > 0);
}
