/** hook/migrate/candidates.ts and sources.ts: which recordings are wanted, and which of them cannot be sent. */
import { rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { chooseCandidates, isMatched, type Wanted } from '../../../hook/migrate/candidates.ts';
import { readSources } from '../../../hook/migrate/sources.ts';
import { useTemporaryDirectory } from '../../support/files/temporary-directory.ts';

const directory = useTemporaryDirectory();
const everything: Wanted = {
  ...{ ids: undefined, origins: [], map: undefined },
  ...{ since: undefined, until: undefined },
};
const of = (externalId: string, origin: string) => ({ externalId, origin });

describe('isMatched', () => {
  it.each([
    ['any, when nothing is asked', undefined, [], true],
    ['its id', ['r1', 'r2'], [], true],
    ['another id', ['r2'], [], false],
    ['its origin', undefined, ['Greenlight'], true],
    ['its origin in another case', undefined, ['GREENLIGHT'], true],
    ['another origin', undefined, ['Moodle', 'none'], false],
    ['one of two origins', undefined, ['Moodle', 'Greenlight'], true],
    ['its id and its origin', ['r1'], ['Greenlight'], true],
    ['its id and another origin', ['r1'], ['Moodle'], false],
    ['another id and its origin', ['r2'], ['Greenlight'], false],
  ])('takes a recording for wanted or not by %s', (_, ids, origins, isWanted) => {
    const wanted = { ids: ids === undefined ? undefined : new Set(ids), origins, map: undefined };
    expect(isMatched(of('r1', 'Greenlight'), wanted)).toBe(isWanted);
  });

  it("calls a recording without an origin 'none'", () => {
    expect(isMatched(of('r1', ''), { ids: undefined, origins: ['none'], map: undefined })).toBe(true);
    expect(isMatched(of('r1', ''), { ids: undefined, origins: [''], map: undefined })).toBe(false);
  });
});

/** Writes one format of a recording; `start` as in its metadata. */
function write(
  path: string,
  { id, room = 'r1', origin = 'Greenlight', start = '' }: Record<string, string> = {},
) {
  const [recordId = ''] = path.split('/').slice(-1);
  const meta = `<meta><meetingId>${room}</meetingId><bbb-origin>${origin}</bbb-origin></meta>`;
  const time = start === '' ? '' : `<start_time>${start}</start_time>`;
  directory.write(`${path}/metadata.xml`, `<recording><id>${id ?? recordId}</id>${time}${meta}</recording>`);
}

function choose(trees: string[], wanted: Partial<Wanted> = {}, coming: string[] = []) {
  const bbb = { publishedDir: directory.path, recordingDir: directory.path };
  const found = readSources(
    bbb,
    trees.map((tree) => `${directory.path}/${tree}`),
  );
  return chooseCandidates(
    found,
    { ...everything, ...wanted },
    {
      ownOrigins: trees.length === 0 ? ['PILOS'] : [],
      isComing: ({ recordId }) => coming.includes(recordId),
    },
  );
}

const shown = ({ candidates }: ReturnType<typeof choose>) =>
  candidates.map(({ published, problem }) => [published.format, published.recordId, problem?.exitStatus]);

const bbbId = `${'a'.repeat(40)}-1712758751753`;

describe('chooseCandidates', () => {
  it('sorts the newest first, by metadata.xml or else by the id, and keeps the formats together', () => {
    write('video/m1', { start: '2000' });
    write('presentation/m1', { start: '2000' });
    write('presentation/m2', { start: '3000' });
    write(`presentation/${bbbId}`);
    write('presentation/m0');
    expect(shown(choose([])).map(([format, id]) => `${format}/${id}`)).toEqual([
      `presentation/${bbbId}`,
      'presentation/m2',
      'presentation/m1',
      'video/m1',
      'presentation/m0',
    ]);
  });

  it('leaves out what is not wanted, and counts it by its reason', () => {
    write('presentation/m1', { start: '1000' });
    write('presentation/m2', { start: '2000' });
    write('presentation/m3', { start: '3000' });
    write('presentation/m4');
    write('presentation/m5', { origin: 'PILOS' });
    write('presentation/m6', { origin: 'Moodle' });
    write('presentation/m7', { origin: '' });
    const choice = choose([], { origins: ['greenlight'], since: 2000, until: 3000 });
    expect(shown(choice)).toEqual([['presentation', 'm2', undefined]]);
    expect(choice).toMatchObject({
      outOfTime: 3,
      own: 1,
      unmatched: new Map([
        ['Moodle', 1],
        ['none', 1],
      ]),
    });
  });

  it('knows of which ids there is no recording, whatever else is wanted of it', () => {
    write('presentation/m1', { room: 'r1', start: '1000' });
    write('presentation/m2', { room: 'r2', origin: 'Moodle' });
    const wanted = { ids: new Set(['r1', 'r2', 'r3']), origins: ['Greenlight'], since: 5000 };
    expect(choose([], wanted)).toMatchObject({ candidates: [], unknownIds: ['r3'] });
  });

  it('compares ids without the white space that BBB writes around a long value', () => {
    write('presentation/m1', { room: '\n        r1\n      ', origin: ' Greenlight ' });
    const wanted = { ids: new Set(['r1']), origins: ['Greenlight'] };
    expect(choose([], wanted)).toMatchObject({ candidates: [{ externalId: 'r1' }], unknownIds: [] });
  });

  it('finds what PILOS would import as something else, or not at all', () => {
    write('presentation/m1', { id: 'other' });
    write('presentation/m2', { room: '' });
    directory.write(`presentation/${bbbId}/video.webm`, '');
    directory.write('presentation/m4/metadata.xml', 'x');
    expect(shown(choose([], { origins: ['Greenlight'] })).sort()).toEqual(
      [bbbId, 'm1', 'm2', 'm4'].map((id) => ['presentation', id, 65]),
    );
  });

  it('looks for such things only where the recording is wanted', () => {
    write('presentation/m1', { id: 'other' });
    expect(shown(choose([], { origins: ['Moodle'] }))).toEqual([]);
  });

  it('lets BBB finish what it is publishing', () => {
    write('presentation/m1');
    directory.write(`presentation/${bbbId}/video.webm`, '');
    expect(shown(choose([], {}, ['m1', bbbId])).sort()).toEqual([
      ['presentation', bbbId, 75],
      ['presentation', 'm1', 75],
    ]);
  });

  it('takes one of two directories with the same files, and none of two that differ', () => {
    for (const tree of ['one', 'two']) write(`${tree}/presentation/m1`);
    for (const tree of ['one', 'two']) write(`${tree}/presentation/m2`);
    const again = ['one', 'one'];
    expect(shown(choose(again))).toEqual([
      ['presentation', 'm1', undefined],
      ['presentation', 'm2', undefined],
    ]);
    directory.write('two/presentation/m2/shapes.svg', '<svg/>');
    rmSync(`${directory.path}/two/presentation/m1`, { recursive: true });
    expect(shown(choose(['one', 'two']))).toEqual([
      ['presentation', 'm1', undefined],
      ['presentation', 'm2', 65],
    ]);
  });
});
