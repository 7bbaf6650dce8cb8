/** What is published in a directory, and what of it cannot go into an archive for PILOS. */
import { createHash, type Hash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, realpathSync, type Stats, statSync } from 'node:fs';
import { EXIT, ExpectedError } from '../errors.ts';
import { errnoName, isSystemError, translateErrno } from '../system/errno.ts';
import { quote } from '../terminal/escape.ts';
import {
  type ArchiveEntry,
  type CheckedMetadata,
  display,
  type PlanOptions,
  PublishedFilesChanged,
  rawPath,
} from './entry.ts';
import { largestFile, longestName } from './limits.ts';
import { headerSize, padded } from './tar-header.ts';

/** Bytes; BBB's have some thousand. */
const largestMetadata = 1024 * 1024;

export interface Walk extends PlanOptions {
  root: string;
  /** Name of the recording's own `metadata.xml` in the archive. */
  metadataName: string;
  metadata?: CheckedMetadata;
  entries: ArchiveEntry[];
  skipped: string[];
  hash: Hash;
  size: number;
}

/** @throws ExpectedError (65, 75, 77) */
export function walkDirectory(directory: string, top: string, { checkMetadata }: PlanOptions): Walk {
  try {
    const root = realpathSync.native(Buffer.from(directory), 'latin1' as BufferEncoding);
    const metadataName = `${top}/metadata.xml`;
    const collected = { entries: [], skipped: [], hash: createHash('sha256'), size: 0 };
    const walk: Walk = { root, metadataName, checkMetadata, ...collected };
    addDirectory(walk, root, top, lstatSync(rawPath(root)), [root]);
    checkThereIsOne(walk.entries, metadataName, directory);
    return walk;
  } catch (error) {
    if (errnoName(error) === 'ENOENT') throw new PublishedFilesChanged(`${directory} changed`, error);
    const path = isSystemError(error) ? error.path : undefined;
    const isWithin = path?.startsWith(`${directory}/`) ?? false;
    throw translateErrno(error, `cannot read ${isWithin ? quote(path ?? '') : directory}`);
  }
}

/** PILOS takes every file whose path ends in `metadata.xml` for a recording of its own. */
function checkThereIsOne(entries: readonly ArchiveEntry[], wanted: string, directory: string): void {
  const found = entries.filter((entry) => entry.type === 'file' && entry.name.endsWith('metadata.xml'));
  if (!found.some((entry) => entry.name === wanted && entry.size > 0)) {
    throw new ExpectedError(`${directory} has no metadata.xml, or an empty one`, {
      code: 'metadata_missing',
      exitStatus: EXIT.data,
      fix: "PILOS would delete such an archive as imported; publish it again with 'bbb-record --rebuild'",
    });
  }
  const other = found.find((entry) => entry.name !== wanted);
  if (other === undefined) return;
  throw new ExpectedError(`${display(other.path)} is a second metadata.xml`, {
    code: 'metadata_second',
    exitStatus: EXIT.data,
    fix: 'PILOS would take it for another recording; rename it and run it again',
  });
}

function addDirectory(walk: Walk, path: string, name: string, stats: Stats, above: readonly string[]): void {
  // PharData takes one slash away, and unpacks an empty directory only when another one is left.
  const { mtimeMs, dev, ino } = stats;
  addEntry(walk, {
    name: `${name}//`,
    path,
    type: 'directory',
    size: 0,
    publishedSize: 0,
    mtimeMs,
    dev,
    ino,
  });
  const children = readdirSync(rawPath(path), 'latin1' as BufferEncoding);
  children.sort((one, other) => (one < other ? -1 : 1));
  for (const child of children) addChild(walk, `${path}/${child}`, `${name}/${child}`, above);
}

function addChild(walk: Walk, path: string, name: string, above: readonly string[]): void {
  const stats = lstatSync(rawPath(path));
  if (isLeftByNfs(path)) walk.skipped.push(`${display(path)} is what NFS keeps of a deleted file`);
  else if (stats.isFile()) addFile(walk, path, name, stats);
  else if (stats.isDirectory()) addDirectory(walk, path, name, stats, [...above, path]);
  else if (stats.isSymbolicLink()) addTarget(walk, path, name, above);
  else walk.skipped.push(`${display(path)} is a ${kindOf(stats)}`);
}

/** A file that is deleted while somebody has it open is renamed by the NFS client (`nfs_sillyrename` in Linux). */
function isLeftByNfs(path: string): boolean {
  return /\/\.nfs[0-9a-f]{4,}$/i.test(path);
}

function kindOf(stats: Stats): string {
  if (stats.isSocket()) return 'socket';
  return stats.isFIFO() ? 'FIFO' : 'device';
}

function addFile(walk: Walk, path: string, name: string, { size, mtimeMs, dev, ino }: Stats): void {
  if (size > largestFile) {
    throw new ExpectedError(`${display(path)} has ${size} bytes`, {
      code: 'file_too_large',
      exitStatus: EXIT.data,
      fix: `PILOS unpacks with PHP's PharData, which refuses files over ${largestFile} bytes; make the file smaller and run it again`,
    });
  }
  const file = { name, path, type: 'file' as const, size, publishedSize: size, mtimeMs, dev, ino };
  addEntry(walk, name === walk.metadataName && size > 0 ? readMetadata(walk, file) : file);
}

/** Read when it is planned, so that what was checked is what is sent; others are read when they are packed. */
function readMetadata(walk: Walk, file: ArchiveEntry): ArchiveEntry {
  if (file.size > largestMetadata) {
    throw new ExpectedError(`${display(file.path)} has ${file.size} bytes`, {
      code: 'metadata_too_large',
      exitStatus: EXIT.data,
      fix: "no metadata.xml of BBB is that large; publish it again with 'bbb-record --rebuild'",
    });
  }
  const bytes = readFileSync(rawPath(file.path));
  if (bytes.length !== file.size) throw new PublishedFilesChanged(`${display(file.path)} changed`);
  walk.metadata = walk.checkMetadata?.(bytes) ?? { content: bytes, identity: contentDigest(bytes) };
  const { content } = walk.metadata;
  return { ...file, size: content.length, content };
}

function contentDigest(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** A symlink is stored as what it points to, when that lies inside the same published recording. */
function addTarget(walk: Walk, path: string, name: string, above: readonly string[]): void {
  let target: string;
  try {
    target = realpathSync.native(rawPath(path), 'latin1' as BufferEncoding);
  } catch (error) {
    const why = errnoName(error) === 'ENOENT' ? 'leads nowhere' : `cannot be followed (${errnoName(error)})`;
    throw refusedLink(path, why, error);
  }
  if (!isInside(walk.root, target))
    throw refusedLink(path, `leads out of the recording, to ${display(target)}`);
  const stats = statSync(rawPath(target));
  if (stats.isFile()) addFile(walk, target, name, stats);
  else if (!stats.isDirectory()) walk.skipped.push(`${display(path)} leads to a ${kindOf(stats)}`);
  else if (above.includes(target)) throw refusedLink(path, 'leads to a directory that it is in');
  else addDirectory(walk, target, name, stats, [...above, target]);
}

function isInside(root: string, path: string): boolean {
  return path.startsWith(`${root}/`);
}

function refusedLink(path: string, why: string, cause?: unknown): ExpectedError {
  return new ExpectedError(`the symbolic link ${display(path)} ${why}`, {
    code: 'link_refused',
    exitStatus: EXIT.data,
    fix: 'replace it by the file that belongs there, or remove it, and run it again',
    cause,
  });
}

function addEntry(walk: Walk, entry: ArchiveEntry): void {
  if (entry.name.length > longestName) {
    throw new ExpectedError(`the path ${display(entry.name)} has ${entry.name.length} bytes`, {
      code: 'path_too_long',
      exitStatus: EXIT.data,
      fix: `PILOS cannot unpack paths over ${longestName} bytes; shorten it and run it again`,
    });
  }
  walk.entries.push(entry);
  walk.size += headerSize(entry.name) + padded(entry.size);
  // A directory's own mtime says nothing that its entries do not.
  const time = entry.type === 'file' ? entry.mtimeMs : '';
  const facts = entry.content === undefined ? `${entry.size}\0${time}` : walk.metadata?.identity;
  walk.hash.update(`${entry.name}\0${facts}\n`, 'latin1');
}
