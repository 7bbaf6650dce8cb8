/** Archives that PILOS cannot import: how long it tries, and where they end. */
import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  archiveName,
  createPilosScene,
  metadataXml,
  type PilosScene,
  recordId,
} from '../../../support/pilos/pilos-scene.ts';

const stranger = { metadata: metadataXml({ meetingId: 'another' }) };
let scene: PilosScene;

beforeEach(async () => {
  scene = await createPilosScene();
});

afterEach(() => scene.remove());

/** What became of the archives of a round, by name. */
async function importRound(...round: Parameters<PilosScene['pilos']['importOnce']>) {
  const attempts = await scene.pilos.importOnce(...round);
  return Object.fromEntries(attempts.map(({ archive, result }) => [archive, result]));
}

describe('an archive that throws', () => {
  it('is tried again, and imported when it is whole', async () => {
    writeFileSync(join(scene.spool, archiveName), 'half');
    expect(await importRound()).toEqual({ [archiveName]: 'exception' });
    expect(existsSync(join(scene.spool, 'failed'))).toBe(false);
    await scene.deliver(archiveName);
    expect(await importRound()).toEqual({ [archiveName]: 'imported' });
  });

  it('is refused when the hour is over, which is counted across rounds', async () => {
    writeFileSync(join(scene.spool, archiveName), 'half');
    expect(await importRound()).toEqual({ [archiveName]: 'exception' });
    await scene.pilos.letTimePass(3000);
    expect(await importRound()).toEqual({ [archiveName]: 'exception' });
    await scene.pilos.letTimePass(600);
    expect(await importRound()).toEqual({ [archiveName]: 'refused' });
    expect(scene.pilos.refused()).toEqual([archiveName]);
    expect(await importRound()).toEqual({});
  });

  it('is no longer tried when it is gone', async () => {
    writeFileSync(join(scene.spool, archiveName), 'half');
    await importRound();
    rmSync(join(scene.spool, archiveName));
    expect(await importRound()).toEqual({ [archiveName]: 'gone' });
    expect(await importRound()).toEqual({});
  });

  it('comes back from failed/ when it is gone and one of its name lies there', async () => {
    await scene.deliver(`failed/${archiveName}`);
    writeFileSync(join(scene.spool, archiveName), 'half');
    await importRound();
    rmSync(join(scene.spool, archiveName));
    expect(await importRound()).toEqual({ [archiveName]: 'imported' });
  });
});

describe('what is refused', () => {
  it('is imported from the spool after its meeting is known, mixed with what the first try left', async () => {
    await scene.deliver(archiveName, { ...stranger, directory: 'video/old' });
    expect(await importRound()).toEqual({ [archiveName]: 'refused' });
    await scene.pilos.knows('another');
    await scene.deliver(archiveName, { metadata: metadataXml({ id: 'new' }), directory: 'video/new' });
    expect(await importRound()).toEqual({ [archiveName]: 'imported' });
    expect(scene.pilos.recordingIds().sort()).toEqual([recordId, 'new'].sort());
  });

  it('leaves the formats that were read before it', async () => {
    const other = { directory: 'video/zzz', metadata: metadataXml({ id: 'zzz', meetingId: 'another' }) };
    await scene.deliver(archiveName, {}, other);
    expect(await importRound()).toEqual({ [archiveName]: 'refused' });
    expect(scene.pilos.recordingIds()).toEqual([recordId]);
  });

  it('comes to failed/public/ from public/', async () => {
    await scene.deliver(`public/${archiveName}`, stranger);
    await importRound();
    expect(scene.pilos.refused()).toEqual([`public/${archiveName}`]);
  });

  it('replaces an earlier archive of its name', async () => {
    for (const video of ['first', 'second, and of another size'.repeat(1000)]) {
      await scene.deliver(archiveName, { ...stranger, video });
      await importRound();
    }
    expect(scene.pilos.refused()).toEqual([archiveName]);
    expect(statSync(join(scene.spool, 'failed', archiveName)).size).toBeGreaterThan(20_000);
  });

  it('stays where it is when failed is a file, and is tried anew in each round', async () => {
    writeFileSync(join(scene.spool, 'failed'), '');
    await scene.deliver(archiveName, stranger);
    for (const _round of [1, 2]) expect(await importRound()).toEqual({ [archiveName]: 'refused' });
    expect(readdirSync(scene.spool).sort()).toEqual([archiveName, 'failed'].sort());
  });
});
