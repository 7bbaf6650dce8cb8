/** hook/pilos/metadata-rules.ts: what goes into the archive instead of a metadata.xml, and what makes two the same. */
import { describe, expect, it } from 'vitest';
import { validateMetadata } from '../../../hook/pilos/metadata-rules.ts';
import { readWithSimpleXml } from '../../support/pilos/simple-xml.ts';
import { expectedErrorOf } from '../../support/program/thrown-error.ts';

const expected = { recordId: 'm-1', format: 'video', directory: '/published/video/m-1' };
const link = 'https://bbb.example.org/playback/video/m-1/?a=1&amp;b=2';

interface Values {
  id?: string;
  meetingId?: string;
  name?: string;
  format?: string;
  link?: string;
}

const document = (values: Values = {}) => `<?xml version="1.0" encoding="UTF-8"?>
<recording>
  <id>${values.id ?? 'm-1'}</id>
  <state>published</state>
  <start_time>1712758751753</start_time>
  <end_time>1712762351753</end_time>
  <participants>3</participants>
  <meeting id="m-1" externalId="room" name="Demo" breakout="false"/>
  <meta>
    <meetingId>${values.meetingId ?? 'room'}</meetingId>
    <meetingName>${values.name ?? 'Demo &amp; ünlü'}</meetingName>
    <pilos-sub-spool-dir> </pilos-sub-spool-dir>
  </meta>
  <playback>
    <format>${values.format ?? 'video'}</format>
    <link>${values.link ?? link}</link>
  </playback>
</recording>
`;

const validate = (text: string, mapMeetingId?: (id: string) => string) =>
  validateMetadata(Buffer.from(text), { ...expected, mapMeetingId });
const identity = (text: string) => validate(text).identity;

/** What BBB's pretty printer makes of a value that does not fit into 80 columns. */
const broken = (value: string) => `\n      ${value}\r\n    `;

describe('white space around values', () => {
  it.each([
    ['the id', { id: broken('m-1') }],
    ['the meetingId', { meetingId: ' room' }],
    ['the format', { format: 'video\t' }],
    ['the link', { link: broken(link) }],
    ['a value in CDATA', { meetingId: '<![CDATA[ room ]]>' }],
    ['a value with a reference', { meetingId: '&#10;room<!-- a -->&#x20;' }],
    [
      'all of them',
      { id: ' m-1', meetingId: ' room ', name: ' Demo &amp; ünlü ', format: ' video ', link: ` ${link}` },
    ],
  ] satisfies [string, Values][])('around %s is not in the archive', (_, values) => {
    const { content, notice } = validate(document(values));
    expect(content.toString()).toBe(document());
    expect(readWithSimpleXml([content])).toEqual(readWithSimpleXml([document()]));
    expect(notice).toContain('/published/video/m-1/metadata.xml has white space around its values');
  });

  it('within a value stays, and so does any around a value that is only shown', () => {
    const text = document({ meetingId: 'a room', name: ' Demo ' });
    expect(validate(text)).toMatchObject({ content: Buffer.from(text), notice: undefined });
    expect(validate(document({ meetingId: ' a  room ' })).content.toString()).toBe(
      document({ meetingId: 'a  room' }),
    );
  });

  it('in a value with an element in it cannot be removed', () => {
    const error = expectedErrorOf(() => validate(document({ meetingId: ' <b/>room' })));
    expect(error).toMatchObject({ code: 'metadata_not_plain', exitStatus: 65 });
  });
});

describe('a meeting id that is mapped', () => {
  it.each([
    ['room', 'abc-123'],
    [' room\n', 'abc-123'],
    ['room', 'a & <b> ]]> ü'],
  ])('stands in the archive instead of %j: %s', (meetingId, mapped) => {
    const { content } = validate(document({ meetingId }), (id) => (id === 'room' ? mapped : id));
    const [before] = readWithSimpleXml([document()]);
    expect(readWithSimpleXml([content])).toEqual([{ ...before, meetingId: mapped }]);
  });

  it('leaves the file as it is when it is mapped to itself', () => {
    expect(validate(document(), (id) => id).content).toEqual(Buffer.from(document()));
  });

  it('is part of the identity', () => {
    expect(validate(document(), () => 'abc').identity).toBe(identity(document({ meetingId: 'abc' })));
    expect(validate(document(), () => 'abc').identity).not.toBe(identity(document()));
  });
});

describe('the identity', () => {
  it.each([
    [
      'white space around values',
      document({ id: broken('m-1'), name: broken('Demo &amp; ünlü'), link: broken(link) }),
    ],
    ['another host in the link', document({ link: link.replace('bbb.example.org', 'new.example.org:8443') })],
    ['another scheme of the link', document({ link: link.replace('https', 'http') })],
    ['another indentation', document().replace(/\n */g, '')],
    ['a value that nobody reads', document().replace('<state>published', '<state>unpublished')],
    ['another way to write a character', document({ name: 'Demo &#38; &#252;nlü' })],
  ])('is the same with %s', (_, text) => {
    expect(text).not.toBe(document());
    expect(identity(text)).toBe(identity(document()));
  });

  it.each([
    ['meetingId', document({ meetingId: 'other' })],
    ['name', document({ name: 'Other' })],
    ['path of the link', document({ link: link.replace('video/', 'videos/') })],
    ['query of the link', document({ link: link.replace('b=2', 'b=3') })],
    ['start', document().replace('1712758751753', '1712758751754')],
    ['end', document().replace('1712762351753', '1712762351754')],
    ['number of participants', document().replace('>3<', '>4<')],
    ['name that the player shows', document().replace('name="Demo"', 'name="Demo 2"')],
  ])('is another with another %s', (_, text) => {
    expect(text).not.toBe(document());
    expect(identity(text)).not.toBe(identity(document()));
  });
});
