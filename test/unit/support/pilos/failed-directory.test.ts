/** Who sees what PILOS refuses: it runs as a user of its own, as `www-data` in group pilos-spool. */
import { chmodSync, chownSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createPilosScene, metadataXml, type PilosScene } from '../../../support/pilos/pilos-scene.ts';
import { runProgram } from '../../../support/program/run-program.ts';

// Numbers suffice: no account is needed for them.
const pilosUser = { uid: 62_033, gid: 62_000 };
const bbbUser = { uid: 62_998, gid: 62_000 };
let scene: PilosScene;

beforeEach(async () => {
  scene = await createPilosScene({ user: pilosUser });
  chownSync(scene.spool, -1, pilosUser.gid);
  chmodSync(scene.spool, 0o2775);
});

afterEach(() => scene.remove());

/** What BBB's user gets to see of `failed/`. */
async function listAsBbb(): Promise<string> {
  const { status, stdout } = await runProgram('ls', [join(scene.spool, 'failed')], { user: bbbUser });
  return status === 0 ? stdout.trim() : 'no access';
}

const isRoot = process.getuid?.() === 0;

it.runIf(isRoot)('PILOS makes failed/ itself, and nobody else can look inside', async () => {
  await scene.deliver('a.tar', { metadata: metadataXml({ meetingId: 'another' }) });
  await scene.pilos.importOnce();
  expect(scene.pilos.refused()).toEqual(['a.tar']);
  const { uid, mode } = statSync(join(scene.spool, 'failed'));
  expect([uid, (mode & 0o777).toString(8)]).toEqual([pilosUser.uid, '700']);
  expect(await listAsBbb()).toBe('no access');
});

it.runIf(isRoot)('PILOS uses a failed/ that an admin has made before, as it is', async () => {
  mkdirSync(join(scene.spool, 'failed'));
  chownSync(join(scene.spool, 'failed'), -1, pilosUser.gid);
  chmodSync(join(scene.spool, 'failed'), 0o2775);
  await scene.deliver('a.tar', { metadata: metadataXml({ meetingId: 'another' }) });
  await scene.pilos.importOnce();
  expect(await listAsBbb()).toBe('a.tar');
});

it.runIf(isRoot)('PILOS cannot take what its user may not read', async () => {
  chmodSync(await scene.deliver('a.tar'), 0o600);
  expect(await scene.pilos.importOnce()).toMatchObject([{ result: 'exception' }]);
});

it.runIf(isRoot)('PILOS imports again and again what its user may not delete', async () => {
  await scene.deliver('a.tar');
  chmodSync(scene.spool, 0o755);
  for (const isMoved of [true, false])
    expect(await scene.pilos.importOnce()).toMatchObject([
      { result: 'imported', isDeleted: false, formats: [{ isMoved }] },
    ]);
});
