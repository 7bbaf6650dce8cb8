/** hook/archive/: are the published files the same as at another time? Fingerprint, checksum and stamp. */
import {
  chmodSync,
  cpSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { describe, expect, it } from 'vitest';
import { planArchive } from '../../../hook/archive/archive.ts';
import { readContentChecksum } from '../../../hook/archive/content-checksum.ts';
import { readStamp } from '../../../hook/archive/stamp.ts';
import { pack } from '../../support/files/pack.ts';
import { useTemporaryDirectory } from '../../support/files/temporary-directory.ts';
import { expectedRejectionOf } from '../../support/program/thrown-error.ts';

const directory = useTemporaryDirectory();
const published = () => `${directory.path}/published`;
/** What comes after a comment in a `metadata.xml` counts. */
const checkMetadata = (bytes: Buffer) => ({
  content: bytes,
  identity: bytes.toString().replace(/^<!--.*-->/, ''),
});
const plan = () => planArchive(published(), 'video/m-1', { checkMetadata });
const checksum = () => readContentChecksum(published(), 'video/m-1', { checkMetadata });

/** Publishes these files beside a `metadata.xml`, at a whole second, so that a copy can have exactly their time. */
function publish(...files: string[]): void {
  for (const file of ['metadata.xml', ...files]) {
    directory.write(`published/${file}`, file);
    utimesSync(`${published()}/${file}`, 1_700_000_000, 1_700_000_000);
  }
}

/** Other bytes, and everything else as before. */
function rewrite(file: string): void {
  const { atime, mtime, size } = statSync(file);
  writeFileSync(file, Buffer.alloc(size, 'y'));
  utimesSync(file, atime, mtime);
}

const differences: [string, () => void][] = [
  ['a file is added', () => directory.write('published/new', 'x')],
  ['a file is removed', () => rmSync(`${published()}/a`)],
  ['a file is renamed', () => renameSync(`${published()}/a`, `${published()}/c`)],
  ['a file has another size', () => truncateSync(`${published()}/a`, 5)],
  ['an empty directory is added', () => mkdirSync(`${published()}/new`)],
  ['metadata.xml says something else', () => rewrite(`${published()}/metadata.xml`)],
  [
    'a file becomes a directory',
    () => {
      rmSync(`${published()}/a`);
      mkdirSync(`${published()}/a`);
    },
  ],
];

/** What a copy, a restored backup or `bbb-conf --setip` does. */
const sameContent: [string, () => void][] = [
  ['an mtime', () => utimesSync(`${published()}/metadata.xml`, 1, 1)],
  ['a mode', () => chmodSync(`${published()}/a`, 0o600)],
  ["a directory's mtime", () => utimesSync(`${published()}/dir`, 1, 1)],
  [
    'all inodes',
    () => {
      cpSync(published(), `${directory.path}/copy`, { recursive: true, preserveTimestamps: true });
      rmSync(published(), { recursive: true });
      renameSync(`${directory.path}/copy`, published());
    },
  ],
  [
    'what does not count in metadata.xml',
    () => {
      const text = readFileSync(`${published()}/metadata.xml`).toString();
      writeFileSync(`${published()}/metadata.xml`, `<!-- rewritten -->${text}`);
    },
  ],
];

describe('the fingerprint', () => {
  it.each(sameContent)('stays the same with another %s', (_, change) => {
    publish('a', 'dir/b');
    const before = plan().fingerprint;
    change();
    expect(plan().fingerprint).toBe(before);
  });

  it.each([
    ...differences,
    ['a file has another time', () => utimesSync(`${published()}/a`, 1, 1)],
  ] satisfies [string, () => void][])('changes when %s', (_, change) => {
    publish('a', 'dir/b');
    const before = plan().fingerprint;
    change();
    expect(plan().fingerprint).not.toBe(before);
  });
});

describe('the checksum', () => {
  it('is the one that packing makes, also of large files and of another metadata.xml in the archive', async () => {
    publish('a', 'dir/b', 'ä');
    directory.write('published/large', Buffer.alloc(3_000_000, 'large'));
    const options = {
      checkMetadata: () => ({ content: Buffer.from('<other/>'), identity: 'the same' }),
    };
    const { checksum, bytes } = await pack(published(), options);
    expect(bytes.includes('<other/>')).toBe(true);
    expect(await readContentChecksum(published(), 'video/m-1', options)).toBe(checksum);
  });

  it.each([...sameContent, ['a time of any file', () => utimesSync(`${published()}/a`, 1, 1)]] satisfies [
    string,
    () => void,
  ][])('stays the same with another %s', async (_, change) => {
    publish('a', 'dir/b');
    const before = await checksum();
    change();
    expect(await checksum()).toBe(before);
  });

  it.each([
    ...differences,
    ['a file has other bytes, with the size and the time of before', () => rewrite(`${published()}/a`)],
  ] satisfies [string, () => void][])('changes when %s', async (_, change) => {
    publish('a', 'dir/b');
    const before = await checksum();
    change();
    expect(await checksum()).not.toBe(before);
  });

  it('stops when it is asked to, within a large file', async () => {
    publish('a');
    truncateSync(`${published()}/a`, 2 ** 31);
    const reason = new Error('SIGTERM');
    const signal = AbortSignal.abort(reason);
    const started = process.cpuUsage();
    await expect(readContentChecksum(published(), 'video/m-1', {}, signal)).rejects.toBe(reason);
    expect(process.cpuUsage(started).user).toBeLessThan(100_000);
  });

  it('cannot be had while a file changes', async () => {
    publish('a');
    const grow = { checkMetadata: (bytes: Buffer) => ({ content: bytes, identity: `${appendToB()}` }) };
    const appendToB = () => directory.write('published/a', 'longer than planned');
    const error = await expectedRejectionOf(readContentChecksum(published(), 'video/m-1', grow));
    expect(error).toMatchObject({ exitStatus: 75, code: 'published_files_changed' });
  });
});

describe('the stamp', () => {
  it.each([
    ['a file is added', () => directory.write('published/new', 'x')],
    ['a file at the top is removed', () => rmSync(`${published()}/a`)],
    ['metadata.xml is written again', () => utimesSync(`${published()}/metadata.xml`, 1, 1)],
    [
      'metadata.xml is replaced by one of the same size and time',
      () => {
        const file = `${published()}/metadata.xml`;
        const { atime, mtime, size } = statSync(file);
        writeFileSync(`${file}.new`, Buffer.alloc(size, 'y'));
        utimesSync(`${file}.new`, atime, mtime);
        renameSync(`${file}.new`, file);
      },
    ],
  ])('changes when %s', (_, change) => {
    publish('a');
    utimesSync(published(), 1, 1);
    const before = readStamp(published());
    change();
    expect(readStamp(published())).not.toBe(before);
  });

  it('stays the same as long as nothing happens', () => {
    publish('a');
    expect(readStamp(published())).toBe(readStamp(published()));
  });

  it('is empty when nobody can say', () => {
    expect(readStamp(published())).toBe('');
    directory.makeDirectory('published');
    expect(readStamp(published())).toBe('');
  });
});
