/** What PILOS makes of a metadata.xml, row by row: recordings that are refused, misfiled, lost or not playable. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  archiveName,
  createPilosScene,
  type MetadataValues,
  meetingId,
  metadataXml,
  type PilosScene,
  recordId,
} from '../../../support/pilos/pilos-scene.ts';

let scene: PilosScene;

beforeEach(async () => {
  scene = await createPilosScene({ retrySeconds: 0 });
});

afterEach(() => scene.remove());

async function importMetadata(metadata: string | Buffer) {
  await scene.deliver(archiveName, { metadata });
  const [attempt] = await scene.pilos.importOnce();
  if (attempt === undefined) throw new Error('nothing was imported');
  return attempt;
}

const importValues = (values: Partial<MetadataValues>) => importMetadata(metadataXml(values));

it('imports a good one: it can be played, and its values are those of the file', async () => {
  const attempt = await importValues({});
  expect(attempt).toMatchObject({ archive: archiveName, result: 'imported', reason: null, isDeleted: true });
  expect(attempt.formats).toEqual([
    {
      ...{ directory: `video/${recordId}`, isMoved: true },
      storedIn: join(scene.store, 'recordings', recordId, 'video'),
      ...{ id: recordId, format: 'video', meetingId, meetingName: 'Demo' },
      ...{ startTime: 1712758751753, endTime: 1712762351753 },
      link: `https://bbb.example.org/playback/video/${recordId}/`,
    },
  ]);
  const expected = { id: recordId, format: 'video', meetingId, access: 'owner', isPlayable: true };
  expect(scene.pilos.formats()).toEqual([expect.objectContaining(expected)]);
  expect(scene.pilos.temporaryFiles()).toEqual([]);
});

const good = metadataXml();
const unreadable: [string, string | Buffer][] = [
  ['is cut off', good.slice(0, 200)],
  ['is no XML', 'not XML at all'],
  ['has a raw &', good.replace('Demo', 'Demo & more')],
  ['has a control character', good.replace('Demo', 'De\u0001mo')],
  ['is not UTF-8', Buffer.from(good.replace('Demo', 'Jörg'), 'latin1')],
  ['has a reference to the character 0', good.replace('Demo', 'De&#x0;mo')],
  ['is empty', ''],
  ['has a link without a path', metadataXml({ link: 'https://bbb.example.org' })],
  ['has a line break around the id', metadataXml({ id: `\n  ${recordId}\n` })],
  ['has a line break around the format', metadataXml({ format: '\n  video\n' })],
  ['has an id that leads out of the store', metadataXml({ id: '../elsewhere' })],
];

describe('a metadata.xml is an exception, and in the end the archive is refused, when it', () => {
  it.each(unreadable)('%s', async (_what, metadata) => {
    const { result, reason } = await importMetadata(metadata);
    expect({ result, reason }).toEqual({ result: 'refused', reason: expect.stringMatching(/^\w+: ./) });
    expect(scene.pilos.refused()).toEqual([archiveName]);
    expect(scene.pilos.formats().filter(({ isPlayable }) => isPlayable)).toEqual([]);
  });
});

it('keeps a row in its database of a recording whose id leads out of the store', async () => {
  await importValues({ id: '../elsewhere' });
  expect(scene.pilos.recordingIds()).toEqual(['../elsewhere']);
});

const strangers: [string, Partial<MetadataValues>][] = [
  ['is missing', { meetingId: undefined }],
  ['is empty', { meetingId: '' }],
  ['is not known', { meetingId: 'another' }],
  ['has a space before it', { meetingId: ` ${meetingId}` }],
  ['has a line break behind it', { meetingId: `${meetingId}\n` }],
];

describe('an archive is refused at once, and its files stay in temp/, when the meetingId', () => {
  it.each(strangers)('%s', async (_what, values) => {
    const patient = await createPilosScene({ retrySeconds: 3600 });
    await patient.deliver(archiveName, { metadata: metadataXml(values) });
    const [attempt] = await patient.pilos.importOnce();
    expect(attempt).toMatchObject({ result: 'refused', reason: expect.stringContaining('no meeting') });
    expect(patient.pilos.refused()).toEqual([archiveName]);
    const name = archiveName.replace(/\.tar$/, '');
    expect(patient.pilos.temporaryFiles()).toContain(`${name}/video/${recordId}/metadata.xml`);
    expect(patient.pilos.recordingIds()).toEqual([]);
    patient.remove();
  });
});

describe('"imported" and not to be found is a recording', () => {
  it.each([
    ['of another id', { id: 'another' }, 'another/video'],
    ['without an id', { id: '' }, 'video'],
    ['of another format', { format: 'notes' }, `${recordId}/notes`],
    ['without a playback', { format: undefined, link: undefined }, recordId],
  ])('%s', async (_what, values, path) => {
    const link = `https://bbb.example.org/playback/video/${recordId}/`;
    const storedIn = join(scene.store, 'recordings', path);
    const attempt = await importValues({ link, ...values });
    expect(attempt).toMatchObject({
      result: 'imported',
      isDeleted: true,
      formats: [{ storedIn, isMoved: true }],
    });
    expect(scene.pilos.format(recordId, 'video')).toBeUndefined();
    expect(readFileSync(join(storedIn, 'video-0.m4v'), 'utf8')).toBe('a video');
  });
});

describe('"imported" and not playable is a format with', () => {
  it.each<[string, Partial<MetadataValues>]>([
    ['spaces around the id', { id: ` ${recordId} ` }],
    ['spaces around the format', { format: ' video ' }],
    ['spaces around the link', { link: ` https://bbb.example.org/playback/video/${recordId}/ ` }],
    ['line breaks around the link', { link: `\n  https://bbb.example.org/playback/video/${recordId}/\n  ` }],
    ['a link without the id', { link: 'https://bbb.example.org/playback/video/' }],
    ['no playback', { format: undefined, link: undefined }],
  ])('%s', async (_what, values) => {
    expect(await importValues(values)).toMatchObject({ result: 'imported', isDeleted: true });
    expect(scene.pilos.formats().map(({ isPlayable }) => isPlayable)).toEqual([false]);
  });
});
