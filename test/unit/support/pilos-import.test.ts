/** What PHP's PharData makes of archives, as PILOS calls it: the ground on which `archive.ts` stands. */
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type BbbTree, createBbbTree } from '../../support/bbb/bbb-tree.ts';
import { compareTrees } from '../../support/files/compare-trees.ts';
import { importSpool, unpackers } from '../../support/pilos/pilos-import.ts';
import { runOrThrow } from '../../support/program/run-program.ts';

const patient = { timeout: 300_000 };
let directory: string;
let tree: BbbTree;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'support-test-'));
  tree = createBbbTree({ seed: 'support' });
});

afterEach(() => {
  tree.remove();
  rmSync(directory, { recursive: true, force: true });
});

/** A directory with one small file, `<directory>/source/metadata.xml`, and what else the test puts there. */
function makeSource(): string {
  const source = join(directory, 'source');
  mkdirSync(source);
  writeFileSync(join(source, 'metadata.xml'), '<recording><id>1</id></recording>');
  return source;
}

/** `tar` of `source`, written by GNU tar into the spool under the name `archive.tar`. */
async function pack(...options: string[]): Promise<string> {
  const archive = join(tree.spoolDir, 'archive.tar');
  await runOrThrow('tar', ['--create', ...options, '--file', archive, '--directory', directory, 'source']);
  return archive;
}

async function importOne() {
  const [imported] = await importSpool(tree.spoolDir, join(directory, 'store'));
  if (imported === undefined) throw new Error('there was no archive in the spool');
  return imported;
}

describe("PILOS' importer, which decides what an archive must look like", () => {
  it('reads the metadata of a good archive, unpacks it to the byte and deletes it', patient, async () => {
    const { id, published, externalId, startTime } = tree.addMeeting({ name: 'Jörgs "Demo" & <mehr>' });
    const archive = join(tree.spoolDir, `${id}-presentation.tar`);
    const parent = dirname(published('presentation'));
    await runOrThrow('tar', ['-c', '--format=gnu', '-f', archive, '-C', parent, id]);
    const imported = await importOne();
    expect(imported).toMatchObject({ archive: `${id}-presentation.tar`, exception: null, deleted: true });
    expect(imported.formats).toMatchObject([
      {
        directory: id,
        id,
        format: 'presentation',
        meetingId: externalId,
        startTime,
        meetingName: 'Jörgs "Demo" & <mehr>',
      },
    ]);
    expect(compareTrees(published('presentation'), join(imported.unpacked, id))).toEqual([]);
    expect(existsSync(archive)).toBe(false);
  });

  it('loses every file whose name stands in a pax header', patient, async () => {
    writeFileSync(join(makeSource(), `${'ä'.repeat(60)}.png`), 'slide');
    await pack('--format=posix');
    const { exception, unpacked, deleted } = await importOne();
    expect({ exception, deleted }).toEqual({ exception: null, deleted: true });
    expect(compareTrees(join(directory, 'source'), join(unpacked, 'source'))).toContainEqual({
      path: `${'ä'.repeat(60)}.png`,
      kind: 'missing',
    });
  });

  it('empties symlinks, and one of the two names of a hard link', patient, async () => {
    const source = makeSource();
    symlinkSync('metadata.xml', join(source, 'symlink'));
    writeFileSync(join(source, 'first-name'), 'content');
    linkSync(join(source, 'first-name'), join(source, 'second-name'));
    await pack('--format=gnu', '--sort=name');
    const { unpacked } = await importOne();
    const differences = compareTrees(source, join(unpacked, 'source'));
    expect(differences).toContainEqual({ path: 'symlink', kind: 'content' });
    const sizes = ['first-name', 'second-name'].map((name) => statSync(join(unpacked, 'source', name)).size);
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

  it('deletes an archive of nothing as a success', patient, async () => {
    makeSource();
    await runOrThrow('tar', ['-c', '-f', join(tree.spoolDir, 'archive.tar'), '-T', '/dev/null']);
    expect(await importOne()).toMatchObject({ formats: [], exception: null, deleted: true });
  });

  it('notices a truncated archive, but not when it ends between two members', patient, async () => {
    writeFileSync(join(makeSource(), 'z-last'), Buffer.alloc(1000));
    const archive = await pack('--format=gnu', '--sort=name');
    truncateSync(archive, 2500);
    expect(await importOne()).toMatchObject({
      exception: expect.stringContaining('corrupted tar file (truncated)'),
      deleted: false,
    });
    truncateSync(archive, 1536);
    expect(await importOne()).toMatchObject({ exception: null, deleted: true, formats: [{ id: '1' }] });
  });

  it(
    'loses a file of 4 GiB less a block and a byte, or what stands behind it, and takes one of a byte less',
    patient,
    async () => {
      const archive = join(tree.spoolDir, 'archive.tar');
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
    const names = ['a.phar-notes', 'a.zip-notes', 'a..b-notes', 'a.b-notes'];
    for (const name of names) copyFileSync(archive, join(tree.spoolDir, `${name}.tar`));
    rmSync(archive);
    const imported = await importSpool(tree.spoolDir, join(directory, 'store'));
    expect(imported.filter(({ exception }) => exception === null).map((one) => one.archive)).toEqual([
      'a.b-notes.tar',
    ]);
  });
});

/** An archive with one member of `size` zero bytes that takes no room on the disk. */
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
