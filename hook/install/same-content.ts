/** Whether two files hold the same bytes. */
import { closeSync, openSync, readSync, statSync } from 'node:fs';

const blockSize = 1 << 20;

/** Compares two files block by block: the executable is over 100 MB. Symbolic links are followed. */
export function hasSameContent(one: string, other: string): boolean {
  const [stats, otherStats] = [statSync(one), statSync(other)];
  if (stats.dev === otherStats.dev && stats.ino === otherStats.ino) return true;
  if (stats.size !== otherStats.size || !stats.isFile() || !otherStats.isFile()) return false;
  const descriptors = [openSync(one, 'r'), openSync(other, 'r')] as const;
  try {
    const blocks = [Buffer.alloc(blockSize), Buffer.alloc(blockSize)] as const;
    for (let at = 0; at < stats.size; at += blockSize) {
      const length = Math.min(blockSize, stats.size - at);
      for (const index of [0, 1] as const) readSync(descriptors[index], blocks[index], 0, length, at);
      if (blocks[0].compare(blocks[1], 0, length, 0, length) !== 0) return false;
    }
    return true;
  } finally {
    for (const descriptor of descriptors) closeSync(descriptor);
  }
}
