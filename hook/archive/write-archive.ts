/** An {@link ArchivePlan} → the archive, in an open file. */
import { closeSync, fstatSync, lstatSync, readSync, writeSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { translateErrno } from '../system/errno.ts';
import { type ArchivePlan, planArchive } from './archive.ts';
import { startChecksum } from './content-checksum.ts';
import { type ArchiveEntry, display, PublishedFilesChanged, rawPath } from './entry.ts';
import { checkFile, checkSame, openFile, translateReadError } from './published-file.ts';
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
  /** Called with how many bytes of the archive were written so far. */
  onProgress?: ((written: number) => void) | undefined;
}

/**
 * Writes the archive, and checks that the published files stayed as planned: each file when it has been read,
 * and in the end that no directory has got or lost a file.
 *
 * @returns the checksum of the content, which costs next to nothing here: the one that `readContentChecksum` makes
 * @throws PublishedFilesChanged when they did not; the file then holds rubbish
 */
export async function writeArchive(
  plan: ArchivePlan,
  target: number,
  options: WriteOptions = {},
): Promise<{ checksum: string }> {
  const output = new Output(target, options);
  const checksum = startChecksum(plan);
  for (const entry of plan.entries) {
    const header = encodeHeader(entry);
    if (output.space < header.length) await output.flush();
    output.append(header);
    output.crc = 0;
    if (output.space < Math.min(padded(entry.size), smallFile)) await output.flush();
    if (entry.content !== undefined) await appendContent(output, entry, entry.content);
    else if (entry.size > smallFile) await appendLargeFile(output, entry);
    else if (entry.type === 'file') appendSmallFile(output, entry);
    const padding = padded(entry.size) - entry.size;
    if (output.space < padding) await output.flush();
    output.appendZeros(padding);
    checksum.add(entry, output.crc);
  }
  await output.flush();
  output.append(Buffer.alloc(2 * block));
  await output.flush();
  checkUnchanged(plan);
  if (output.written !== plan.size)
    throw new Error(`wrote ${output.written} bytes of an archive of ${plan.size}`);
  return { checksum: checksum.digest() };
}

/** What was read with the plan, or stands in its place; the published file must still be the one that was read. */
async function appendContent(output: Output, entry: ArchiveEntry, content: Buffer): Promise<void> {
  checkFile(entry);
  for (let at = 0; at < content.length; ) {
    if (output.space === 0) await output.flush();
    at += output.append(content.subarray(at));
  }
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

/** A directory's time says that something was added or removed; only then everything is read again. */
function checkUnchanged({ entries, fingerprint, source }: ArchivePlan): void {
  if (entries.every((entry) => entry.type === 'file' || isSameDirectory(entry))) return;
  if (planArchive(source.directory, source.prefix, source.options).fingerprint === fingerprint) return;
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
  /** Of what was read with {@link fill} since it was set to 0. */
  crc = 0;
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

  /** Appends as much as there is space for; returns how many bytes. */
  append(piece: Buffer): number {
    const length = piece.copy(this.#buffer, this.#filled);
    this.#filled += length;
    return length;
  }

  appendZeros(count: number): void {
    this.#buffer.fill(0, this.#filled, this.#filled + count);
    this.#filled += count;
  }

  /** Reads up to `most` bytes of a file, as far as there is space; returns how many, 0 at the file's end. */
  fill(descriptor: number, most: number): number {
    const read = readSync(descriptor, this.#buffer, this.#filled, Math.min(most, this.space), null);
    this.crc = crc32(this.#buffer.subarray(this.#filled, this.#filled + read), this.crc);
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
