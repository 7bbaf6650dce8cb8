/** hook/spool/open-spool.ts: a sub directory with an address of its own goes to the top of it, all others to spool_dir. */
import { readdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import { openSpool } from '../../../hook/spool/open-spool.ts';
import { createParcel } from '../../support/files/parcel.ts';
import { useTemporaryDirectory } from '../../support/files/temporary-directory.ts';

const directory = useTemporaryDirectory();

function open() {
  for (const name of ['main', 'main/one', 'two']) directory.makeDirectory(name);
  return openSpool({
    spool: { kind: 'local', path: `${directory.path}/main` },
    spoolDirs: new Map([
      ['two', { kind: 'local', path: `${directory.path}/two` }],
      ['three', { kind: 'ssh', host: 'pilos3', path: '/' }],
    ]),
    workDir: `${directory.path}/work`,
    extraRsyncOptions: [],
    requireMount: false,
    retry: { attempts: 1, maxSeconds: 1 },
    workSpace: 1e9,
  });
}

it('delivers each to its own place', async () => {
  const spool = await open();
  for (const subDir of ['', 'one', 'two']) await spool.deliver(createParcel('archive', { subDir }));
  const found = readdirSync(directory.path, { recursive: true, encoding: 'utf8' }).sort();
  expect(found.filter((name) => !name.startsWith('work'))).toEqual([
    ...['main', 'main/m-1-video.tar', 'main/one', 'main/one/m-1-video.tar', 'two', 'two/m-1-video.tar'],
  ]);
  const { signal, warn, debug } = createParcel('');
  for (const subDir of ['one', 'two']) {
    const seen = await spool.readArchives(subDir, ['m-1-video.tar'], { signal, warn, debug });
    expect([...seen.waiting]).toEqual(['m-1-video.tar']);
  }
});

it('names destination and host of each, also in a dry run', async () => {
  const spool = await open();
  const all = ['', 'one', 'two', 'three'];
  expect(all.map(spool.destination)).toEqual([
    `${directory.path}/main`,
    `${directory.path}/main/one`,
    `${directory.path}/two`,
    'pilos3:/',
  ]);
  expect(all.map(spool.location)).toEqual([
    `${directory.path}/main`,
    `${directory.path}/main`,
    `${directory.path}/two`,
    'pilos3',
  ]);
  const steps = await spool.describeDelivery(createParcel('archive', { subDir: 'three' }));
  expect(steps.some((step) => step.startsWith('run: rsync') && step.endsWith(' pilos3:/.'))).toBe(true);
});
