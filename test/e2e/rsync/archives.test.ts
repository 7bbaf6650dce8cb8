/** What lies in the spool and in `failed/` is seen from the BBB server, with every key that may write. */
import { chmodSync, chownSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { useTemporaryDirectory } from '../../support/files/temporary-directory.ts';
import { runInChildNode } from '../../support/program/child-node.ts';
import { type HostKey, makeSpoolDirectory, useRsyncHost } from '../../support/rsync/rsync-host.ts';

const host = useRsyncHost();
const temporary = useTemporaryDirectory();

const keys = [
  'ordinary',
  'rrsync',
  'rrsync-wo-no-lock',
  'rrsync-no-overwrite',
  'rrsync-no-del',
  'old-ordinary',
  'old-rrsync',
  'old-rrsync-wo-no-lock',
] as const satisfies readonly HostKey[];

const path = (name: string) => join(host.spool, 'instance1', name);
const put = (...names: string[]) => {
  for (const name of names) writeFileSync(path(name), 'an archive');
};

/** As the BBB user; what stands in the answer as lists. */
async function readArchives(key: HostKey, names = ['a.tar', 'b.tar'], subDir = 'instance1') {
  chmodSync(temporary.path, 0o755);
  const workDir = temporary.makeDirectory('work');
  chownSync(workDir, host.bbbUser.uid, host.bbbUser.gid);
  const { value, error } = await runInChildNode(
    `const { rsyncSpool } = await hook('spool/rsync/rsync');
     const { parseSpoolAddress } = await hook('config/spool-address');
     const { workDir, spool, names, subDir } = argument;
     const address = parseSpoolAddress(spool);
     const settings = { address, workDir, extraRsyncOptions: [], retry: { attempts: 1, maxSeconds: 60 }, workSpace: 1e9 };
     const watcher = { signal: new AbortController().signal, warn() {}, debug() {} };
     const seen = await rsyncSpool(settings).readArchives(subDir, names, watcher);
     return { ...seen, waiting: [...seen.waiting], refused: [...seen.refused.keys()] };`,
    {
      argument: { workDir, spool: host.address(key), names, subDir },
      uid: host.bbbUser.uid,
      env: { HOME: host.bbbUser.home, PATH: process.env['PATH'] },
    },
  );
  expect(readdirSync(join(workDir, 'tmp'))).toEqual([]);
  return error ?? value;
}

beforeEach(() => makeSpoolDirectory(host, path('failed')));

it.each(keys)('finds archives, by any number of names in one connection, with the key %s', async (key) => {
  const many = Array.from({ length: 500 }, (_, index) => `m-${index}-video.tar`);
  put('m-7-video.tar', 'm-8-video.tar', 'failed/m-9-video.tar', 'other.tar');
  // That key's answer is silence about all that is there.
  if (key !== 'rrsync-no-overwrite') mkdirSync(path('m-10-video.tar'));
  expect(await readArchives(key, many)).toEqual({
    waiting: ['m-7-video.tar', 'm-8-video.tar'],
    refused: ['m-9-video.tar'],
    failedDirectory: 'visible',
  });
});

it.each(keys)('finds what is in public/, and what failed from there, with the key %s', async (key) => {
  for (const name of ['public', 'failed/public']) makeSpoolDirectory(host, path(name));
  put('public/a.tar', 'failed/public/b.tar');
  expect(await readArchives(key)).toMatchObject({ waiting: ['a.tar'], refused: ['b.tar'] });
});

it.each(keys)("says that PILOS' own failed/ is hidden, with the key %s", async (key) => {
  put('b.tar', 'failed/a.tar');
  chownSync(path('failed'), 33, 33);
  chmodSync(path('failed'), 0o700);
  const hidden = { waiting: ['b.tar'], refused: [], failedDirectory: 'hidden' };
  expect(await readArchives(key)).toMatchObject(hidden);
});

it.each(keys)(
  'distinguishes a missing failed/ from one that is no directory, with the key %s',
  async (key) => {
    rmSync(path('failed'), { recursive: true });
    const missing = { waiting: [], refused: [], failedDirectory: 'missing' };
    expect(await readArchives(key)).toMatchObject(missing);
    makeSpoolDirectory(host, path('elsewhere'));
    put('elsewhere/a.tar');
    symlinkSync('elsewhere', path('failed'));
    expect(await readArchives(key)).not.toMatchObject({ refused: [], failedDirectory: 'missing' });
    rmSync(path('failed'));
    put('failed');
    expect(await readArchives(key)).not.toMatchObject({ failedDirectory: 'visible' });
  },
);

it.each(keys)('creates nothing where the directory is missing, with the key %s', async (key) => {
  expect(await readArchives(key, ['a.tar'], 'missing')).toMatchObject({
    message: expect.stringMatching(/missing does not exist$/),
    exitStatus: 73,
  });
  expect(host.files()).toEqual(['instance1', 'instance1/failed']);
});

it('cannot find it out with a key that may only read', async () => {
  expect(await readArchives('rrsync-ro')).toMatchObject({
    message: expect.stringContaining('is read-only'),
    exitStatus: 77,
  });
});
