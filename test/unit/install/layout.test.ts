/** What `install` refuses, and how it finds its places, also in an image with symbolic links. */
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { install } from '../../../hook/commands/install.ts';
import { embeddedPaths, readEmbeddedFiles } from '../../../hook/install/embedded-files.ts';
import { placeBelow, scriptsDirectory } from '../../../hook/install/layout.ts';
import { hasSameContent } from '../../../hook/install/same-content.ts';
import type { Run } from '../../../hook/run.ts';
import { useTemporaryDirectory } from '../../support/files/temporary-directory.ts';

const directory = useTemporaryDirectory();
const files = readEmbeddedFiles();

let root = '';
let executable = '';
beforeEach(() => {
  root = directory.makeDirectory('root');
  mkdirSync(join(root, scriptsDirectory), { recursive: true });
  executable = directory.write('pilos-post-publish', 'version 1', 0o755);
});

describe('install refuses', () => {
  const refusal = (request: Partial<Parameters<typeof install>[0]> = {}) =>
    install({ root, dryRun: true, ...request }, {} as Run, executable).then(
      () => undefined,
      (error: unknown) => error,
    );

  it("a server without BBB's recording scripts", async () => {
    const empty = directory.makeDirectory('empty');
    expect(await refusal({ root: empty })).toMatchObject({
      exitStatus: 69,
      message: `BBB's recording scripts are not here: ${empty}${scriptsDirectory}`,
    });
  });

  it('a root that is no directory', async () => {
    expect(await refusal({ root: executable })).toMatchObject({ exitStatus: 64 });
  });

  it('a server that has the Debian package', async () => {
    directory.write('root/usr/share/doc/pilos-post-publish/copyright', '');
    expect(await refusal()).toMatchObject({
      exitStatus: 78,
      fix: expect.stringContaining('apt-get remove'),
    });
  });

  it('to run from the source code', async () => {
    const started = install({ root, dryRun: true }, {} as Run);
    await expect(started).rejects.toMatchObject({
      exitStatus: 64,
      fix: expect.stringContaining('make build'),
    });
  });
});

describe('placeBelow', () => {
  it('follows symbolic links in the path as a process with that root directory does', () => {
    directory.write('root/opt/bbb/scripts/x', '');
    symlinkSync('/opt/bbb', join(root, 'usr/local/absolute'));
    symlinkSync('../../../../../opt/bbb', join(root, 'usr/local/relative'));
    for (const name of ['absolute', 'relative'])
      expect(placeBelow(root, `/usr/local/${name}/scripts/x`)).toBe(join(root, 'opt/bbb/scripts/x'));
    expect(placeBelow(root, '/usr/local/absolute')).toBe(join(root, 'usr/local/absolute'));
  });

  it('never leaves the root, and refuses a loop', () => {
    symlinkSync('../../../../../..', join(root, 'up'));
    symlinkSync('loop', join(root, 'loop'));
    expect(placeBelow(root, '/up/etc/x')).toBe(join(root, 'etc/x'));
    expect(() => placeBelow(root, '/loop/x')).toThrow('loop of symbolic links');
  });
});

describe('hasSameContent', () => {
  it('tells files apart by size and by any byte', () => {
    const bytes = Buffer.alloc(3 << 20, 'a');
    const one = directory.write('one', bytes);
    expect(hasSameContent(one, directory.write('same', bytes))).toBe(true);
    bytes[bytes.length - 1] = 1;
    expect(hasSameContent(one, directory.write('other', bytes))).toBe(false);
    expect(hasSameContent(one, directory.write('longer', Buffer.alloc(bytes.length + 1, 'a')))).toBe(false);
  });
});

describe('the files that are part of the executable', () => {
  it('are read from where they lie in the sources', () => {
    for (const [name, path] of Object.entries(embeddedPaths))
      expect(files[name as keyof typeof files]).toBe(
        readFileSync(join(import.meta.dirname, '../../..', path), 'utf8'),
      );
  });
});
