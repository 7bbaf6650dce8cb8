/** hook/archive/archive.ts: are the published files the same as at another time? */
import { chmodSync, mkdirSync, renameSync, rmSync, truncateSync, utimesSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { planArchive } from '../../../hook/archive/archive.ts';
import { useTemporaryDirectory } from '../../support/files/temporary-directory.ts';

const directory = useTemporaryDirectory();
const published = () => `${directory.path}/published`;
const plan = () => planArchive(published(), 'video/m-1');

/** Publishes these files beside a `metadata.xml`. */
function publish(...files: string[]): void {
  for (const file of ['metadata.xml', ...files]) directory.write(`published/${file}`, file);
}

describe('the fingerprint', () => {
  it('stays the same for the same files', () => {
    publish('a', 'dir/b');
    const before = plan().fingerprint;
    chmodSync(`${published()}/a`, 0o600);
    utimesSync(`${published()}/dir`, 1, 1);
    expect(plan().fingerprint).toBe(before);
  });

  it.each([
    ['a file is added', () => directory.write('published/new', 'x')],
    ['a file is removed', () => rmSync(`${published()}/a`)],
    ['a file is renamed', () => renameSync(`${published()}/a`, `${published()}/c`)],
    ['a file has another size', () => truncateSync(`${published()}/a`, 5)],
    ['a file has another time', () => utimesSync(`${published()}/a`, 1, 1)],
    ['an empty directory is added', () => mkdirSync(`${published()}/new`)],
    [
      'a file becomes a directory',
      () => {
        rmSync(`${published()}/a`);
        mkdirSync(`${published()}/a`);
      },
    ],
  ])('changes when %s', (_, change) => {
    publish('a', 'dir/b');
    const before = plan().fingerprint;
    change();
    expect(plan().fingerprint).not.toBe(before);
  });
});
