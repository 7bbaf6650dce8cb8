/** hook/pilos/metadata-rules.ts: which metadata.xml could be imported; SimpleXML, with which PILOS reads, is asked too. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { attempt, ExpectedError } from '../../../hook/errors.ts';
import { validateMetadata } from '../../../hook/pilos/metadata-rules.ts';
import { readWithSimpleXml } from '../../support/pilos/simple-xml.ts';
import { expectedErrorOf } from '../../support/program/thrown-error.ts';

const expected = { recordId: 'm-1', format: 'video', directory: '/published/video/m-1' };

const good = `<?xml version="1.0" encoding="UTF-8"?>
<recording>
  <id>m-1</id>
  <state>published</state>
  <start_time>1712758751753</start_time>
  <end_time>1712762351753</end_time>
  <participants>3</participants>
  <meeting id="m-1" externalId="room" name="Demo &amp; more" breakout="false"/>
  <meta>
    <meetingId>room</meetingId>
    <meetingName>Jörg &lt;3 <![CDATA[x & y]]></meetingName>
    <pilos-sub-spool-dir/>
  </meta>
  <playback>
    <format>video</format>
    <link>https://bbb.example.org/playback/video/m-1/?t=1#a</link>
  </playback>
</recording>
`;

const changed = (from: string, to: string) => {
  expect(good).toContain(from);
  return good.replace(from, () => to);
};
const validate = (document: string | Buffer) => validateMetadata(Buffer.from(document), expected);
const refusal = (document: string | Buffer) => expectedErrorOf(() => validate(document));

const notWellFormed: [string, string | Buffer][] = [
  ['cut off', good.slice(0, 300)],
  ['no XML', 'not XML at all'],
  ['white space only', ' \n'],
  ['a raw &', changed('&amp;', '&')],
  ['an entity that does not exist', changed('&amp;', '&nbsp;')],
  ['a control character', changed('Jörg', 'J\u0001rg')],
  ['a NUL', changed('Jörg', 'J\0rg')],
  ['a reference to the character 0', changed('Jörg', 'J&#x0;rg')],
  ['a reference to a control character', changed('Jörg', 'J&#31;rg')],
  ['a reference to half a character', changed('Jörg', 'J&#xD83D;rg')],
  ['a character that is none', changed('Jörg', 'J\uFFFErg')],
  ['a control character in an attribute', changed('Demo', 'De\u0008mo')],
  ['< in an attribute', changed('Demo', 'De<mo')],
  ['an attribute without quotes', changed('"false"', 'false')],
  ['an attribute twice', changed('breakout=', 'name=')],
  ['no white space between attributes', changed(' breakout', 'breakout')],
  ['a tag that is not closed', changed('</format>', '')],
  ['tags that cross', changed('</format>', '</link>')],
  ['two roots', `${good}<recording/>`],
  ['text behind the root', `${good}text`],
  ['white space before the declaration', ` ${good}`],
  ['-- in a comment', changed('<meta>', '<meta><!-- a -- b -->')],
  [']]> in text', changed('room</', ']]></')],
  ['a namespace that nobody declares', changed('<pilos-sub-spool-dir/>', '<a:b/>')],
  [
    'elements too deep in each other',
    changed('<pilos-sub-spool-dir/>', '<a>'.repeat(300) + '</a>'.repeat(300)),
  ],
  ['XML 2.0', changed('version="1.0"', 'version="2.0"')],
];

/** Well-formed, but nothing that BBB writes. */
const notSupported: [string, string][] = [
  ['a document type', changed('<recording>', '<!DOCTYPE recording>\n<recording>')],
  ['entities of its own', changed('<recording>', '<!DOCTYPE r [<!ENTITY a "b">]>\n<recording>')],
  ['a declared namespace', changed('<pilos-sub-spool-dir/>', '<a:b xmlns:a="https://a.example/"/>')],
];

const notUtf8: [string, Buffer][] = [
  ['Latin 1', Buffer.from(good, 'latin1')],
  ['UTF-16', Buffer.from(`\uFEFF${good}`, 'utf16le')],
  ['a character cut in two', Buffer.from(good).subarray(0, Buffer.from(good).indexOf('ö') + 1)],
  ['a declaration of another encoding', Buffer.from(changed('UTF-8', 'ISO-8859-1'))],
];

const wrongValues: [string, string, string][] = [
  ['no id', changed('<id>m-1</id>', ''), 'metadata_id_missing'],
  ['an empty id', changed('<id>m-1</id>', '<id> </id>'), 'metadata_id_missing'],
  ['the id of another recording', changed('<id>m-1</id>', '<id>m-2</id>'), 'metadata_id_mismatch'],
  ['an id that leads elsewhere', changed('<id>m-1</id>', '<id>../m-1</id>'), 'metadata_id_mismatch'],
  ['an id with another case', changed('<id>m-1</id>', '<id>M-1</id>'), 'metadata_id_mismatch'],
  [
    'an id with a space that is none of XML',
    changed('<id>m-1</id>', '<id>m-1\u00a0</id>'),
    'metadata_id_mismatch',
  ],
  ['no format', changed('<format>video</format>', ''), 'metadata_format_missing'],
  ['an empty format', changed('>video</', '></'), 'metadata_format_missing'],
  ['the format of another', changed('>video</', '>podcast</'), 'metadata_format_mismatch'],
  ['no playback', good.replace(/<playback>.*<\/playback>/s, ''), 'metadata_playback_missing'],
  ['no meetingId', changed('<meetingId>room</meetingId>', ''), 'metadata_meeting_id_missing'],
  ['an empty meetingId', changed('>room</', '>\n </'), 'metadata_meeting_id_missing'],
  ['no meta', good.replace(/<meta>.*<\/meta>/s, ''), 'metadata_meeting_id_missing'],
  ['its meetingId in a second meta', changed('<meta>', '<meta/><meta>'), 'metadata_meeting_id_missing'],
  ['no link', good.replace(/<link>.*<\/link>/, ''), 'metadata_link_without_path'],
  ['a root of its own for each', '<a/>', 'metadata_playback_missing'],
];

const brokenLinks = [
  'https://bbb.example.org',
  'https://bbb.example.org?a=/b',
  'https://bbb.example.org#/b',
  'https:///playback/video/m-1/',
  'https://bbb.example.org:99999/playback/video/m-1/',
  'https://:80/playback/video/m-1/',
  '//',
];

const withLink = (link: string) => good.replace(/<link>.*<\/link>/, `<link>${link}</link>`);

describe('validateMetadata', () => {
  it('takes a good one as it is', () => {
    expect(validate(good)).toEqual({
      content: Buffer.from(good),
      identity: expect.stringMatching(/^[0-9a-f]{64}$/),
      notice: undefined,
    });
    expect(readWithSimpleXml([good])[0]).toMatchObject({ id: 'm-1', format: 'video', meetingId: 'room' });
  });

  it.each([
    ['a byte order mark', `\uFEFF${good}`],
    ['no declaration', good.replace(/^.*\n/, '')],
    ['comments and instructions', changed('<meta>', '<!-- a --><?b c?><meta>')],
    ['lines as on Windows', good.replaceAll('\n', '\r\n')],
    ['a link with a port', withLink('https://bbb.example.org:8443/playback/video/m-1/')],
    ['a link without a host', withLink('/playback/video/m-1/')],
    ['a link to an address', withLink('http://[2001:db8::1]:80/playback/video/m-1/')],
  ])('takes one with %s, as PILOS does', (_, document) => {
    expect(validate(document).content).toEqual(Buffer.from(document));
    expect(readWithSimpleXml([document])).not.toEqual([null]);
  });

  it.each(notWellFormed)('refuses %s, as PILOS does', (_, document) => {
    expect(refusal(document)).toMatchObject({ code: 'metadata_not_well_formed', exitStatus: 65 });
    expect(readWithSimpleXml([document])).toEqual([null]);
  });

  it.each(notSupported)('refuses %s, which BBB never writes', (_, document) => {
    expect(refusal(document)).toMatchObject({ code: 'metadata_not_well_formed', exitStatus: 65 });
  });

  it.each(notUtf8)('refuses %s', (_, document) => {
    expect(refusal(document)).toMatchObject({ code: 'metadata_not_utf8', exitStatus: 65 });
  });

  it.each(wrongValues)('refuses one with %s', (_, document, code) => {
    expect(refusal(document)).toMatchObject({ code, exitStatus: 65 });
  });

  it.each(brokenLinks)('refuses the link %s, as PILOS does', (link) => {
    expect(refusal(withLink(link))).toMatchObject({ code: 'metadata_link_without_path', exitStatus: 65 });
    expect(readWithSimpleXml([withLink(link)])).toEqual([null]);
  });

  it('says what is wrong, where, and what to do', () => {
    const { message, fix } = refusal(changed('&amp;', '\u0001'));
    expect(message).toMatch(/^\/published\/video\/m-1\/metadata\.xml is not well-formed XML \(8:\d+: .*\)$/);
    expect(fix).toContain("publish the recording again with 'bbb-record --rebuild'");
    expect(refusal(changed('<id>m-1</id>', '<id>m-\u009b2</id>')).message).toContain("the id 'm-\\x9b2'");
  });

  it('takes nothing at which PILOS would throw, however a good one is spoilt', () => {
    const pieces = [
      '<',
      '>',
      '&',
      '"',
      '/',
      '-->',
      ']]>',
      '<?xml',
      '\0',
      '\u0001',
      '&#0;',
      '\uFFFE',
      ':',
      ' a="1"',
    ];
    const cut = fc.record({
      at: fc.nat(good.length),
      length: fc.nat(4),
      piece: fc.constantFrom('', ...pieces),
    });
    const spoil = (cuts: { at: number; length: number; piece: string }[]) =>
      cuts.reduce((text, { at, length, piece }) => text.slice(0, at) + piece + text.slice(at + length), good);
    const documents = fc
      .sample(fc.array(cut, { minLength: 1, maxLength: 2 }), { numRuns: 2000, seed: 1 })
      .map(spoil);
    const taken = documents.filter(
      (document) => !(attempt(() => validate(document)) instanceof ExpectedError),
    );
    expect(taken.length).toBeGreaterThan(50);
    expect(readWithSimpleXml(taken).flatMap((read, index) => (read === null ? [taken[index]] : []))).toEqual(
      [],
    );
  });
});
