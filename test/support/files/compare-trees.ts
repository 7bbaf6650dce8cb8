/** Byte-exact comparison of two directories. Names are bytes: not all of them are UTF-8. */
import { closeSync, openSync, readdirSync, readSync, type Stats, statSync } from 'node:fs';

export interface TreeDifference {
  /** Relative to the two directories; see `printablePath`. */
  path: string;
  kind: 'missing' | 'extra' | 'type' | 'content' | 'dangling';
}

const slash = Buffer.from('/');

export function joinBytes(directory: Buffer, name: Buffer): Buffer {
  return directory.length === 0 ? name : Buffer.concat([directory, slash, name]);
}

/** The path as text; one that is not UTF-8 is given as `bytes:` and its hexadecimal digits. */
export function printablePath(path: Buffer): string {
  const text = path.toString('utf8');
  return Buffer.from(text, 'utf8').equals(path) ? text : `bytes:${path.toString('hex')}`;
}

export function listNames(directory: Buffer): Buffer[] {
  return readdirSync(directory, { encoding: 'buffer' }).sort(Buffer.compare);
}

/**
 * What `actual` has not, has too much or has otherwise than `expected`. Symlinks are taken for what they point
 * to. Sockets, FIFOs and devices of `expected` are not expected: no archive carries them. Owners, modes and
 * times are not compared.
 */
export function compareTrees(expected: string, actual: string): TreeDifference[] {
  const differences: TreeDifference[] = [];
  compareDirectories(Buffer.from(expected), Buffer.from(actual), Buffer.alloc(0), differences);
  return differences;
}

function compareDirectories(
  expected: Buffer,
  actual: Buffer,
  path: Buffer,
  differences: TreeDifference[],
): void {
  const actualNames = new Set(listNames(actual).map((name) => name.toString('latin1')));
  for (const name of listNames(expected)) {
    const present = actualNames.delete(name.toString('latin1'));
    const kind = compareEntries(joinBytes(expected, name), joinBytes(actual, name), present);
    if (kind === 'directory') {
      const inner = joinBytes(path, name);
      compareDirectories(joinBytes(expected, name), joinBytes(actual, name), inner, differences);
    } else if (kind !== 'same') {
      differences.push({ path: printablePath(joinBytes(path, name)), kind });
    }
  }
  for (const name of actualNames) {
    const extra = joinBytes(path, Buffer.from(name, 'latin1'));
    differences.push({ path: printablePath(extra), kind: 'extra' });
  }
}

function compareEntries(
  expected: Buffer,
  actual: Buffer,
  present: boolean,
): TreeDifference['kind'] | 'same' | 'directory' {
  const wanted = statSync(expected, { throwIfNoEntry: false });
  if (wanted === undefined) return 'dangling';
  const special = !wanted.isFile() && !wanted.isDirectory();
  if (special) return present ? 'extra' : 'same';
  if (!present) return 'missing';
  const found = statSync(actual, { throwIfNoEntry: false });
  if (found === undefined || typeOf(found) !== typeOf(wanted)) return 'type';
  if (wanted.isDirectory()) return 'directory';
  return wanted.size === found.size && sameContent(expected, actual) ? 'same' : 'content';
}

function typeOf(stats: Stats): string {
  if (stats.isFile()) return 'file';
  return stats.isDirectory() ? 'directory' : 'special';
}

const chunk = 4 * 1024 * 1024;
const buffers = [Buffer.allocUnsafe(chunk), Buffer.allocUnsafe(chunk)] as const;

/** Compares piece by piece: the files may have 4 GiB. */
function sameContent(first: Buffer, second: Buffer): boolean {
  const descriptors = [openSync(first, 'r'), openSync(second, 'r')] as const;
  try {
    for (;;) {
      const lengths = [readFully(descriptors[0], buffers[0]), readFully(descriptors[1], buffers[1])] as const;
      if (lengths[0] !== lengths[1]) return false;
      if (!buffers[0].subarray(0, lengths[0]).equals(buffers[1].subarray(0, lengths[1]))) return false;
      if (lengths[0] < chunk) return true;
    }
  } finally {
    for (const descriptor of descriptors) closeSync(descriptor);
  }
}

function readFully(descriptor: number, buffer: Buffer): number {
  let length = 0;
  for (;;) {
    const read = readSync(descriptor, buffer, length, buffer.length - length, null);
    length += read;
    if (read === 0 || length === buffer.length) return length;
  }
}
