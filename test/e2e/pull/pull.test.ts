/**
 * PILOS fetches: examples/pull/pull-recordings.sh, run as PILOS' user, over a real sshd and rrsync on the BBB server. The
 * host of the tests plays the BBB server here, and its client PILOS.
 */
import { chownSync, copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { projectDirectory } from '../../../build/project.ts';
import type { BbbTree } from '../../support/bbb/bbb-tree.ts';
import { useBbbTrees } from '../../support/bbb/use-bbb-trees.ts';
import { compareTrees } from '../../support/files/compare-trees.ts';
import { importSpool } from '../../support/pilos/import-spool.ts';
import { runProgram } from '../../support/program/run-program.ts';
import { readLedger } from '../../support/program/traces.ts';
import { asBbbUser, type HostKey, makeSpoolDirectory, useRsyncHost } from '../../support/rsync/rsync-host.ts';

const host = useRsyncHost();
const createTree = useBbbTrees();
const script = join(projectDirectory, 'examples/pull/pull-recordings.sh');
const archive = (id: string) => `${id}-presentation.tar`;

/** A BBB server with its own spool, and PILOS' spool on another one. */
function createServers(key: HostKey = 'rrsync-no-lock', more: readonly string[] = []) {
  const tree = createTree({ spool: host.spool });
  makeSpoolDirectory(host, join(host.spool, 'failed'));
  const spool = join(tree.root, 'pilos-spool');
  for (const directory of [spool, join(spool, 'failed')]) {
    mkdirSync(directory);
    chownSync(directory, host.bbbUser.uid, host.bbbUser.gid);
  }
  const { user, env } = asBbbUser(host);
  const address = host.address(key).replace(/\/?$/, '/');
  // PILOS' user may not read what lies in root's home.
  const copy = join(tree.root, 'pull-recordings.sh');
  copyFileSync(script, copy);
  const pull = () =>
    runProgram('sh', [copy], {
      ...(user === undefined ? {} : { user }),
      env: { ...env, PILOS_SPOOL: spool, BBB_SPOOLS: [...more, address].join(' ') },
      cwd: '/',
    });
  return { tree, spool, pull };
}

const visible = (directory: string) => readdirSync(directory).filter((name) => name.endsWith('.tar'));
const stateOf = (tree: BbbTree, id: string) => readLedger(tree, id, 'presentation').state;

it.each(['ordinary', 'rrsync-no-lock', 'old-rrsync'] as const)(
  'with the key %s, an archive stays on the BBB server until PILOS has taken it, and what became of it is known there',
  async (key) => {
    const { tree, spool, pull } = createServers(key);
    const [good, unknown] = [tree.addMeeting(), tree.addMeeting()];
    for (const { id } of [good, unknown]) expect((await tree.run(['-m', id])).status).toBe(0);
    const both = [good.id, unknown.id].map(archive).sort();

    for (let times = 0; times < 2; times += 1) {
      expect(await pull()).toMatchObject({ status: 0, stdout: '', stderr: '' });
      expect(visible(spool).sort()).toEqual(both);
      expect(visible(host.spool).sort()).toEqual(both);
    }
    await tree.run(['deliver']);
    expect(stateOf(tree, good.id)).toBe('delivered');

    // PILOS does not know the meeting of one of them.
    renameSync(join(spool, archive(unknown.id)), join(spool, 'failed', archive(unknown.id)));
    const [imported] = await importSpool(spool, join(tree.root, 'store'));
    expect(compareTrees(good.published('presentation'), imported?.formats[0]?.storedIn ?? '')).toEqual([]);
    expect(await pull()).toMatchObject({ status: 0, stdout: '', stderr: '' });
    expect(visible(host.spool)).toEqual([]);
    expect(visible(join(host.spool, 'failed'))).toEqual([archive(unknown.id)]);
    await tree.run(['deliver']);
    expect([good, unknown].map(({ id }) => stateOf(tree, id))).toEqual(['imported', 'refused']);
  },
);

it('what was refused once and is sent again is distinguished from its earlier archive', async () => {
  const { tree, spool, pull } = createServers();
  const { id } = tree.addMeeting();
  await tree.run(['-m', id]);
  await pull();
  renameSync(join(spool, archive(id)), join(spool, 'failed', archive(id)));
  await pull();
  await tree.run(['deliver']);
  expect(stateOf(tree, id)).toBe('refused');
  const earlier = Date.now() / 1000 - 3600;
  for (const place of [spool, host.spool]) utimesSync(join(place, 'failed', archive(id)), earlier, earlier);

  expect((await tree.run(['-m', id])).status).toBe(0);
  expect((await pull()).status).toBe(0);
  await importSpool(spool, join(tree.root, 'store'));
  await pull();
  expect(visible(host.spool)).toEqual([]);
  await tree.run(['deliver']);
  expect(stateOf(tree, id)).toBe('imported');
});

it('a server that cannot be reached holds up no other one, and the exit status says so', async () => {
  const { tree, spool, pull } = createServers('rrsync-no-lock', ['no-such-host.invalid:/']);
  const { id } = tree.addMeeting();
  await tree.run(['-m', id]);
  const { status, stderr } = await pull();
  expect(status).toBe(1);
  expect(stderr).toContain('no-such-host.invalid');
  expect(visible(spool)).toEqual([archive(id)]);
  expect(existsSync(join(host.spool, archive(id)))).toBe(true);
});
