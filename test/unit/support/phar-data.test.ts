/** What PHP's PharData makes of archives, as PILOS calls it: the ground on which `hook/archive/` stands. */
import {
  copyFileSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { compareTrees } from '../../support/files/compare-trees.ts';
import { unpackers, unpackWithPhar } from '../../support/files/unpackers.ts';
import { runOrThrow } from '../../support/program/run-program.ts';

const patient = { timeout: 300_000 };
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'support-test-'));
});

afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

/** A directory with one small file, `<directory>/source/metadata.xml`, and what else the test puts there. */
function makeSource(): string {
  const source = join(directory, 'source');
  mkdirSync(source);
  writeFileSync(join(source, 'metadata.xml'), '<recording><id>1</id></recording>');
  return source;
}

/** `tar` of `source`, written by GNU tar beside it under the name `archive.tar`. */
async function pack(...options: string[]): Promise<string> {
  const archive = join(directory, 'archive.tar');
  await runOrThrow('tar', ['--create', ...options, '--file', archive, '--directory', directory, 'source']);
  return archive;
}

/** The archive's `source/` as PharData unpacks it. */
async function unpackSource(archive: string): Promise<string> {
  const unpacked = mkdtempSync(join(directory, 'unpacked-'));
  await unpackWithPhar(archive, unpacked);
  return join(unpacked, 'source');
}

describe('PharData, which decides what an archive must look like,', () => {
  it('loses every file whose name stands in a pax header', patient, async () => {
    writeFileSync(join(makeSource(), `${'ä'.repeat(60)}.png`), 'slide');
    const unpacked = await unpackSource(await pack('--format=posix'));
    expect(compareTrees(join(directory, 'source'), unpacked)).toContainEqual({
      path: `${'ä'.repeat(60)}.png`,
      kind: 'missing',
    });
  });

  it('empties symlinks, and one of the two names of a hard link', patient, async () => {
    const source = makeSource();
    symlinkSync('metadata.xml', join(source, 'symlink'));
    writeFileSync(join(source, 'first-name'), 'content');
    linkSync(join(source, 'first-name'), join(source, 'second-name'));
    const unpacked = await unpackSource(await pack('--format=gnu', '--sort=name'));
    const differences = compareTrees(source, unpacked);
    expect(differences).toContainEqual({ path: 'symlink', kind: 'content' });
    const sizes = ['first-name', 'second-name'].map((name) => statSync(join(unpacked, name)).size);
    expect(sizes.sort()).toEqual([0, 7]);
  });

  it('loses an empty directory, which GNU tar and bsdtar unpack', patient, async () => {
    mkdirSync(join(makeSource(), 'empty'));
    const archive = await pack('--format=gnu');
    const results: Record<string, unknown> = {};
    for (const { reader, unpack } of unpackers) {
      await unpack(archive, join(directory, reader));
      results[reader] = compareTrees(join(directory, 'source'), join(directory, reader, 'source'));
    }
    expect(results).toEqual({
      "PHP's PharData": [{ path: 'empty', kind: 'missing' }],
      'GNU tar': [],
      bsdtar: [],
    });
  });

  it('notices a truncated archive, but not when it ends between two members', patient, async () => {
    writeFileSync(join(makeSource(), 'z-last'), Buffer.alloc(1000));
    const archive = await pack('--format=gnu', '--sort=name');
    truncateSync(archive, 2500);
    await expect(unpackSource(archive)).rejects.toThrow('corrupted tar file (truncated)');
    truncateSync(archive, 1536);
    expect(readdirSync(await unpackSource(archive))).toEqual(['metadata.xml']);
  });

  it(
    'loses a file of 4 GiB less a block and a byte, or what stands behind it, and takes one of a byte less',
    patient,
    async () => {
      const archive = join(directory, 'archive.tar');
      await writeSparseArchive(archive, 4_294_966_784);
      expect(await readMembers(archive, '1G')).toBe('big 4294966784, small 5, ');
      await expect(readMembers(archive, '128M')).rejects.toThrow('Allowed memory size');
      // Some versions of PHP refuse it, others go astray behind it.
      await writeSparseArchive(archive, 4_294_966_785);
      const read = await readMembers(archive, '1G').catch(String);
      expect(read).toMatch(/invalid entry size|^big 4294966785, $/);
    },
  );

  it(
    'mixes up two archives of one name that one worker process takes, unless they are equal',
    patient,
    async () => {
      const source = makeSource();
      for (const content of ['first', 'second!']) {
        writeFileSync(join(source, 'a'), content);
        await runOrThrow('cp', [await pack('--format=gnu', '--sort=name'), join(directory, content)]);
        writeFileSync(join(source, 'another'), 'one file more');
      }
      const code = `foreach (['first', 'second!'] as $name) {
      copy("$argv[1]/$name", "$argv[1]/same.tar");
      (new PharData("$argv[1]/same.tar"))->extractTo("$argv[1]/of $name", null, true);
    }`;
      await runOrThrow('php', ['-r', code, '--', directory]);
      expect(compareTrees(source, join(directory, 'of second!/source'))).toEqual([
        { path: 'a', kind: 'content' },
        { path: 'another', kind: 'missing' },
        { path: 'metadata.xml', kind: 'content' },
      ]);
    },
  );

  it('refuses an archive by its name when .phar, .zip or two dots stand in it', patient, async () => {
    makeSource();
    const archive = await pack('--format=gnu');
    const taken: string[] = [];
    for (const name of ['a.phar-notes', 'a.zip-notes', 'a..b-notes', 'a.b-notes']) {
      copyFileSync(archive, join(directory, `${name}.tar`));
      const unpacking = unpackSource(join(directory, `${name}.tar`));
      await unpacking.then(
        () => taken.push(name),
        () => {},
      );
    }
    expect(taken).toEqual(['a.b-notes']);
  });
});

/** An archive of a file `big` full of NULs, and a file `small` behind it. */
async function writeSparseArchive(archive: string, size: number): Promise<void> {
  const script = `import sys, tarfile
archive, size = sys.argv[1], int(sys.argv[2])
big, small = tarfile.TarInfo('source/big'), tarfile.TarInfo('source/small')
big.size, small.size = size, 5
with open(archive, 'wb') as out:
    out.write(big.tobuf(tarfile.GNU_FORMAT))
    out.seek(512 + (size + 511) // 512 * 512)
    out.write(small.tobuf(tarfile.GNU_FORMAT) + b'hello'.ljust(512 + 1024, b'\\0'))`;
  await runOrThrow('python3', ['-c', script, archive, String(size)]);
}

/** Name and size of each file that PharData finds. */
async function readMembers(archive: string, memoryLimit: string): Promise<string> {
  const code = `foreach (new RecursiveIteratorIterator(new PharData($argv[1])) as $file)
    echo $file->getFilename(), ' ', $file->getSize(), ', ';`;
  const { stdout } = await runOrThrow('php', [
    '-d',
    `memory_limit=${memoryLimit}`,
    '-r',
    code,
    '--',
    archive,
  ]);
  return stdout;
}
