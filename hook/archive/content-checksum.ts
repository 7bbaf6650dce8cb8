/**
 * What makes a recording the same: the names, sizes and bytes of its files, and of `metadata.xml` what its readers
 * take from it. No time stamp, no inode, no host name.
 */
import { createHash } from 'node:crypto';
import { closeSync, readSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { type ArchivePlan, planArchive } from './archive.ts';
import { type ArchiveEntry, display, type PlanOptions, PublishedFilesChanged } from './entry.ts';
import { checkSame, openFile, translateReadError } from './published-file.ts';

const pieceSize = 256 * 1024;

export interface Checksum {
  /** Each entry of the plan, in its order. @param crc CRC-32 of the file, 0 where `content` is known */
  add(entry: ArchiveEntry, crc: number): void;
  digest(): string;
}

export function startChecksum({ metadataIdentity }: Pick<ArchivePlan, 'metadataIdentity'>): Checksum {
  const hash = createHash('sha256');
  return {
    add({ name, size, content }, crc) {
      const facts = content === undefined ? `${size}\0${crc}` : metadataIdentity;
      hash.update(`${name}\0${facts}\n`, 'latin1');
    },
    digest: () => hash.digest('hex'),
  };
}

/**
 * The checksum that `writeArchive` returns, of what is published now. It reads every byte: ask first whether the
 * stamp (`readStamp`) and the plan's fingerprint are still the known ones, which costs two system calls, and one
 * for each file.
 *
 * @param options those of the delivery: the identity of `metadata.xml` depends on them
 * @param signal stops between two reads; the promise is rejected with its reason
 * @throws ExpectedError as {@link planArchive}; PublishedFilesChanged
 */
export async function readContentChecksum(
  directory: string,
  prefix: string,
  options: PlanOptions,
  signal?: AbortSignal,
): Promise<string> {
  const plan = planArchive(directory, prefix, options);
  const checksum = startChecksum(plan);
  const buffer = Buffer.allocUnsafeSlow(pieceSize);
  const pause = createPause(signal);
  for (const entry of plan.entries) {
    const isKnown = entry.type === 'directory' || entry.content !== undefined;
    checksum.add(entry, isKnown ? 0 : await readCrc(entry, buffer, pause));
  }
  return checksum.digest();
}

type Pause = (read: number) => Promise<void> | undefined;

/** Signals and timers get their turn after each so many bytes, which a promise for each small file would not be worth. */
function createPause(signal: AbortSignal | undefined): Pause {
  let unbroken = 0;
  return (read) => {
    unbroken += read;
    if (unbroken < pieceSize) return undefined;
    unbroken = 0;
    return setImmediate().then(() => signal?.throwIfAborted());
  };
}

async function readCrc(entry: ArchiveEntry, buffer: Buffer, pause: Pause): Promise<number> {
  const descriptor = openFile(entry);
  try {
    let crc = 0;
    for (let left = entry.size; left > 0; ) {
      const read = readSync(descriptor, buffer, 0, Math.min(left, buffer.length), null);
      if (read === 0) throw new PublishedFilesChanged(`${display(entry.path)} became shorter`);
      crc = crc32(buffer.subarray(0, read), crc);
      left -= read;
      await pause(read);
    }
    checkSame(descriptor, entry);
    return crc;
  } catch (error) {
    throw translateReadError(entry, error);
  } finally {
    closeSync(descriptor);
  }
}
