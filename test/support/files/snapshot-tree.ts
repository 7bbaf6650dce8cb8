/** A directory's state at one moment, to show that a run wrote nothing: take one before, one after, compare. */
import { createHash } from 'node:crypto';
import { type BigIntStats, lstatSync, readFileSync, readlinkSync } from 'node:fs';
import { joinBytes, listNames, printablePath } from './compare-trees.ts';

interface SnapshotEntry {
  type: 'file' | 'directory' | 'symlink' | 'special';
  /** Permission bits, octal. */
  mode: string;
  uid: bigint;
  gid: bigint;
  size: bigint;
  mtimeNs: bigint;
  /** Hexadecimal SHA-256 of files up to 1 MB, target of symlinks, `''` for the rest. */
  content: string;
}

/** Path (`''` for the directory itself, see `printablePath`) → entry. */
export type Snapshot = Map<string, SnapshotEntry>;

const contentLimit = 1024n * 1024n;

/** Symlinks are not followed. */
export function snapshotTree(directory: string): Snapshot {
  const snapshot: Snapshot = new Map();
  addEntries(Buffer.from(directory), Buffer.alloc(0), snapshot);
  return snapshot;
}

function addEntries(file: Buffer, path: Buffer, snapshot: Snapshot): void {
  const stats = lstatSync(file, { bigint: true });
  snapshot.set(printablePath(path), {
    type: typeOf(stats),
    mode: (stats.mode & 0o7777n).toString(8),
    uid: stats.uid,
    gid: stats.gid,
    size: stats.size,
    mtimeNs: stats.mtimeNs,
    content: contentOf(file, stats),
  });
  if (!stats.isDirectory()) return;
  for (const name of listNames(file)) addEntries(joinBytes(file, name), joinBytes(path, name), snapshot);
}

function typeOf(stats: BigIntStats): SnapshotEntry['type'] {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'directory';
  return stats.isSymbolicLink() ? 'symlink' : 'special';
}

function contentOf(file: Buffer, stats: BigIntStats): string {
  if (stats.isSymbolicLink()) return readlinkSync(file, { encoding: 'buffer' }).toString('latin1');
  if (!stats.isFile() || stats.size > contentLimit) return '';
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}

/** One line for each entry that came, went or changed; none when nothing was touched. */
export function diffSnapshots(before: Snapshot, after: Snapshot): string[] {
  const lines: string[] = [];
  for (const path of new Set([...before.keys(), ...after.keys()])) {
    const [old, current] = [before.get(path), after.get(path)];
    if (old === undefined) lines.push(`created ${path}`);
    else if (current === undefined) lines.push(`deleted ${path}`);
    else lines.push(...changesOf(path, old, current));
  }
  return lines.sort();
}

function changesOf(path: string, before: SnapshotEntry, after: SnapshotEntry): string[] {
  const keys = Object.keys(before) as (keyof SnapshotEntry)[];
  return keys
    .filter((key) => before[key] !== after[key])
    .map((key) => `changed ${path || '.'}: ${key} ${before[key]} → ${after[key]}`);
}
