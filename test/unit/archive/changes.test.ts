/** Files that change, vanish or cannot be read while hook/archive/archive.ts packs them, and a run that is asked to stop. */
import {
  appendFileSync,
  chmodSync,
  closeSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { execaSync } from 'execa';
import { describe, expect, it } from 'vitest';
import { PublishedFilesChanged, planArchive } from '../../../hook/archive/archive.ts';
import { writeArchive } from '../../../hook/archive/write-archive.ts';
import { pack } from '../../support/files/pack.ts';
import { useTemporaryDirectory } from '../../support/files/temporary-directory.ts';
import { runInChildNode } from '../../support/program/child-node.ts';
import { expectedRejectionOf } from '../../support/program/thrown-error.ts';

const directory = useTemporaryDirectory();
const published = () => `${directory.path}/published`;
const large = () => `${published()}/large`;

/** A large file is read in several pieces, between which `onProgress` is called. */
function publish(): string {
  directory.write('published/large', Buffer.alloc(5_000_000, 'x'));
  directory.write('published/metadata.xml', '<recording/>');
  directory.write('published/zlast', 'last');
  // A whole second, so that another file can be given exactly the same time.
  utimesSync(large(), 1_700_000_000, 1_700_000_000);
  return published();
}

async function expectChanged(promise: Promise<unknown>): Promise<void> {
  const error = await expectedRejectionOf(promise);
  expect(error).toBeInstanceOf(PublishedFilesChanged);
  expect(error.exitStatus).toBe(75);
  expect(error.message).toContain(published());
  expect(error.message).toContain('while it was packed');
}

/** Calls `change` once, when the first piece of the large file has been written. */
function during(change: () => void): (written: number) => void {
  let isDone = false;
  return () => {
    if (!isDone) change();
    isDone = true;
  };
}

function replace(file: string): void {
  const { atime, mtime, size } = statSync(file);
  writeFileSync(`${file}.new`, Buffer.alloc(size, 'y'));
  utimesSync(`${file}.new`, atime, mtime);
  renameSync(`${file}.new`, file);
}

/** Another content of the same size, a second later by its time. */
function rewrite(file: string): void {
  const { atime, mtimeMs, size } = statSync(file);
  writeFileSync(file, Buffer.alloc(size, 'y'));
  utimesSync(file, atime, new Date(mtimeMs + 1000));
}

const changes: [string, () => void][] = [
  ['grows', () => appendFileSync(large(), 'more')],
  ['shrinks', () => truncateSync(large(), 4_000_000)],
  ['becomes empty', () => truncateSync(large(), 0)],
  ['gets another content', () => rewrite(large())],
];

describe('writeArchive', () => {
  it.each([
    ...changes,
    ['vanishes', () => rmSync(large())],
    ['is replaced by one of the same size and time', () => replace(large())],
    ['is replaced by a symlink', () => replaceBy(() => symlinkSync('zlast', large()))],
    ['is replaced by a directory', () => replaceBy(() => mkdirSync(large()))],
    [
      'is replaced by a FIFO, for which it does not wait',
      () => replaceBy(() => execaSync('mkfifo', [large()])),
    ],
  ] satisfies [string, () => void][])('notices that a file %s before it is read', async (_, change) => {
    await expectChanged(pack(publish(), { meanwhile: change }));
  });

  function replaceBy(make: () => void): void {
    rmSync(large());
    make();
  }

  it.each(changes)('notices that a file %s while it is read', async (_, change) => {
    await expectChanged(pack(publish(), { onProgress: during(change) }));
  });

  it.each([
    ['a file is added', () => writeFileSync(`${published()}/new`, 'x')],
    ['a file is added in a directory of its own', () => directory.write('published/new/file', 'x')],
    ['a file that has been read is removed', () => rmSync(large())],
    ['a file that is still to be read is removed', () => rmSync(`${published()}/zlast`)],
    ['a file that is still to be read is changed', () => writeFileSync(`${published()}/zlast`, 'other')],
    ['metadata.xml is written again', () => rewrite(`${published()}/metadata.xml`)],
    ['the whole directory is renamed', () => renameSync(published(), `${directory.path}/elsewhere`)],
  ])('notices that %s meanwhile', async (_, change) => {
    // The first report comes from within the large file, which is the first.
    await expectChanged(pack(publish(), { onProgress: during(change) }));
  });

  it('notices a file that is added after the last one was read', async () => {
    const directoryToPack = publish();
    const { size } = planArchive(directoryToPack, 'video/m-1');
    const addAtTheEnd = (written: number) => {
      if (written === size) writeFileSync(`${published()}/aaa`, '');
    };
    await expectChanged(pack(directoryToPack, { onProgress: addAtTheEnd }));
  });

  it('does not mind what leaves the files as they are', async () => {
    const change = () => {
      chmodSync(large(), 0o600);
      renameSync(`${published()}/zlast`, `${published()}/temporary`);
      renameSync(`${published()}/temporary`, `${published()}/zlast`);
    };
    const { plan, bytes } = await pack(publish(), { onProgress: during(change) });
    expect(bytes.length).toBe(plan.size);
  });

  it('reports its progress up to the whole size', async () => {
    const reports: number[] = [];
    const { plan } = await pack(publish(), { onProgress: (written) => reports.push(written) });
    expect(reports.length).toBeGreaterThan(3);
    expect(reports.toSorted((one, other) => one - other)).toEqual(reports);
    expect(reports.at(-1)).toBe(plan.size);
  });

  it('stops in the middle when it is asked to, with the reason it was given', async () => {
    const controller = new AbortController();
    const reason = new Error('SIGTERM');
    const seen: number[] = [];
    const packing = pack(publish(), {
      signal: controller.signal,
      onProgress: (written) => {
        seen.push(written);
        controller.abort(reason);
      },
    });
    await expect(packing).rejects.toBe(reason);
    expect(seen).toHaveLength(1);
  });

  it('ends with exit status 77 at a file that the user may not read', async () => {
    publish();
    chmodSync(directory.path, 0o755);
    chmodSync(`${published()}/zlast`, 0o600);
    const { error } = await runInChildNode(
      `const { planArchive } = await hook('archive/archive');
       const { writeArchive } = await hook('archive/write-archive');
       const plan = planArchive(argument, 'video/m-1');
       const { openSync } = await import('node:fs');
       await writeArchive(plan, openSync('/dev/null', 'w'));`,
      { argument: published(), uid: 65534 },
    );
    expect(error).toMatchObject({ exitStatus: 77 });
    expect(error?.message).toBe(`cannot read '${published()}/zlast': permission denied (EACCES)`);
  });

  it('says that the archive could not be written, not the file read, when the disk is full', async () => {
    publish();
    const target = openSync('/dev/full', 'w');
    try {
      const plan = planArchive(published(), 'video/m-1');
      const error = await expectedRejectionOf(writeArchive(plan, target));
      expect(error.exitStatus).toBe(74);
      expect(error.message).toBe('cannot write the archive: no space left on the device (ENOSPC)');
    } finally {
      closeSync(target);
    }
  });

  it('leaves no file open, however it ends', async () => {
    publish();
    const openFiles = async () => (await import('node:fs')).readdirSync('/proc/self/fd').length;
    await pack(published());
    const before = await openFiles();
    await pack(published());
    await expectChanged(pack(published(), { onProgress: during(() => truncateSync(large(), 10)) }));
    await expectChanged(pack(published(), { meanwhile: () => rmSync(large()) }));
    expect(await openFiles()).toBe(before);
  });
});
