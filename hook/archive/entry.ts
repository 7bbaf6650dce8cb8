/** What an archive is made of, and what can be said about it before it is written. */
import { EXIT, ExpectedError } from '../errors.ts';
import { quote } from '../terminal/escape.ts';

/** One file or directory of the archive. Names and paths are raw bytes, one per character (latin1). */
export interface ArchiveEntry {
  /** Name in the archive, `<format>/<record id>/…`; that of a directory ends in `//`. */
  name: string;
  /** Where it is read from; for a symlink the file that it points to. */
  path: string;
  type: 'file' | 'directory';
  /** Bytes in the archive, 0 for a directory. */
  size: number;
  /** Bytes of the published file. With the next three, what it must still look like when it is read. */
  publishedSize: number;
  mtimeMs: number;
  dev: number;
  ino: number;
  /** Of `metadata.xml`: what goes into the archive, `size` bytes. Any other file is read when it is packed. */
  content?: Buffer;
}

/** What {@link PlanOptions.checkMetadata} makes of a `metadata.xml`. */
export interface CheckedMetadata {
  /** What goes into the archive: the bytes that were given, or others in their place. */
  content: Buffer;
  /** The same for two files that mean the same to their readers; part of the checksum, instead of the bytes. */
  identity: string;
  /** What was changed in `content`, a sentence for the admin. */
  notice?: string | undefined;
}

export interface PlanOptions {
  /**
   * Given the published `metadata.xml`; throws an ExpectedError (65) when it could not be imported. Without it, the
   * file goes as it is.
   */
  checkMetadata?: ((bytes: Buffer) => CheckedMetadata) | undefined;
}

/** The published files changed while they were read; doing it again may work. */
export class PublishedFilesChanged extends ExpectedError {
  constructor(what: string, cause?: unknown) {
    super(`${what} while it was packed`, {
      code: 'published_files_changed',
      exitStatus: EXIT.temporary,
      fix: 'something still writes to the published recording; run it again when that is done',
      cause,
    });
  }
}

/** A raw name as `node:fs` takes it; ASCII is the same in UTF-8, and a string costs less than a buffer. */
export function rawPath(latin1: string): string | Buffer {
  return /[\x80-\xff]/.test(latin1) ? Buffer.from(latin1, 'latin1') : latin1;
}

/** A raw name as text for a message. */
export function display(latin1: string): string {
  return quote(Buffer.from(latin1, 'latin1').toString('utf8'));
}
