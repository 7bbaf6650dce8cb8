/** hook/spool/local/directory.ts: which directory an archive may go to, on which file system, and is there space? */
import { chmodSync, mkdirSync, readdirSync, renameSync, symlinkSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { localSpool } from '../../../../hook/spool/local/local.ts';
import { findMount } from '../../../../hook/system/mounts.ts';
import { readMounts } from '../../../../hook/system/proc.ts';
import { createParcel } from '../../../support/files/parcel.ts';
import { diffSnapshots, snapshotTree } from '../../../support/files/snapshot-tree.ts';
import { useTemporaryDirectory } from '../../../support/files/temporary-directory.ts';
import { type ChildNodeOptions, runInChildNode } from '../../../support/program/child-node.ts';
import { expectedRejectionOf } from '../../../support/program/thrown-error.ts';

const directory = useTemporaryDirectory();
const spoolDir = () => `${directory.path}/spool`;
const spool = () => localSpool({ directory: spoolDir(), requireMount: false });
const deliver = (subDir = '') => spool().deliver(createParcel('archive', { subDir }));

describe('the spool directory', () => {
  it('is never created', async () => {
    const error = await expectedRejectionOf(deliver());
    expect(error).toMatchObject({ exitStatus: 73, scope: 'spool' });
    expect(error.message).toBe(`the spool directory ${spoolDir()} does not exist`);
    expect(error.fix).toContain('never created here');
    expect(readdirSync(directory.path)).toEqual([]);
  });

  it('may be a symlink', async () => {
    directory.makeDirectory('mnt/spool/a');
    symlinkSync('mnt/spool', spoolDir());
    await deliver();
    await deliver('a');
    expect(readdirSync(`${directory.path}/mnt/spool`)).toEqual(['a', 'm-1-video.tar']);
    expect(readdirSync(`${directory.path}/mnt/spool/a`)).toEqual(['m-1-video.tar']);
  });

  it.each([
    ['a file', () => directory.write('spool', 'x')],
    ['a symlink to nothing', () => symlinkSync('nowhere', spoolDir())],
    ['a loop of symlinks', () => symlinkSync('spool', spoolDir())],
  ])('may not be %s', async (_, make) => {
    make();
    const before = snapshotTree(directory.path);
    const error = await expectedRejectionOf(deliver());
    expect(error.exitStatus).toBe(73);
    expect(error.message).toContain(`the spool directory ${spoolDir()} `);
    expect(diffSnapshots(before, snapshotTree(directory.path))).toEqual([]);
  });
});

describe('a sub directory', () => {
  it.each(['a', 'a/b'])('is never created: %s', async (subDir) => {
    directory.makeDirectory('spool');
    const error = await expectedRejectionOf(deliver(subDir));
    expect(error).toMatchObject({ exitStatus: 73, scope: 'destination' });
    expect(error.message).toBe(`the spool directory ${spoolDir()}/${subDir} does not exist`);
    expect(error.fix).toContain('RECORDING_SPOOL_SUB_DIRECTORY');
    expect(readdirSync(spoolDir())).toEqual([]);
  });

  it('may be a symlink that stays in the spool', async () => {
    directory.makeDirectory('spool/real');
    symlinkSync('real', `${spoolDir()}/a`);
    await deliver('a');
    expect(readdirSync(`${spoolDir()}/real`)).toEqual(['m-1-video.tar']);
  });

  it.each([
    ['beside the spool', '../outside', 'a'],
    ['to a neighbour whose name begins alike', '../spool-2', 'a'],
    ['by an absolute path', '/tmp', 'a'],
    ['to the directory above', '..', 'a'],
    ['to the spool itself', '.', 'a'],
    ['by a symlink on the way', '../outside', 'a/deep'],
    ['by a chain', 'chain', 'a'],
  ])('may not lead out: %s', async (_, target, subDir) => {
    for (const name of ['spool', 'spool-2', 'outside/deep']) directory.makeDirectory(name);
    symlinkSync('../outside', `${spoolDir()}/chain`);
    symlinkSync(target, `${spoolDir()}/a`);
    const before = snapshotTree(directory.path);
    const error = await expectedRejectionOf(deliver(subDir));
    expect(error.exitStatus).toBe(73);
    expect(error.message).toContain(`the sub directory '${subDir}' leads out of the spool directory`);
    expect(diffSnapshots(before, snapshotTree(directory.path))).toEqual([]);
    expect((await expectedRejectionOf(describeDelivery(subDir))).exitStatus).toBe(73);
  });

  const describeDelivery = (subDir: string) => spool().describeDelivery(createParcel('archive', { subDir }));

  it('is held while the archive is written, whatever its name leads to then', async () => {
    directory.makeDirectory('spool/a');
    directory.makeDirectory('outside');
    const divert = () => {
      renameSync(`${spoolDir()}/a`, `${spoolDir()}/b`);
      symlinkSync('../outside', `${spoolDir()}/a`);
    };
    const parcel = createParcel('archive', { subDir: 'a', meanwhile: divert });
    expect((await expectedRejectionOf(spool().deliver(parcel))).exitStatus).toBe(75);
    expect(readdirSync(`${directory.path}/outside`)).toEqual([]);
    expect(readdirSync(`${spoolDir()}/b`)).toEqual([]);
  });
});

describe('describeDelivery', () => {
  it('reports the temporary name and the name, and writes nothing', async () => {
    directory.makeDirectory('spool/a');
    const before = snapshotTree(directory.path);
    expect(await spool().describeDelivery(createParcel('archive', { subDir: 'a' }))).toEqual([
      `write ${spoolDir()}/a/.m-1-video.tar.RUN, mode 0664, then fsync`,
      `rename it to ${spoolDir()}/a/m-1-video.tar, then fsync the directory`,
    ]);
    expect(diffSnapshots(before, snapshotTree(directory.path))).toEqual([]);
    expect(spool().destination('a')).toBe(`${spoolDir()}/a`);
    expect(spool().destination('')).toBe(spoolDir());
  });
});

/** Delivers in a mount namespace of its own, in which `mounts` has been run; returns how it ended and the spool. */
async function deliverWith(settings: { requireMount: boolean | string; size?: number }, mounts: string) {
  mkdirSync(spoolDir());
  chmodSync(directory.path, 0o755);
  const options: ChildNodeOptions = { argument: { directory: spoolDir(), size: 7, ...settings }, mounts };
  const { value } = await runInChildNode(
    `const { localSpool } = await hook('spool/local/local');
     const { readdirSync, writeSync } = await import('node:fs');
     const parcel = { name: 'm-1-video.tar', size: argument.size, subDir: '', signal: new AbortController().signal,
       write: async (target) => writeSync(target, 'archive'), warn() {}, debug() {} };
     let said = 'delivered';
     try { await localSpool(argument).deliver(parcel); }
     catch ({ exitStatus, message }) { said = exitStatus + ' ' + message; }
     return { said, files: readdirSync(argument.directory) };`,
    options,
  );
  return value as { said: string; files: string[] };
}

describe('require_mount', () => {
  const mounted = () => `mount -t tmpfs tmpfs '${spoolDir()}'`;
  // The temporary directory may itself lie on a mount: then only a named mount point says.
  const holder = () => findMount(directory.path, readMounts()).point;

  it.each([
    ['true', () => true],
    ['its mount point', () => spoolDir()],
  ])('%s is content with a mounted spool', async (_, requireMount) => {
    expect(await deliverWith({ requireMount: requireMount() }, mounted())).toEqual({
      said: 'delivered',
      files: ['m-1-video.tar'],
    });
  });

  it('refuses the empty mount point of an unmounted spool', async () => {
    const { said, files } = await deliverWith({ requireMount: spoolDir() }, 'true');
    expect(said).toBe(
      `73 the spool directory ${spoolDir()} is not on the one mounted at ${spoolDir()}, but on ${holder()}`,
    );
    expect(files).toEqual([]);
  });

  it('refuses the root disk when any mount would do', async () => {
    // In this namespace nothing is mounted over the temporary directory.
    const root = localSpool({ directory: '/', requireMount: true });
    const error = await expectedRejectionOf(root.describeDelivery(createParcel('archive')));
    expect(error).toMatchObject({ exitStatus: 73, scope: 'spool' });
    expect(error.message).toBe('the spool directory / is not on a mounted file system, but on /');
    expect(error.fix).toContain('mount -a');
  });

  it('refuses another mount than the one that is named', async () => {
    const { said } = await deliverWith({ requireMount: '/mnt' }, mounted());
    expect(said).toBe(
      `73 the spool directory ${spoolDir()} is not on the one mounted at /mnt, but on ${spoolDir()}`,
    );
  });
});

describe('space', () => {
  it('is checked before the first byte', async () => {
    const { said, files } = await deliverWith(
      { requireMount: false, size: 5_000_000 },
      `mount -t tmpfs -o size=1m tmpfs '${spoolDir()}'`,
    );
    expect(said).toMatch(
      /^73 not enough space in .*: the archive needs 5000000 bytes, of which 1048576 are free$/,
    );
    expect(files).toEqual([]);
  });

  it('is also that for another file', async () => {
    const { said } = await deliverWith(
      { requireMount: false },
      `mount -t tmpfs -o nr_inodes=2 tmpfs '${spoolDir()}'; touch '${spoolDir()}/one'`,
    );
    expect(said).toMatch(/^73 not enough space in .*: the archive needs a file, and no inode is free$/);
  });

  it('says that a file system is read-only', async () => {
    const { said } = await deliverWith({ requireMount: false }, `mount -t tmpfs -o ro tmpfs '${spoolDir()}'`);
    expect(said).toMatch(/^73 cannot write .*: the file system is read-only \(EROFS\)$/);
  });
});
