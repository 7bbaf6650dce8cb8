/** One value for all that the files of a directory hold, to compare what was published with what arrived. */
import { createHash, type Hash } from 'node:crypto';
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { joinBytes, listNames } from './compare-trees.ts';

/**
 * Hexadecimal SHA-256 of paths, sizes and contents; undefined when there is no such directory. Empty directories,
 * owners, modes and times do not count, symlinks are followed.
 */
export function contentDigest(directory: string): string | undefined {
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true) return undefined;
  const hash = createHash('sha256');
  addDirectory(hash, Buffer.from(directory), Buffer.alloc(0));
  return hash.digest('hex');
}

function addDirectory(hash: Hash, directory: Buffer, path: Buffer): void {
  for (const name of listNames(directory)) {
    const [file, inner] = [joinBytes(directory, name), joinBytes(path, name)];
    const stats = statSync(file);
    if (stats.isDirectory()) addDirectory(hash, file, inner);
    else if (stats.isFile()) {
      hash.update(inner).update(`\0${stats.size}\0`);
      addContent(hash, file);
    }
  }
}

const buffer = Buffer.allocUnsafe(1024 * 1024);

/** Piece by piece: the files may have 4 GiB. */
function addContent(hash: Hash, file: Buffer): void {
  const descriptor = openSync(file, 'r');
  try {
    for (;;) {
      const length = readSync(descriptor, buffer, 0, buffer.length, null);
      if (length === 0) return;
      hash.update(buffer.subarray(0, length));
    }
  } finally {
    closeSync(descriptor);
  }
}
