/**
 * A published directory → a plan (entries, exact size) → a tar archive that PHP's PharData reads right.
 *
 * The archive is in GNU format: names as raw bytes, long ones in an `././@LongLink` entry, no pax headers, no
 * link entries. PharData loses files without an error in anything else.
 */
import type { ArchiveEntry, PlanOptions } from './entry.ts';
import { block } from './tar-header.ts';
import { walkDirectory } from './walk-directory.ts';

export { type CheckedMetadata, type PlanOptions, PublishedFilesChanged } from './entry.ts';
export { largestFile, longestName } from './limits.ts';

export interface ArchivePlan {
  entries: ArchiveEntry[];
  files: number;
  /** Bytes of the whole archive, exactly. */
  size: number;
  /**
   * Hash of names, sizes and mtimes, and of what `metadata.xml` means. Where it is the same as at another time, the
   * content is the same, and nothing needs to be read; where it is not, `readContentChecksum` can say.
   */
  fingerprint: string;
  /** What the {@link CheckedMetadata} says, `''` without it. */
  metadataIdentity: string;
  /** What was changed in `metadata.xml` for the archive, a sentence; undefined when nothing was. */
  notice: string | undefined;
  /** Sockets, FIFOs, devices and what NFS keeps of deleted files: left out. */
  skipped: string[];
  /** What was planned: the arguments of {@link planArchive}. */
  source: { directory: string; prefix: string; options: PlanOptions };
}

/**
 * Lists what goes into the archive, sorted by the bytes of the names.
 *
 * @param directory `<published_dir>/<format>/<record id>`
 * @param prefix name of that directory in the archive, `<format>/<record id>`
 * @throws ExpectedError (65) for what PILOS could not import: a file over `largestFile`, a symlink that leaves the
 *   directory or leads nowhere, no `metadata.xml`, one that `checkMetadata` refuses
 */
export function planArchive(directory: string, prefix: string, options: PlanOptions = {}): ArchivePlan {
  const walk = walkDirectory(directory, Buffer.from(prefix).toString('latin1'), options);
  return {
    entries: walk.entries,
    files: walk.entries.filter((entry) => entry.type === 'file').length,
    size: walk.size + 2 * block,
    fingerprint: walk.hash.digest('hex'),
    metadataIdentity: walk.metadata?.identity ?? '',
    notice: walk.metadata?.notice,
    skipped: walk.skipped,
    source: { directory, prefix, options },
  };
}

/**
 * Megabytes that PharData takes for an archive of so many bytes, before anything else: its tables grow with
 * the archive, to the next power of two (measured with PHP 8.2.36; PHP's default limit is 128M).
 */
export function importMemory(size: number): number {
  const powerOfTwo = (count: number) => 2 ** Math.ceil(Math.log2(count));
  return Math.ceil((40 * (powerOfTwo(size / 2048 + 4) + powerOfTwo(size / 4096 + 2))) / 1e6);
}
