/** An {@link ArchivePlan} → the archive, in an open file. */
import { closeSync, constants, fstatSync, lstatSync, openSync, readSync, writeSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { errnoName, translateErrno } from '../system/errno.ts';
import {
  type ArchiveEntry,
  type ArchivePlan,
  display,
  PublishedFilesChanged,
  planArchive,
  rawPath,
} from './archive.ts';
import { block, encodeHeader, padded } from './tar-header.ts';

/** Bytes that are gathered before they are written; enough for {@link smallFile}. */
const bufferSize = 256 * 1024;
/**
 * Bytes of one write, unless the file system prefers more (NFS does). The kernel keeps what was written in pieces
 * of this size, and pieces of more than 32 KiB are costly to find in its memory (PAGE_ALLOC_COSTLY_ORDER): on a
 * virtual machine whose host takes back free memory, up to ten times the time of the write.
 */
const leastWrite = 32 * 1024;
/** A file up to this size is read in one piece, without a promise for each. */
const smallFile = 128 * 1024;

export interface WriteOptions {
  /** Of the open file, for messages. */
  path?: string;
  /** Stops between two writes; the promise is rejected with its reason. */
  signal?: AbortSignal | undefined;
  /** Told how many bytes of the archive were written so far. */
  onProgress?: ((written: number) => void) | undefined;
}

/**
 * Writes the archive, and checks that the published files stayed as planned: each file when it has been read,
 * and in the end that no directory has got or lost a file.
 *
 * @throws PublishedFilesChanged when they did not; the file then holds rubbish
 */
export async function writeArchive(
  plan: ArchivePlan,
  target: number,
  options: WriteOptions = {},
): Promise<void> {
  const output = new Output(target, options);
  for (const entry of plan.entries) {
    const header = encodeHeader(entry);
    if (output.space < header.length) await output.flush();
    output.append(header);
    if (entry.type === 'directory') continue;
    if (output.space < Math.min(padded(entry.size), smallFile)) await output.flush();
    if (entry.size <= smallFile) appendSmallFile(output, entry);
    else await appendLargeFile(output, entry);
    const padding = padded(entry.size) - entry.size;
    if (output.space < padding) await output.flush();
    output.appendZeros(padding);
  }
  await output.flush();
  output.append(Buffer.alloc(2 * block));
  await output.flush();
  checkUnchanged(plan);
  if (output.written !== plan.size)
    throw new Error(`wrote ${output.written} bytes of an archive of ${plan.size}`);
}

/** Without a promise, which would take as long as reading the file. There is space for all of it. */
function appendSmallFile(output: Output, entry: ArchiveEntry): void {
  const descriptor = openFile(entry);
  try {
    for (let left = entry.size; left > 0; ) left -= readPiece(output, descriptor, entry, left);
    checkSame(descriptor, entry);
  } catch (error) {
    throw translateReadError(entry, error);
  } finally {
    closeSync(descriptor);
  }
}

async function appendLargeFile(output: Output, entry: ArchiveEntry): Promise<void> {
  const descriptor = openFile(entry);
  try {
    for (let left = entry.size; left > 0; ) {
      if (output.space < Math.min(left, smallFile)) await output.flush();
      left -= readPiece(output, descriptor, entry, left);
    }
    checkSame(descriptor, entry);
  } catch (error) {
    throw translateReadError(entry, error);
  } finally {
    closeSync(descriptor);
  }
}

/** Reads what there is space for, and of a file at least one byte; returns how many. */
function readPiece(output: Output, descriptor: number, entry: ArchiveEntry, left: number): number {
  const read = output.fill(descriptor, left);
  if (read === 0) throw new PublishedFilesChanged(`${display(entry.path)} became shorter`);
  return read;
}

function checkSame(descriptor: number, entry: ArchiveEntry): void {
  const { dev, ino, size, mtimeMs } = fstatSync(descriptor);
  const isSame = dev === entry.dev && ino === entry.ino && size === entry.size && mtimeMs === entry.mtimeMs;
  if (!isSame) throw new PublishedFilesChanged(`${display(entry.path)} changed`);
}

function translateReadError(entry: ArchiveEntry, error: unknown): unknown {
  if (errnoName(error) === 'EISDIR')
    return new PublishedFilesChanged(`${display(entry.path)} changed`, error);
  return translateErrno(error, `cannot read ${display(entry.path)}`);
}

function openFile(entry: ArchiveEntry): number {
  try {
    // Not blocking: a FIFO may have taken the file's place.
    return openSync(rawPath(entry.path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (['ENOENT', 'ELOOP', 'ENXIO', 'ENOTDIR'].includes(errnoName(error) ?? '')) {
      throw new PublishedFilesChanged(`${display(entry.path)} vanished`, error);
    }
    throw translateErrno(error, `cannot read ${display(entry.path)}`);
  }
}

/** A directory's time tells that something was added or removed; only then everything is looked at again. */
function checkUnchanged({ entries, fingerprint, source }: ArchivePlan): void {
  if (entries.every((entry) => entry.type === 'file' || isSameDirectory(entry))) return;
  if (planArchive(source.directory, source.prefix).fingerprint === fingerprint) return;
  throw new PublishedFilesChanged(`${source.directory} changed`);
}

function isSameDirectory({ path, ino, mtimeMs }: ArchiveEntry): boolean {
  const now = lstatSync(rawPath(path), { throwIfNoEntry: false });
  return now?.isDirectory() === true && now.ino === ino && now.mtimeMs === mtimeMs;
}

/**
 * Gathers small pieces into large writes. The file system is called synchronously: with promises, an archive
 * of many small files takes several times as long.
 */
class Output {
  written = 0;
  readonly #target: number;
  readonly #options: WriteOptions;
  readonly #buffer = Buffer.allocUnsafeSlow(bufferSize);
  readonly #writeSize: number;
  #filled = 0;

  constructor(target: number, options: WriteOptions) {
    this.#target = target;
    this.#options = options;
    this.#writeSize = Math.max(leastWrite, fstatSync(target).blksize);
  }

  /** Bytes that can be appended before the next {@link flush}. */
  get space(): number {
    return bufferSize - this.#filled;
  }

  append(piece: Buffer): void {
    this.#filled += piece.copy(this.#buffer, this.#filled);
  }

  appendZeros(count: number): void {
    this.#buffer.fill(0, this.#filled, this.#filled + count);
    this.#filled += count;
  }

  /** Reads up to `most` bytes of a file, as far as there is space; returns how many, 0 at the file's end. */
  fill(descriptor: number, most: number): number {
    const read = readSync(descriptor, this.#buffer, this.#filled, Math.min(most, this.space), null);
    this.#filled += read;
    return read;
  }

  async flush(): Promise<void> {
    this.#writeOut();
    // Signals and timers get their turn here.
    await setImmediate();
    this.#options.signal?.throwIfAborted();
  }

  #writeOut(): void {
    try {
      for (let at = 0; at < this.#filled; ) {
        const length = Math.min(this.#filled - at, this.#writeSize);
        at += writeSync(this.#target, this.#buffer, at, length, null);
      }
    } catch (error) {
      throw translateErrno(error, `cannot write ${this.#options.path ?? 'the archive'}`);
    }
    this.written += this.#filled;
    this.#filled = 0;
    this.#options.onProgress?.(this.written);
  }
}
