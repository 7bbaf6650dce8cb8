import { expect, it } from 'vitest';
import { sized } from '../support/program/test-size.ts';
import { largeSize } from '../support/rsync/rsync-sender.ts';
import { type Program, shipped } from './support/program.ts';
import {
  checkImporterRace,
  checkManyAtOnce,
  checkTimerBesideCalls,
  checkTwoServers,
} from './support/race.ts';
import { createScene, type Problems, type Scene } from './support/scene.ts';
import { createRemoteScene, type KeyKind, usePilosHost } from './support/ssh.ts';
import { withUndo } from './support/undo.ts';

const timeout = 20 * 60_000;
const pilosHost = usePilosHost();

async function onMounted(program: Program, check: (scene: Scene) => Promise<Problems>): Promise<void> {
  await withUndo(async (undo) => {
    const scene = createScene(program, { bytes: 200_000 });
    undo(scene.remove);
    expect(await check(scene)).toEqual([]);
  });
}

async function overRsync(
  key: KeyKind,
  bytes: number,
  check: (scene: Scene) => Promise<Problems>,
): Promise<void> {
  await withUndo(async (undo) => {
    const scene = createRemoteScene(shipped, pilosHost(), undo, { key, bytes });
    expect(await check(scene)).toEqual([]);
  });
}

it('gives an importer that takes every archive on sight each one whole', { timeout }, async () => {
  await onMounted(shipped, (scene) => checkImporterRace(scene, sized(6, 200), 'mounted spool'));
});

it.each([200_000, largeSize])(
  'gives the same importer each one of %d bytes whole over rsync',
  { timeout },
  async (bytes) => {
    await overRsync('recommended', bytes, (scene) => checkImporterRace(scene, sized(2, 40), 'rsync'));
  },
);

it('ends with one whole archive after many runs of the same recording at once', { timeout }, async () => {
  await onMounted(shipped, (scene) => checkManyAtOnce(scene, sized(8, 20), 'mounted spool'));
});

it.each([
  { key: 'documented', bytes: largeSize },
  { key: 'recommended', bytes: 200_000 },
] as const)(
  'ends with one whole archive of $bytes bytes after many runs at once over rsync ($key key)',
  { timeout },
  async ({ key, bytes }) => {
    await overRsync(key, bytes, (scene) => checkManyAtOnce(scene, sized(4, 20), `rsync with the ${key} key`));
  },
);

it('delivers every recording once when deliver runs beside the calls of BBB', { timeout }, async () => {
  expect(await checkTimerBesideCalls(shipped, sized(1, 20))).toEqual([]);
});

it('leaves the files of another living server in the same spool alone, and clears its own', {
  timeout,
}, async () => {
  expect(await checkTwoServers(shipped)).toEqual([]);
});
