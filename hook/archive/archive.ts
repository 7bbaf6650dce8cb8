/**
 * A published directory → a plan (entries, exact size) → a tar archive that PHP's PharData reads right.
 *
 * The archive is in GNU format: names as raw bytes, long ones in an `././@LongLink` entry, no pax headers, no
 * link entries. PharData loses files without an error in anything else.
 */
import { createHash, type Hash } from 'node:crypto';
import { lstatSync, readdirSync, realpathSync, type Stats, statSync } from 'node:fs';
import { EXIT, ExpectedError } from '../errors.ts';
import { errnoName, isSystemError, translateErrno } from '../system/errno.ts';
import { quote } from '../terminal/escape.ts';
import { block, headerSize, padded } from './tar-header.ts';

/**
 * PHP's PharData refuses a whole archive in which one file is larger: `invalid entry size`. Measured with PHP 8.2.36;
 * 8.2.32 takes it, and loses all that stands behind such a file without an error.
 */
export const largestFile = 4_294_966_784;
/** PharData stops unpacking at a path over 4095 bytes, of which PILOS' own directory takes some. */
export const longestName = 3900;

/** One file or directory of the archive. Names and paths are raw bytes, one per character (latin1). */
export interface ArchiveEntry {
  /** Name in the archive, `<format>/<record id>/…`; that of a directory ends in `//`. */
  name: string;
  /** Where it is read from; for a symlink the file that it points to. */
  path: string;
  type: 'file' | 'directory';
  /** Bytes, 0 for a directory. */
  size: number;
  /** With `size`, what the file must still look like when it is read. */
  mtimeMs: number;
  dev: number;
  ino: number;
}

export interface ArchivePlan {
  entries: ArchiveEntry[];
  files: number;
  /** Bytes of the whole archive, exactly. */
  size: number;
  /** Tells whether the published files are the same as at another time: hash of names, sizes and mtimes. */
  fingerprint: string;
  /** Sockets, FIFOs and devices that are left out. */
  skipped: string[];
  /** What was planned: the arguments of {@link planArchive}. */
  source: { directory: string; prefix: string };
}

/** The published files changed while they were read; doing it again may work. */
export class PublishedFilesChanged extends ExpectedError {
  constructor(what: string, cause?: unknown) {
    super(`${what} while it was packed`, {
      exitStatus: EXIT.temporary,
      fix: 'something still writes to the published recording; run it again when that is done',
      cause,
    });
  }
}

/**
 * Lists what goes into the archive, sorted by the bytes of the names.
 *
 * @param directory `<published_dir>/<format>/<record id>`
 * @param prefix name of that directory in the archive, `<format>/<record id>`
 * @throws ExpectedError (65) for what PILOS could not import: a file over 4 GiB − 1, a symlink that leaves the
 *   directory or leads nowhere, no `metadata.xml`
 */
export function planArchive(directory: string, prefix: string): ArchivePlan {
  const walk = walkDirectory(directory, Buffer.from(prefix).toString('latin1'));
  return {
    entries: walk.entries,
    files: walk.entries.filter((entry) => entry.type === 'file').length,
    size: walk.size + 2 * block,
    fingerprint: walk.hash.digest('hex'),
    skipped: walk.skipped,
    source: { directory, prefix },
  };
}

interface Walk {
  root: string;
  entries: ArchiveEntry[];
  skipped: string[];
  hash: Hash;
  size: number;
}

function walkDirectory(directory: string, top: string): Walk {
  try {
    const root = realpathSync.native(Buffer.from(directory), 'latin1' as BufferEncoding);
    const walk: Walk = { root, entries: [], skipped: [], hash: createHash('sha256'), size: 0 };
    addDirectory(walk, root, top, lstatSync(rawPath(root)), [root]);
    checkMetadata(walk.entries, `${top}/metadata.xml`, directory);
    return walk;
  } catch (error) {
    if (errnoName(error) === 'ENOENT') throw new PublishedFilesChanged(`${directory} changed`, error);
    const path = isSystemError(error) ? error.path : undefined;
    const isWithin = path?.startsWith(`${directory}/`) ?? false;
    throw translateErrno(error, `cannot read ${isWithin ? quote(path ?? '') : directory}`);
  }
}

/** PILOS takes every file whose path ends in `metadata.xml` for a recording of its own. */
function checkMetadata(entries: readonly ArchiveEntry[], wanted: string, directory: string): void {
  const found = entries.filter((entry) => entry.type === 'file' && entry.name.endsWith('metadata.xml'));
  if (!found.some((entry) => entry.name === wanted && entry.size > 0)) {
    throw new ExpectedError(`${directory} has no metadata.xml, or an empty one`, {
      exitStatus: EXIT.data,
      fix: "PILOS would delete such an archive as imported; publish it again with 'bbb-record --rebuild'",
    });
  }
  const other = found.find((entry) => entry.name !== wanted);
  if (other === undefined) return;
  throw new ExpectedError(`${display(other.path)} is a second metadata.xml`, {
    exitStatus: EXIT.data,
    fix: 'PILOS would take it for another recording; rename it and run it again',
  });
}

/** A raw name as `node:fs` takes it; ASCII is the same in UTF-8, and a string costs less than a buffer. */
export function rawPath(latin1: string): string | Buffer {
  return /[\x80-\xff]/.test(latin1) ? Buffer.from(latin1, 'latin1') : latin1;
}

/** A raw name as text for a message. */
export function display(latin1: string): string {
  return quote(Buffer.from(latin1, 'latin1').toString('utf8'));
}

function addDirectory(walk: Walk, path: string, name: string, stats: Stats, above: readonly string[]): void {
  // PharData takes one slash away, and unpacks an empty directory only when another one is left.
  const { mtimeMs, dev, ino } = stats;
  addEntry(walk, { name: `${name}//`, path, type: 'directory', size: 0, mtimeMs, dev, ino });
  const children = readdirSync(rawPath(path), 'latin1' as BufferEncoding);
  children.sort((one, other) => (one < other ? -1 : 1));
  for (const child of children) addChild(walk, `${path}/${child}`, `${name}/${child}`, above);
}

function addChild(walk: Walk, path: string, name: string, above: readonly string[]): void {
  const stats = lstatSync(rawPath(path));
  if (stats.isFile()) addFile(walk, path, name, stats);
  else if (stats.isDirectory()) addDirectory(walk, path, name, stats, [...above, path]);
  else if (stats.isSymbolicLink()) addTarget(walk, path, name, above);
  else walk.skipped.push(`${display(path)} is a ${kindOf(stats)}`);
}

function kindOf(stats: Stats): string {
  if (stats.isSocket()) return 'socket';
  return stats.isFIFO() ? 'FIFO' : 'device';
}

function addFile(walk: Walk, path: string, name: string, { size, mtimeMs, dev, ino }: Stats): void {
  if (size > largestFile) {
    throw new ExpectedError(`${display(path)} has ${size} bytes`, {
      exitStatus: EXIT.data,
      fix: `PILOS unpacks with PHP's PharData, which refuses files over ${largestFile} bytes; make the file smaller and run it again`,
    });
  }
  addEntry(walk, { name, path, type: 'file', size, mtimeMs, dev, ino });
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
  if (!target.startsWith(`${walk.root}/`))
    throw refusedLink(path, `leads out of the recording, to ${display(target)}`);
  const stats = statSync(rawPath(target));
  if (stats.isFile()) addFile(walk, target, name, stats);
  else if (!stats.isDirectory()) walk.skipped.push(`${display(path)} leads to a ${kindOf(stats)}`);
  else if (above.includes(target)) throw refusedLink(path, 'leads to a directory that it is in');
  else addDirectory(walk, target, name, stats, [...above, target]);
}

function refusedLink(path: string, why: string, cause?: unknown): ExpectedError {
  return new ExpectedError(`the symbolic link ${display(path)} ${why}`, {
    exitStatus: EXIT.data,
    fix: 'replace it by the file that belongs there, or remove it, and run it again',
    cause,
  });
}

function addEntry(walk: Walk, entry: ArchiveEntry): void {
  if (entry.name.length > longestName) {
    throw new ExpectedError(`the path ${display(entry.name)} has ${entry.name.length} bytes`, {
      exitStatus: EXIT.data,
      fix: `PILOS cannot unpack paths over ${longestName} bytes; shorten it and run it again`,
    });
  }
  walk.entries.push(entry);
  walk.size += headerSize(entry.name) + padded(entry.size);
  // A directory's own mtime says nothing that its entries do not.
  const time = entry.type === 'file' ? entry.mtimeMs : '';
  walk.hash.update(`${entry.name}\0${entry.size}\0${time}\n`, 'latin1');
}

/**
 * Megabytes that PharData takes for an archive of so many bytes, before anything else: its tables grow with
 * the archive, to the next power of two (measured with PHP 8.2.36; PHP's default limit is 128M).
 */
export function importMemory(size: number): number {
  const powerOfTwo = (count: number) => 2 ** Math.ceil(Math.log2(count));
  return Math.ceil((40 * (powerOfTwo(size / 2048 + 4) + powerOfTwo(size / 4096 + 2))) / 1e6);
}
