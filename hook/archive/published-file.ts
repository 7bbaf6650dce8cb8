/** A published file that was planned, opened to be read. */
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { errnoName, translateErrno } from '../system/errno.ts';
import { type ArchiveEntry, display, PublishedFilesChanged, rawPath } from './entry.ts';

/** @throws PublishedFilesChanged when it is not the file that was planned */
export function checkSame(descriptor: number, entry: ArchiveEntry): void {
  const { dev, ino, size, mtimeMs } = fstatSync(descriptor);
  const isSame =
    dev === entry.dev && ino === entry.ino && size === entry.publishedSize && mtimeMs === entry.mtimeMs;
  if (!isSame) throw new PublishedFilesChanged(`${display(entry.path)} changed`);
}

/** The same without reading anything of it. */
export function checkFile(entry: ArchiveEntry): void {
  const descriptor = openFile(entry);
  try {
    checkSame(descriptor, entry);
  } finally {
    closeSync(descriptor);
  }
}

export function translateReadError(entry: ArchiveEntry, error: unknown): unknown {
  if (errnoName(error) === 'EISDIR')
    return new PublishedFilesChanged(`${display(entry.path)} changed`, error);
  return translateErrno(error, `cannot read ${display(entry.path)}`);
}

export function openFile(entry: ArchiveEntry): number {
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
