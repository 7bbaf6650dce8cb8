/** hook/spool/local/read-archives.ts: what lies in a mounted spool, and what PILOS could not import. */
import { chmodSync, chownSync, mkdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { beforeEach, expect, it } from 'vitest';
import { useTemporaryDirectory } from '../../../support/files/temporary-directory.ts';
import { runInChildNode } from '../../../support/program/child-node.ts';

const directory = useTemporaryDirectory();
const path = (name: string) => `${directory.path}/spool/${name}`;

/** As a user who is not root. */
async function readArchives(earlier: Record<string, number> = {}) {
  chmodSync(directory.path, 0o755);
  const { value, error } = await runInChildNode(
    `const { localSpool } = await hook('spool/local/local');
     const earlier = new Map(Object.entries(argument.earlier));
     const spool = localSpool({ directory: argument.directory, requireMount: false });
     const seen = await spool.readArchives('', ['a.tar', 'b.tar'], { signal: new AbortController().signal }, earlier);
     return { ...seen, waiting: [...seen.waiting], refused: [...seen.refused] };`,
    { argument: { directory: `${directory.path}/spool`, earlier }, uid: 12_345 },
  );
  return error ?? value;
}

beforeEach(() => {
  directory.makeDirectory('spool');
  for (const name of ['failed', 'public', 'failed/public']) mkdirSync(path(name));
});

it('finds waiting archives at the top and in public/, and refused ones', async () => {
  for (const name of ['a.tar', 'other.tar', 'failed/b.tar']) writeFileSync(path(name), 'archive');
  utimesSync(path('failed/b.tar'), 1000, 1000);
  expect(await readArchives()).toEqual({
    waiting: ['a.tar'],
    refused: ['b.tar'],
    failedDirectory: 'visible',
  });
  for (const name of ['public/b.tar', 'failed/public/a.tar']) writeFileSync(path(name), 'archive');
  expect(await readArchives()).toMatchObject({
    waiting: ['a.tar', 'b.tar'],
    refused: ['a.tar', 'b.tar'],
  });
});

it('passes over what was refused earlier, up to the time that it is given', async () => {
  for (const name of ['failed/a.tar', 'failed/b.tar']) writeFileSync(path(name), 'archive');
  utimesSync(path('failed/a.tar'), 1000, 1000);
  utimesSync(path('failed/b.tar'), 1001, 1001);
  expect(await readArchives({ 'a.tar': 1_000_000, 'b.tar': 1_000_000 })).toMatchObject({
    refused: ['b.tar'],
  });
});

it.each([
  ['hidden', 0o700, []],
  ['hidden', 0o744, []],
  ['visible', 0o711, ['b.tar']],
])('a failed/ of another user is %s with mode %o', async (failedDirectory, mode, refused) => {
  writeFileSync(path('failed/b.tar'), 'archive');
  chownSync(path('failed'), 33, 33);
  chmodSync(path('failed'), mode);
  const seen = await readArchives();
  expect(seen).toMatchObject({ failedDirectory, refused });
});

it('distinguishes a missing failed/ from one that is no directory, or a link to itself', async () => {
  rmSync(path('failed'), { recursive: true });
  expect(await readArchives()).toMatchObject({ failedDirectory: 'missing', refused: [] });
  writeFileSync(path('failed'), '');
  expect(await readArchives()).toMatchObject({ failedDirectory: 'not_a_directory', refused: [] });
  rmSync(path('failed'));
  symlinkSync('failed', path('failed'));
  expect(await readArchives()).toMatchObject({ failedDirectory: 'not_a_directory', refused: [] });
});
