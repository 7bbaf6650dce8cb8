/** hook/archive/archive.ts: what goes into an archive, what is left out, and what is refused. */
import {
  chmodSync,
  linkSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { type ArchivePlan, PublishedFilesChanged, planArchive } from '../../../hook/archive/archive.ts';
import { pack } from '../../support/files/pack.ts';
import { useTemporaryDirectory } from '../../support/files/temporary-directory.ts';
import { runInChildNode } from '../../support/program/child-node.ts';
import { expectedErrorOf } from '../../support/program/thrown-error.ts';

const directory = useTemporaryDirectory();
const prefix = 'video/m-1';
const published = () => `${directory.path}/published`;

/** Publishes these files beside a `metadata.xml`. */
function publish(...files: string[]): void {
  for (const file of ['metadata.xml', ...files]) directory.write(`published/${file}`, file);
}

const plan = () => planArchive(published(), prefix);
const refused = () => expectedErrorOf(plan);
const namesOf = ({ entries }: ArchivePlan) => entries.map(({ name }) => name.replace(`${prefix}/`, ''));
const entryOf = (name: string) => plan().entries.find((entry) => entry.name === `${prefix}/${name}`);

describe('planArchive', () => {
  it('lists files and directories, sorted by the bytes of their names', () => {
    publish('b.txt', 'B.txt', 'ä.txt', 'a/z.txt', 'a.txt', 'a-b.txt', '.hidden');
    directory.makeDirectory('published/empty');
    expect(namesOf(plan())).toEqual([
      '/',
      '.hidden',
      'B.txt',
      'a//',
      'a/z.txt',
      'a-b.txt',
      'a.txt',
      'b.txt',
      'empty//',
      'metadata.xml',
      Buffer.from('ä.txt').toString('latin1'),
    ]);
  });

  it('counts files, and bytes with headers and padding', () => {
    publish('a');
    // Two directories' and files' headers, a block of each file's content, two empty blocks.
    expect(plan()).toMatchObject({ files: 2, size: 512 + 2 * (512 + 512) + 1024, skipped: [] });
  });

  it('stores a symlink that stays inside as what it points to', () => {
    publish('dir/file', 'other');
    const links = {
      relative: 'dir/file',
      absolute: `${published()}/other`,
      chain: 'relative',
      around: '../published/other',
    };
    for (const [name, target] of Object.entries(links)) symlinkSync(target, `${published()}/${name}`);
    symlinkSync('dir', `${published()}/dir-link`);
    expect(entryOf('relative')).toMatchObject({ type: 'file', size: 8, path: `${published()}/dir/file` });
    expect(entryOf('chain')).toMatchObject({ type: 'file', path: `${published()}/dir/file` });
    expect(entryOf('absolute')).toMatchObject({ type: 'file', size: 5 });
    expect(entryOf('around')).toMatchObject({ type: 'file', size: 5 });
    expect(namesOf(plan())).toEqual(expect.arrayContaining(['dir-link//', 'dir-link/file']));
  });

  it('stores every name of a hard link as a file with the content', () => {
    publish('first');
    linkSync(`${published()}/first`, `${published()}/second`);
    expect(entryOf('first')).toMatchObject({ type: 'file', size: 5 });
    expect(entryOf('second')).toMatchObject({ type: 'file', size: 5 });
  });

  it('takes a published directory that is itself a symlink', () => {
    publish('file');
    renameSync(published(), `${directory.path}/elsewhere`);
    symlinkSync('elsewhere', published());
    symlinkSync('file', `${directory.path}/elsewhere/link`);
    expect(namesOf(plan())).toEqual(['/', 'file', 'link', 'metadata.xml']);
  });

  it('leaves out sockets, FIFOs and devices, also behind a symlink, and names them', async () => {
    publish();
    await execa('mkfifo', [`${published()}/fifo`]);
    await execa('mknod', [`${published()}/device`, 'c', '1', '3']);
    symlinkSync('fifo', `${published()}/link`);
    const server = createServer().listen(`${published()}/socket`);
    await new Promise((resolve) => server.once('listening', resolve));
    try {
      expect(namesOf(plan())).toEqual(['/', 'metadata.xml']);
      expect(plan().skipped).toEqual([
        `'${published()}/device' is a device`,
        `'${published()}/fifo' is a FIFO`,
        `'${published()}/link' leads to a FIFO`,
        `'${published()}/socket' is a socket`,
      ]);
    } finally {
      server.close();
    }
  });

  it('leaves out what NFS keeps of files that were deleted while open, and names it', () => {
    publish('.nfs00000000051a2b3c00000001', 'dir/.nfs0123', '.nfs', '.nfs-notes');
    expect(namesOf(plan())).toEqual(['/', '.nfs', '.nfs-notes', 'dir//', 'metadata.xml']);
    expect(plan().skipped).toEqual([
      `'${published()}/.nfs00000000051a2b3c00000001' is what NFS keeps of a deleted file`,
      `'${published()}/dir/.nfs0123' is what NFS keeps of a deleted file`,
    ]);
  });

  it('puts what the check makes of metadata.xml in its place, and knows the exact size', async () => {
    publish('zlast');
    const content = Buffer.alloc(300_000, 'long ');
    const checkMetadata = (given: Buffer) => {
      expect(given.toString()).toBe('metadata.xml');
      return { content, identity: 'i', notice: 'it was changed' };
    };
    const { plan, bytes } = await pack(published(), { prefix, checkMetadata });
    expect(plan.notice).toBe('it was changed');
    expect(bytes.length).toBe(plan.size);
    expect(bytes.includes(content)).toBe(true);
  });

  it('refuses a metadata.xml of more than 1 MiB', () => {
    publish();
    truncateSync(`${published()}/metadata.xml`, 1024 * 1024 + 1);
    expect(refused()).toMatchObject({ exitStatus: 65, code: 'metadata_too_large' });
  });

  it('takes a file of the largest size that PharData unpacks, and not one byte more', () => {
    publish('large');
    truncateSync(`${published()}/large`, 4_294_966_784);
    expect(plan().size).toBeGreaterThan(4_294_966_784);
    truncateSync(`${published()}/large`, 4_294_966_785);
    const error = refused();
    expect(error.exitStatus).toBe(65);
    expect(error.message).toBe(`'${published()}/large' has 4294966785 bytes`);
    expect(error.fix).toContain("PILOS unpacks with PHP's PharData");
  });

  it('refuses a path that PILOS cannot unpack', () => {
    publish();
    const deep = Array.from({ length: 16 }, () => 'd'.repeat(243)).join('/');
    directory.makeDirectory(`published/${deep.slice(0, -100)}`);
    expect(plan().files).toBe(1);
    directory.makeDirectory(`published/${deep}`);
    expect(refused().exitStatus).toBe(65);
    expect(refused().fix).toContain('PILOS cannot unpack paths over');
  });
});

describe('planArchive refuses with exit status 65', () => {
  it.each([
    ['a symlink to the directory above', 'link', '..', 'leads out of the recording'],
    ['a symlink to a file elsewhere', 'link', '/etc/passwd', "leads out of the recording, to '/etc/passwd'"],
    ['a symlink to a directory elsewhere', 'link', '/etc', 'leads out of the recording'],
    [
      'a symlink to a neighbour whose name begins alike',
      'link',
      '../published2/x',
      'leads out of the recording',
    ],
    ['a symlink to nothing', 'link', 'nowhere', 'leads nowhere'],
    ['a symlink to itself', 'link', 'link', 'cannot be followed (ELOOP)'],
    ['a symlink to the recording itself', 'link', '.', 'leads out of the recording'],
    ['a symlink to the directory that it is in', 'dir/link', '../dir', 'leads to a directory that it is in'],
    ['a symlink through a file', 'link', 'metadata.xml/x', 'cannot be followed (ENOTDIR)'],
  ])('%s', (_, name, target, says) => {
    publish('dir/file');
    directory.write('published2/x', 'x');
    symlinkSync(target, `${published()}/${name}`);
    expect(refused().exitStatus).toBe(65);
    expect(refused().message).toContain(`the symbolic link '${published()}/${name}' ${says}`);
  });

  it('two directories that contain each other', () => {
    publish('a/x', 'b/x');
    symlinkSync('../b', `${published()}/a/link`);
    symlinkSync('../a', `${published()}/b/link`);
    expect(refused()).toMatchObject({ exitStatus: 65 });
  });

  it.each([
    ['no metadata.xml', () => rmSync(`${published()}/metadata.xml`)],
    ['an empty one', () => writeFileSync(`${published()}/metadata.xml`, '')],
    ['a directory in its place', () => replaceByDirectory('metadata.xml')],
    ['one only below', () => renameSync(`${published()}/metadata.xml`, `${published()}/dir/metadata.xml`)],
    ['one only in capitals', () => renameSync(`${published()}/metadata.xml`, `${published()}/METADATA.XML`)],
  ])('%s: PILOS would delete the archive as imported', (_, change) => {
    publish('dir/file');
    change();
    expect(refused().exitStatus).toBe(65);
    expect(refused().message).toContain('has no metadata.xml, or an empty one');
  });

  function replaceByDirectory(name: string): void {
    rmSync(`${published()}/${name}`);
    mkdirSync(`${published()}/${name}`);
  }

  it.each(['dir/metadata.xml', 'old-metadata.xml'])('%s, which PILOS would take for a recording', (name) => {
    publish(name);
    expect(refused().exitStatus).toBe(65);
    expect(refused().message).toBe(`'${published()}/${name}' is a second metadata.xml`);
  });

  it('names without control characters in its message', () => {
    publish();
    symlinkSync('nowhere', `${published()}/two\nlines\u001b[2J`);
    expect(refused().message).toContain('two\\x0alines\\x1b[2J');
  });
});

describe('planArchive, when files cannot be read', () => {
  it('says that they changed when the directory is gone', () => {
    expect(refused()).toBeInstanceOf(PublishedFilesChanged);
    expect(refused()).toMatchObject({
      exitStatus: 75,
      message: `${published()} changed while it was packed`,
    });
  });

  it('ends with exit status 77 when a directory is closed to the user', async () => {
    publish('closed/file');
    chmodSync(directory.path, 0o755);
    chmodSync(`${published()}/closed`, 0o700);
    const { error } = await runInChildNode(
      "(await hook('archive/archive')).planArchive(argument, 'video/m-1');",
      {
        argument: published(),
        uid: 65534,
      },
    );
    expect(error).toMatchObject({ exitStatus: 77 });
    expect(error?.message).toContain(`cannot read '${published()}/closed': permission denied (EACCES)`);
  });
});
