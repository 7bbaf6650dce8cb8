/** Which directory it is, and which one it was at the last delivery. */
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { isSameDirectory, readDirectoryId } from '../../../../hook/spool/local/directory-id.ts';
import {
  confirmDirectories,
  readExchangeAt,
  rememberDirectory,
} from '../../../../hook/spool/local/known-directories.ts';
import { useTemporaryDirectory } from '../../../support/files/temporary-directory.ts';

const root = useTemporaryDirectory();

function withOpen<T>(path: string, action: (descriptor: number) => T): T {
  const descriptor = openSync(path, 'r');
  try {
    return action(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
const idOf = (path: string, type = 'nfs4') =>
  withOpen(path, (descriptor) => readDirectoryId(descriptor, type));

it('is recognized by its inode, whatever is written into it and whatever it is called', () => {
  const [one, other] = [join(root.path, 'one'), join(root.path, 'other')];
  for (const path of [one, other]) mkdirSync(path);
  const before = idOf(one);
  expect(isSameDirectory(before, idOf(other))).toBe(false);
  writeFileSync(join(one, 'a.tar'), '');
  renameSync(one, `${one}.former`);
  expect(isSameDirectory(before, idOf(`${one}.former`))).toBe(true);
});

it('is recognized by its birth where an inode number is used again, if that is known', () => {
  const directory = { inode: '2', born: '1' };
  expect(isSameDirectory(directory, { inode: '2', born: '2' })).toBe(false);
  expect(isSameDirectory(directory, { inode: '2' })).toBe(true);
});

it('is not recognized where inode numbers do not last, and what is not known is the same', () => {
  for (const type of ['cifs', 'smb3', 'fuse.sshfs', 'overlay', 'vfat'])
    expect(idOf(root.path, type)).toBe(undefined);
  expect(isSameDirectory(undefined, idOf(root.path))).toBe(true);
});

it('is added to what an earlier version has noted', () => {
  const [workDir, spool] = [join(root.path, 'work'), join(root.path, 'spool')];
  for (const path of [workDir, spool]) mkdirSync(path);
  const remember = () => withOpen(spool, (descriptor) => rememberDirectory(workDir, spool, descriptor));
  remember();
  const file = join(workDir, 'spools.json');
  const { directory, type, ...first } = JSON.parse(readFileSync(file, 'utf8'))[spool];
  const gone = { ...first, title: 'nfs4 from nas:/gone' };
  writeFileSync(file, JSON.stringify({ [spool]: first, [join(root.path, 'gone')]: gone }));
  expect(readExchangeAt(workDir, spool)).toBe(undefined);
  remember();
  expect(JSON.parse(readFileSync(file, 'utf8'))[spool]).toEqual({ ...first, type, directory });

  // Of an earlier spool_dir, which is not there any more.
  expect(() => confirmDirectories(workDir, () => expect.unreachable())).not.toThrow();
});
