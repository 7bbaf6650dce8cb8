/** Whose meeting is it: hook/bbb/events-head.ts and hook/bbb/metadata.ts on what stands in `events.xml`. Its size, and the fall back to `metadata.xml`: metadata-files.test.ts. */
import { describe, expect, it } from 'vitest';
import { decodeEntities, findMetadataElement } from '../../../hook/bbb/events-head.ts';
import { readMeetingMetadata } from '../../../hook/bbb/metadata.ts';
import { useTemporaryDirectory } from '../../support/files/temporary-directory.ts';
import { expectedErrorOf } from '../../support/program/thrown-error.ts';

const directory = useTemporaryDirectory();

const none = () => [];
const unexpected = (message: string) => {
  throw new Error(`a warning: ${message}`);
};

/** What an `events.xml` of this text says, without a `metadata.xml` to fall back to. */
function read(text: string | Uint8Array) {
  return readMeetingMetadata(directory.write('events.xml', text), none, unexpected);
}

const events = (metadata: string) =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<recording meeting_id="x"><meeting id="x"/>${metadata}<event/></recording>`;

describe('readMeetingMetadata', () => {
  it('reads the file as BBB writes it', () => {
    const metadata = read(
      events(`<metadata isBreakout="false" meetingId="bf8d59d9" meetingName="Demo &amp; more"
              bbb-origin="PILOS" pilos-sub-spool-dir="instance1"/>`),
    );
    expect(metadata).toEqual({
      origin: 'PILOS',
      subDir: 'instance1',
      meetingName: 'Demo & more',
      externalId: 'bf8d59d9',
      source: `${directory.path}/events.xml`,
    });
  });

  it.each([
    ['the other order', '<metadata pilos-sub-spool-dir="i" bbb-origin="PILOS"/>'],
    ['single quotes', "<metadata bbb-origin='PILOS' pilos-sub-spool-dir='i'/>"],
    ['both kinds of quotes', '<metadata bbb-origin="PILOS" pilos-sub-spool-dir=\'i\'/>'],
    ['spaces around the equals signs', '<metadata bbb-origin = "PILOS" pilos-sub-spool-dir\n=\n"i" />'],
    ['an end tag of its own', '<metadata bbb-origin="PILOS" pilos-sub-spool-dir="i"></metadata>'],
    ['elements in it', '<metadata bbb-origin="PILOS" pilos-sub-spool-dir="i"><x/></metadata>'],
    ['`>` in a value', '<metadata a="1>0" bbb-origin="PILOS" b=\'/>\' pilos-sub-spool-dir="i"/>'],
    ['the other quote in a value', `<metadata a="it's" bbb-origin="PILOS" b='"' pilos-sub-spool-dir="i"/>`],
    ['`<` in a value', '<metadata a="a<b" bbb-origin="PILOS" pilos-sub-spool-dir="i"/>'],
    [
      'names with a colon and umlauts',
      '<metadata xml:lang="de" ä="1" bbb-origin="PILOS" pilos-sub-spool-dir="i"/>',
    ],
    [
      'names like those that every object has',
      '<metadata toString="1" __proto__="2" constructor="3" hasOwnProperty="4" bbb-origin="PILOS" pilos-sub-spool-dir="i"/>',
    ],
    [
      'a comment before it',
      '<!-- <metadata bbb-origin="other"/> --><metadata bbb-origin="PILOS" pilos-sub-spool-dir="i"/>',
    ],
    ['a comment with quotes', '<!-- don\'t " --><metadata bbb-origin="PILOS" pilos-sub-spool-dir="i"/>'],
    [
      'CDATA before it',
      '<a><![CDATA[<metadata bbb-origin="other"/> ]] > ]]></a><metadata bbb-origin="PILOS" pilos-sub-spool-dir="i"/>',
    ],
    [
      'a processing instruction before it',
      '<?x <metadata bbb-origin="other"/> ?><metadata bbb-origin="PILOS" pilos-sub-spool-dir="i"/>',
    ],
    [
      'events before it',
      '<event><a>1</a></event><event/><metadata bbb-origin="PILOS" pilos-sub-spool-dir="i"/>',
    ],
    [
      'one nested deeper before it',
      '<a><metadata bbb-origin="other"/></a><metadata bbb-origin="PILOS" pilos-sub-spool-dir="i"/>',
    ],
    [
      'elements with similar names before it',
      '<metadata2 bbb-origin="other"/><metadata-x/><metadata bbb-origin="PILOS" pilos-sub-spool-dir="i"/>',
    ],
    [
      'a second one behind it',
      '<metadata bbb-origin="PILOS" pilos-sub-spool-dir="i"/><metadata bbb-origin="other"/>',
    ],
  ])('understands %s', (_, element) => {
    expect(read(events(element))).toMatchObject({ origin: 'PILOS', subDir: 'i' });
  });

  it('does not look beyond the element for the rest to be well-formed', () => {
    expect(read('<recording><metadata bbb-origin="PILOS"/> <broken').origin).toBe('PILOS');
  });

  it('passes over a byte order mark and a DOCTYPE', () => {
    const text = `\ufeff<!DOCTYPE recording [<!ELEMENT a (b)> <!ATTLIST a x CDATA ">]">]>${'<recording><metadata bbb-origin="PILOS"/>'}`;
    expect(read(text).origin).toBe('PILOS');
  });

  it('takes a missing origin and a missing sub directory for empty', () => {
    expect(read(events('<metadata meetingName="x"/>'))).toMatchObject({ origin: '', subDir: '' });
  });

  it('keeps white space: it is the validation of the sub directory that decides', () => {
    expect(read(events('<metadata bbb-origin=" PILOS" pilos-sub-spool-dir="a&#10;"/>'))).toMatchObject({
      origin: ' PILOS',
      subDir: 'a\n',
    });
  });

  it('never expands an entity of a DTD', () => {
    const text = '<!DOCTYPE r [<!ENTITY x "PILOS">]><recording><metadata bbb-origin="&x;"/></recording>';
    expect(read(text).origin).toBe('&x;');
  });

  it('never reads a file that a DTD names', () => {
    const secret = directory.write('secret', 'PILOS');
    const text = `<!DOCTYPE r [<!ENTITY x SYSTEM "file://${secret}">]><recording><metadata bbb-origin="&x;"/></recording>`;
    expect(read(text).origin).toBe('&x;');
  });

  it('is quick with entities that would expand to gigabytes', () => {
    const lines = Array.from({ length: 30 }, (_, n) => `<!ENTITY l${n + 1} "${`&l${n};`.repeat(10)}">`);
    const text = `<!DOCTYPE r [<!ENTITY l0 "lol">${lines.join('')}]><recording><metadata bbb-origin="&l30;"/></recording>`;
    const begin = performance.now();
    expect(read(text).origin).toBe('&l30;');
    expect(performance.now() - begin).toBeLessThan(1000);
  });

  it.each([
    ['an empty file', '', 'ends before its <metadata> is complete'],
    [
      'a file cut in the element',
      '<recording><metadata bbb-origin="PIL',
      'ends before its <metadata> is complete',
    ],
    ['a file cut in a value with `>`', '<recording><metadata a=">" bbb-origin="PILOS"', 'ends before'],
    ['a file cut in a comment', '<recording><!-- <metadata bbb-origin="PILOS"/>', 'ends before'],
    ['a file cut in CDATA', '<recording><![CDATA[ <metadata bbb-origin="PILOS"/>', 'ends before'],
    ['another root element', '<other/>', 'has no <metadata> in its root element'],
    [
      'a root element that ends early',
      '<recording></recording><metadata bbb-origin="PILOS"/>',
      'has no <metadata>',
    ],
    ['metadata as the root element', '<metadata bbb-origin="PILOS"/>', 'has no <metadata>'],
    [
      'only nested metadata',
      '<recording><a><metadata bbb-origin="PILOS"/></a></recording>',
      'has no <metadata>',
    ],
    ['an unescaped `<`', '<recording a<b><metadata bbb-origin="PILOS"/>', 'is not well-formed XML'],
    ['a space after `<`', '<recording>< metadata bbb-origin="PILOS"/>', 'is not well-formed XML'],
    [
      'an attribute twice',
      '<recording><metadata bbb-origin="PILOS" bbb-origin="x"/>',
      'is not well-formed XML',
    ],
    ['an attribute without a value', '<recording><metadata bbb-origin/>', 'is not well-formed XML'],
    ['an attribute without quotes', '<recording><metadata bbb-origin=PILOS />', 'is not well-formed XML'],
    ['text', 'no XML at all', 'ends before its <metadata> is complete'],
    ['binary data', Uint8Array.from({ length: 100_000 }, (_, n) => (n * 7919) % 256), ''],
    ['UTF-16', Buffer.from('\ufeff<recording><metadata bbb-origin="PILOS"/>', 'utf16le'), 'ends before'],
  ])('does not guess from %s', (_, text, why) => {
    const error = expectedErrorOf(() => read(text));
    expect(error.exitStatus).toBe(65);
    expect(error.message).toContain('no file says which front end the meeting belongs to');
    expect(error.message).toContain(why);
    expect(error.fix).toContain('metadata.xml');
  });
});

describe('findMetadataElement', () => {
  it('answers nothing at every cut of the text, and the element once it is whole', () => {
    const element = `<metadata a='>' b="--&gt;" />`;
    const before = `<?xml version="1.0"?><!-- > --><recording x="y"><![CDATA[]]]]><m>t</m>`;
    const text = `${before}${element}<event/>`;
    for (let end = 0; end < before.length + element.length; end += 1)
      expect(findMetadataElement(text.slice(0, end)), text.slice(0, end)).toBeUndefined();
    expect(findMetadataElement(text)).toBe(element);
  });
});

describe('decodeEntities', () => {
  it.each([
    ['&amp;&lt;&gt;&quot;&apos;', `&<>"'`],
    ['&#228;&#xe4;&#xE4;', 'äää'],
    ['&#x1F389;&#127881;', '🎉🎉'],
    ['&#10;&#x9;', '\n\t'],
    ['&amp;lt;', '&lt;'],
    ['&#38;#38;', '&#38;'],
    ['&#x10ffff;', '\u{10ffff}'],
    ['a & b; &x; &AMP; &#; &#x; &# 65; &amp', 'a & b; &x; &AMP; &#; &#x; &# 65; &amp'],
    ['&nbsp;&copy;', '&nbsp;&copy;'],
    ['&#0;&#x0;', '&#0;&#x0;'],
    ['&#xd800;&#57343;', '&#xd800;&#57343;'],
    ['&#x110000;&#1114112;&#9999999;', '&#x110000;&#1114112;&#9999999;'],
    ['&#xfffffff;&#99999999999999999999;', '&#xfffffff;&#99999999999999999999;'],
    ['&#X41;', '&#X41;'],
    ['&#-1;', '&#-1;'],
  ])('makes of %j the text %j', (written, text) => {
    expect(decodeEntities(written)).toBe(text);
  });
});
