/** When PILOS looks at an archive, what it keeps, and what it throws away. */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  archiveName,
  createPilosScene,
  meetingId,
  metadataXml,
  type PilosScene,
  recordId,
} from '../../../support/pilos/pilos-scene.ts';

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

const storedVideo = () =>
  readFileSync(join(scene.store, 'recordings', recordId, 'video/video-0.m4v'), 'utf8');
const digest = () => scene.pilos.format(recordId, 'video')?.digest;

describe('a look into the spool', () => {
  it('takes what ends in .tar at the top and in public/, and nothing else', async () => {
    for (const name of ['a.tar', 'public/b.tar', 'instance1/c.tar', 'failed/d.tar', 'public/deep/e.tar'])
      await scene.deliver(name);
    writeFileSync(join(scene.spool, '.f.tar.XyZ123'), '');
    mkdirSync(join(scene.spool, 'g.tar'));
    expect(await importRound()).toEqual({ 'a.tar': 'imported', 'public/b.tar': 'imported' });
  });

  it('takes a half-written archive too', async () => {
    copyFileSync(await scene.deliver('whole.part'), join(scene.spool, 'a.tar'));
    const { size } = statSync(join(scene.spool, 'a.tar'));
    writeFileSync(join(scene.spool, 'a.tar'), Buffer.alloc(size / 2, 'x'));
    expect(await importRound()).toEqual({ 'a.tar': 'exception' });
  });

  it('deletes an archive of nothing as a success', async () => {
    writeFileSync(join(scene.spool, 'a.tar'), Buffer.alloc(10_240));
    expect(await scene.pilos.importOnce()).toMatchObject([
      { result: 'imported', isDeleted: true, formats: [] },
    ]);
    expect(readdirSync(scene.spool)).toEqual([]);
  });

  it('shows recordings of public/ to everyone, and others to their owner', async () => {
    const other = { metadata: metadataXml({ id: 'other' }) };
    await scene.deliver('a.tar');
    await scene.deliver('public/b.tar', other);
    await importRound();
    const access = scene.pilos.formats().map((one) => [one.id, one.access]);
    expect(Object.fromEntries(access)).toEqual({ [recordId]: 'owner', other: 'everyone' });
  });

  it('imports all formats of an archive, and of a directory without metadata.xml nothing', async () => {
    const notes = { directory: `notes/${recordId}`, metadata: metadataXml({ format: 'notes' }) };
    await scene.deliver('a.tar', {}, notes, { directory: 'rest', metadata: false });
    await importRound();
    expect(scene.pilos.formats().map(({ format }) => format)).toEqual(['notes', 'video']);
  });

  it('runs three imports at once', async () => {
    for (const name of ['a.tar', 'b.tar', 'c.tar', 'd.tar'])
      await scene.deliver(name, { metadata: metadataXml({ id: name }) });
    const stored = () => scene.pilos.formats().filter((one) => one.digest !== undefined);
    const beforeDeleting = async () => {
      while (stored().length < 3) await new Promise((done) => setTimeout(done, 10));
    };
    expect(Object.keys(await importRound({ beforeDeleting }))).toHaveLength(4);
  });
});

describe('a recording that PILOS has', () => {
  beforeEach(async () => {
    await scene.deliver(archiveName, { video: 'first' });
    await importRound();
  });

  it('is never replaced: the second archive is deleted, and thrown away', async () => {
    const first = digest();
    await scene.deliver(archiveName, { video: 'second' });
    const [attempt] = await scene.pilos.importOnce();
    expect(attempt).toMatchObject({ result: 'imported', isDeleted: true, formats: [{ isMoved: false }] });
    expect(digest()).toBe(first);
    expect(scene.pilos.temporaryFiles()).toEqual([]);
  });

  it('counts again when it was deleted in PILOS', async () => {
    const first = digest();
    await scene.pilos.deleteRecording(recordId);
    expect(scene.pilos.recordingIds()).toEqual([]);
    await scene.deliver(archiveName, { video: 'second' });
    expect(await scene.pilos.importOnce()).toMatchObject([{ formats: [{ isMoved: true }] }]);
    expect(digest()).not.toBe(first);
  });

  it('gets another format, but not in one of the same name', async () => {
    const notes = { directory: `notes/${recordId}`, metadata: metadataXml({ format: 'notes' }) };
    const segment = { directory: `video/${recordId}-2`, video: 'segment' };
    await scene.deliver('notes.tar', notes);
    await scene.deliver('segment.tar', segment);
    const attempts = await scene.pilos.importOnce();
    const moved = attempts.map(({ archive, formats }) => [archive, formats[0]?.isMoved]);
    expect(Object.fromEntries(moved)).toEqual({ 'notes.tar': true, 'segment.tar': false });
  });
});

describe('an archive delivered over another', () => {
  it('is deleted unread while the first is imported', async () => {
    await scene.deliver(archiveName, { video: 'first' });
    const beforeDeleting = async () => {
      await scene.deliver(archiveName, { video: 'second' });
    };
    expect(await importRound({ beforeDeleting })).toEqual({ [archiveName]: 'imported' });
    expect(readdirSync(scene.spool)).toEqual([]);
    expect(storedVideo()).toBe('first');
  });

  it('is imported when the first was not taken yet', async () => {
    await scene.deliver(archiveName, { video: 'first' });
    await scene.deliver(archiveName, { video: 'second' });
    await importRound();
    expect(storedVideo()).toBe('second');
  });
});

it('looks into the spool again and again until it is stopped', async () => {
  const running = scene.pilos.start(0.05);
  for (const id of ['a', 'b']) {
    await scene.deliver(`${id}.tar`, { metadata: metadataXml({ id }) });
    while (existsSync(join(scene.spool, `${id}.tar`))) await new Promise((done) => setTimeout(done, 10));
  }
  await running.stop();
  expect(running.attempts.map(({ archive, result }) => `${archive} ${result}`)).toEqual([
    'a.tar imported',
    'b.tar imported',
  ]);
});

it('knows every meeting when asked to, but not one without an id', async () => {
  await scene.pilos.knows('every meeting');
  await scene.deliver('a.tar', { metadata: metadataXml({ id: 'a', meetingId: `not ${meetingId}` }) });
  await scene.deliver('b.tar', { metadata: metadataXml({ id: 'b', meetingId: '' }) });
  expect(await importRound()).toEqual({ 'a.tar': 'imported', 'b.tar': 'refused' });
});
