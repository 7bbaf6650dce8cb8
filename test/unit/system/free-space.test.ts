import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { hasSpaceFor, readFreeSpace, readFreeSpaceAbove } from '../../../hook/system/free-space.ts';
import { useTemporaryDirectory } from '../../support/files/temporary-directory.ts';

const directory = useTemporaryDirectory();

describe('free space', () => {
  it('is what df says', () => {
    const said = execFileSync('df', ['--output=avail,iavail', '-B1', directory.path], { encoding: 'utf8' });
    const [bytes = Number.NaN, inodes = Number.NaN] = (said.split('\n')[1] ?? '')
      .trim()
      .split(/\s+/)
      .map(Number);
    const free = readFreeSpace(directory.path);
    // Others write to the same disk meanwhile.
    expect(free?.bytes).toBeGreaterThan(bytes * 0.9 - 1e8);
    expect(free?.bytes).toBeLessThan(bytes * 1.1 + 1e8);
    expect(free?.inodes).toBeGreaterThan(inodes * 0.9);
  });

  it('of a directory that will be created is that of the one above it', () => {
    expect(readFreeSpaceAbove(`${directory.path}/not/there`)).toBeDefined();
    expect(() => readFreeSpace(`${directory.path}/not/there`)).toThrow('ENOENT');
  });

  it('is not known on a file system that says nothing', () => {
    expect(readFreeSpace('/proc')).toBeUndefined();
    expect(hasSpaceFor(1e18, undefined)).toBe(true);
  });

  it.each([
    [10, { bytes: 10, inodes: 1 }, true],
    [11, { bytes: 10, inodes: 1 }, false],
    [1, { bytes: 10, inodes: 0 }, false],
    [1, { bytes: 10, inodes: Number.POSITIVE_INFINITY }, true],
  ])('for %i bytes with %j: %s', (size, free, fits) => {
    expect(hasSpaceFor(size, free)).toBe(fits);
  });
});
