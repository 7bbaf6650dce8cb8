/** hook/bbb/metadata.ts on the `metadata.xml` of a published format. */
import { describe, expect, it } from 'vitest';
import { readImportedMetadata, readPublishedMetadata } from '../../../hook/bbb/metadata.ts';
import { useTemporaryDirectory } from '../../support/files/temporary-directory.ts';
import { expectedErrorOf } from '../../support/program/thrown-error.ts';

const directory = useTemporaryDirectory();

describe('readPublishedMetadata', () => {
  const readText = (text: string) => readPublishedMetadata(directory.write('metadata.xml', text));

  it('reads the file as BBB writes it', () => {
    const text = `<?xml version="1.0"?>
<recording>
  <id>x</id> <state>published</state> <start_time>1712758751753</start_time>
  <meta>
    <bbb-origin>PILOS</bbb-origin>
    <pilos-sub-spool-dir/>
    <meetingName>Demo &amp; &#8222;mehr&#8220;</meetingName>
    <meetingId>bf8d59d9</meetingId>
  </meta>
  <playback><format>notes</format></playback>
</recording>`;
    expect(readText(text)).toEqual({
      origin: 'PILOS',
      subDir: '',
      meetingName: 'Demo & „mehr“',
      externalId: 'bf8d59d9',
      startTime: 1_712_758_751_753,
      source: `${directory.path}/metadata.xml`,
    });
  });

  it.each([
    ['CDATA', '<bbb-origin><![CDATA[PILOS]]></bbb-origin>', 'PILOS'],
    ['a comment', '<bbb-origin>PI<!-- x -->LOS</bbb-origin>', 'PILOS'],
    [
      'names of what every object has',
      '<toString/><hasOwnProperty>1</hasOwnProperty><bbb-origin>x</bbb-origin>',
      'x',
    ],
    ['no origin', '<other>PILOS</other>', ''],
    ['an origin elsewhere', '<a><bbb-origin>PILOS</bbb-origin></a>', ''],
    ['nothing', '', ''],
  ])('understands %s in it', (_, meta, origin) => {
    expect(readText(`<recording><meta>${meta}</meta></recording>`).origin).toBe(origin);
  });

  it.each(['', '<start_time/>', '<start_time>soon</start_time>', '<start_time>-5</start_time>'])(
    'knows no start time in %j',
    (start) => {
      expect(readText(`<recording>${start}<meta/></recording>`).startTime).toBeUndefined();
    },
  );

  it('never expands an entity of a DTD', () => {
    const text =
      '<!DOCTYPE r [<!ENTITY x "PILOS">]><recording><meta><bbb-origin>&x;</bbb-origin></meta></recording>';
    expect(readText(text).origin).toBe('&x;');
  });

  it.each([
    ['no <meta>', '<recording></recording>', 'has no <recording> with a <meta> in it'],
    ['another root', '<response><meta/></response>', 'has no <recording>'],
    [
      'two origins',
      '<recording><meta><bbb-origin>PILOS</bbb-origin><bbb-origin>x</bbb-origin></meta></recording>',
      'more than one bbb-origin',
    ],
    [
      'elements in the origin',
      '<recording><meta><bbb-origin><a/></bbb-origin></meta></recording>',
      'no plain text',
    ],
    ['an end tag missing', '<recording><meta></recording>', 'is not well-formed XML'],
    [
      'an element named __proto__',
      '<recording><meta><__proto__/></meta></recording>',
      'is not well-formed XML',
    ],
    ['50,000 levels', '<a>'.repeat(50_000) + '</a>'.repeat(50_000), 'is not well-formed XML'],
    [
      'more than 1 MiB',
      `<recording><meta/>${' '.repeat(1024 * 1024)}</recording>`,
      'is larger than 1048576 bytes',
    ],
  ])('refuses a file with %s', (_, text, why) => {
    expect(() => readText(text)).toThrow(why);
  });

  it('changes nothing for other objects with an element named __proto__', () => {
    expect(() => readText('<recording><meta><__proto__><x>1</x></__proto__></meta></recording>')).toThrow();
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });
});

describe('readImportedMetadata', () => {
  const file = (text: string) => directory.write('metadata.xml', text);

  it('reports the two ids by which PILOS files a recording', () => {
    const meta = '<meta><meetingId>room &amp; more</meetingId><bbb-origin>Greenlight</bbb-origin></meta>';
    // BBB has a third one there, at which PILOS does not look.
    const text = `<recording><id>x-1</id><meeting id="x-2" externalId="other"/>${meta}</recording>`;
    expect(readImportedMetadata(file(text))).toMatchObject({
      ...{ recordId: 'x-1', externalId: 'room & more', origin: 'Greenlight' },
    });
  });

  it('knows none where none is', () => {
    const metadata = readImportedMetadata(file('<recording><meta/></recording>'));
    expect(metadata).toMatchObject({ recordId: '', externalId: '' });
  });

  it.each([
    ['is no XML', () => file('<recording><meta>'), 'is not well-formed XML', 65],
    ['has two ids', () => file('<recording><id>a</id><id>b</id><meta/></recording>'), 'more than one id', 65],
    ['is not there', () => `${directory.path}/none`, '/none does not exist', 65],
    ['is a directory', () => directory.path, 'is not a regular file', 65],
    ['lies behind a file', () => `${file('x')}/metadata.xml`, 'it is not a directory (ENOTDIR)', 78],
  ])('says with its path that a file %s', (_, path, why, exitStatus) => {
    const error = expectedErrorOf(() => readImportedMetadata(path()));
    expect(error).toMatchObject({ exitStatus, message: expect.stringContaining(why) });
    expect(error.message).toContain(directory.path);
  });
});
