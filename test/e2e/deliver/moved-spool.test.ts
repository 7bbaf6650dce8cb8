/** `deliver --moved-from`: pilos.yml has another address for the same spool, and nothing is sent again because of it. */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { dump } from 'js-yaml';
import { expect, it } from 'vitest';
import type { LedgerEntry } from '../../../hook/delivery/ledger-entry.ts';
import { installBbbRecord } from '../../support/bbb/bbb-record.ts';
import type { BbbTree } from '../../support/bbb/bbb-tree.ts';
import { useBbbTrees } from '../../support/bbb/use-bbb-trees.ts';
import { confirmImports } from '../../support/pilos/confirm-imports.ts';
import { expectRefused } from '../../support/program/expect-refused.ts';
import { hasSenderDone, ledgerFile, letDeliveryBe, readLedger } from '../../support/program/traces.ts';

const createTree = useBbbTrees();

function configure(tree: BbbTree, spoolDir: string, more: object = {}): void {
  writeFileSync(tree.pilosYml, dump({ work_dir: tree.workDir, spool_dir: spoolDir, ...more }));
}

const archive = (id: string) => `${id}-presentation.tar`;

it('lets prune and status know what PILOS has, and sends neither that nor what waits', async () => {
  const tree = createTree();
  const { PATH } = installBbbRecord(tree);
  const imported = tree.addMeeting();
  await tree.run(['-m', imported.id]);
  await confirmImports(tree);
  const waiting = tree.addMeeting();
  await tree.run(['-m', waiting.id]);
  // `migrate` has a ledger of its own.
  const migrated = join(tree.workDir, 'migrated', `${imported.id}-presentation.json`);
  mkdirSync(dirname(migrated));
  copyFileSync(ledgerFile(tree, imported.id, 'presentation'), migrated);
  const moved = join(tree.root, 'elsewhere');
  renameSync(tree.spoolDir, moved);
  configure(tree, moved);
  letDeliveryBe(tree, imported.id, 'presentation', { days: 20 });

  const kept = await tree.run(['prune'], { env: { PATH } });
  expect(kept.stderr).toContain(`run 'pilos-post-publish deliver --moved-from ${tree.spoolDir}'`);
  const { status, stdout, stderr } = await tree.run(['deliver', '--moved-from', tree.spoolDir]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toContain(
    `3 deliveries to ${tree.spoolDir} count as made to the address that pilos.yml has now`,
  );
  expect(stdout).toContain('nothing to deliver');
  expect((await tree.run(['status', '-m', waiting.id])).stdout).toContain(` to ${moved}\n`);
  expect(readFileSync(migrated, 'utf8')).toContain(JSON.stringify(moved));
  expect(hasSenderDone(tree, imported.id)).toBe(true);
  expect((await tree.run(['prune'], { env: { PATH } })).stdout).toContain('1 deleted');
  expect(existsSync(imported.published('presentation'))).toBe(false);
});

it('delivers again what was not seen imported and is not there: it may be another spool after all', async () => {
  const tree = createTree();
  const [lost, refused] = [tree.addMeeting(), tree.addMeeting()];
  for (const { id } of [lost, refused]) await tree.run(['-m', id]);
  const moved = join(tree.root, 'elsewhere');
  mkdirSync(join(moved, 'failed'), { recursive: true });
  renameSync(join(tree.spoolDir, archive(refused.id)), join(moved, 'failed', archive(refused.id)));
  configure(tree, moved);
  const { status, stdout } = await tree.run(['deliver', '--moved-from', tree.spoolDir]);
  expect(status).toBe(0);
  expect(stdout).toContain(`${archive(lost.id)} is delivered again: it was not seen imported`);
  expect(existsSync(join(moved, archive(lost.id)))).toBe(true);
  expect(readLedger(tree, refused.id, 'presentation').state).toBe('refused');
});

it.each([
  [
    'from a mount to a directory of its own',
    (tree: BbbTree) => tree.spoolDir,
    (tree: BbbTree) => `${tree.spoolDir}/one`,
  ],
  ['from ssh to a mount', () => 'pilos:/', () => 'pilos:/one'],
  ['from ssh, with nothing but the host', () => 'me@pilos:', () => 'me@pilos:one'],
  ['from a daemon', () => 'rsync://pilos/spool/', () => 'rsync://pilos/spool/one'],
])('follows a sub directory: %s', async (_, from, delivered) => {
  const tree = createTree({ subDirs: ['one'] });
  const { id } = tree.addMeeting({ subDir: 'one' });
  await tree.run(['-m', id]);
  const file = ledgerFile(tree, id, 'presentation');
  const entry = JSON.parse(readFileSync(file, 'utf8')) as LedgerEntry;
  if (entry.delivered === undefined) throw new Error('not delivered');
  entry.delivered.destination = delivered(tree);
  entry.delivered.import = { state: 'imported', at: entry.delivered.at };
  writeFileSync(file, JSON.stringify(entry));
  rmSync(join(tree.spoolDir, 'one', archive(id)));
  const own = join(tree.root, 'own');
  mkdirSync(own);
  configure(tree, tree.spoolDir, { spool_dirs: { one: own } });
  const { status, stdout } = await tree.run(['deliver', '--moved-from', from(tree)]);
  expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringContaining('1 delivery to') });
  expect(readLedger(tree, id, 'presentation').delivered?.destination).toBe(own);
});

it('is refused with 64 for what is no address, and where nothing was delivered', async () => {
  const tree = createTree();
  const { id } = tree.addMeeting();
  await tree.run(['-m', id]);
  expectRefused(
    await tree.run(['deliver', '--moved-from', 'spool']),
    64,
    "'spool' is neither an absolute path",
  );
  const other = await tree.run(['deliver', '--moved-from', '/other']);
  expectRefused(
    other,
    64,
    "nothing was delivered to '/other'",
    `archives were delivered to ${tree.spoolDir}`,
  );
  expect((await tree.run(['deliver', '--moved-from', '/other', '--dry-run'])).status).toBe(64);
});
