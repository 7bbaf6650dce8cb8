/** Mutated inputs: what an admin, BBB or an API client could have written, and then some. */
import fc from 'fast-check';

export const fuzzTargets = ['pilos.yml', 'events.xml', 'metadata.xml'] as const;
export type FuzzTarget = (typeof fuzzTargets)[number];

/** The same inputs in every run of the suite. */
export const fuzzSeed = 20_240_410;

/** Of all that have one. */
export const fuzzMeetingId = '495513f19d7da5edb02237f3bca1ee0634f1e235-1712758751753';

const events = (attributes: string) => `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE recording [ <!ENTITY x "y"> ]>
<recording meeting_id="${fuzzMeetingId}" bbb_version="3.0.9">
  <!-- <metadata bbb-origin="other"/> -->
  <meeting id="4955" externalId="bf8d59d9" name="Demo &amp; more" breakout="false"/>
  <metadata isBreakout="false" meetingName="Demo &lt;1&gt; &#228;" ${attributes}/>
  <event timestamp="105434" module="PARTICIPANT"><name><![CDATA[J>rg]]></name></event>
</recording>
`;

const metadata = (meta: string) => `<?xml version="1.0"?>
<recording>
  <id>${fuzzMeetingId}</id>
  <state>published</state>
  <start_time>1712758751753</start_time>
  <meta>
    <meetingId>bf8d59d9-5a4c-4d0e-9a55-3c8f4f4f0c11</meetingId>
    <meetingName>Demo &amp; more &#x1F600;</meetingName>
    ${meta}
  </meta>
  <playback><format>presentation</format><link>https://bbb.example.org/playback/presentation/2.3/${fuzzMeetingId}</link></playback>
</recording>
`;

const pilos = (directory: string) => `# the comment of PILOS' file
work_dir: ${directory}/var/bigbluebutton/recording/pilos
spool_dir: "${directory}/mnt/pilos-spool"
extra_rsync_opts: ["-v", '--bwlimit=1000']
origins:
  - PILOS
  - &other 'Other "front" end'
  - *other
allowed_sub_dirs: [instance1, a/b]
require_mount: no
retry: { attempts: 2, max_seconds: 1 }
log_file: ${directory}/log
deliver: now
delete_after_transfer: false
`;

/** Valid texts to start from. @param directory of a BBB tree, where the paths in `pilos.yml` lie */
export function originals(target: FuzzTarget, directory: string): string[] {
  if (target === 'pilos.yml') {
    const remote = `work_dir: ${directory}/work\nspool_dir: pilos@127.0.0.1:/\nextra_rsync_opts: -e ssh\n`;
    return [
      pilos(directory),
      `work_dir: ${directory}/work\nspool_dir: ${directory}/mnt/pilos-spool\n`,
      remote,
    ];
  }
  const [attribute, element] = [
    'bbb-origin="PILOS" pilos-sub-spool-dir="instance1"',
    '<bbb-origin>PILOS</bbb-origin><pilos-sub-spool-dir>instance1</pilos-sub-spool-dir>',
  ];
  if (target === 'events.xml') return [events(attribute), events('bbb-origin="PILOS"'), events('')];
  return [metadata(element), metadata('<bbb-origin>PILOS</bbb-origin><pilos-sub-spool-dir/>')];
}

/** What breaks parsers, paths and command lines. */
const tokens = [
  ...[
    '<',
    '>',
    '/>',
    '</',
    '<!--',
    '-->',
    '<![CDATA[',
    ']]>',
    '<?',
    '?>',
    '<!DOCTYPE a [',
    ']>',
    '&',
    '&#0;',
    '&#x110000;',
  ],
  ...[
    '&amp;',
    '&x;',
    '"',
    "'",
    '=',
    '<metadata ',
    '</recording>',
    '<meta>',
    '<a '.repeat(500),
    '<b>'.repeat(2000),
  ],
  ...[
    '../',
    '/etc/passwd',
    '..',
    '-e',
    '--rsh=sh',
    '$(id)',
    '`id`',
    ';',
    '|',
    '\0',
    '\n',
    '\r\n',
    '\t',
    '\u2028',
    '\u202e',
  ],
  ...[
    '\ufeff',
    '\ud800',
    '\u{1f600}',
    '*',
    '&a',
    '*a',
    '&a [*a]',
    '<<: ',
    '!!binary ',
    '!!js/function ',
    '!ruby/object:X ',
  ],
  ...[
    '[',
    ']',
    '{',
    '}',
    '- ',
    ': ',
    '? ',
    '#',
    '---\n',
    '...\n',
    '%YAML 1.1\n',
    '|\n',
    '>\n',
    '~',
    'null',
    'yes',
    '.inf',
  ],
  ...[
    '0x',
    '1e400',
    '-1',
    '99999999999999999999',
    '2001-01-01',
    '__proto__: ',
    'constructor: ',
    'host:path',
    'rsync://h/m',
  ],
  ...['[[['.repeat(300), '{a: '.repeat(300), 'a'.repeat(5000), '&a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\n'],
];

type Mutation = (text: Buffer) => Buffer;

function splice(text: Buffer, at: number, remove: number, insert: Buffer): Buffer {
  const start = Math.floor(at * text.length);
  return Buffer.concat([text.subarray(0, start), insert, text.subarray(start + remove)]);
}

const place = fc.double({ min: 0, max: 0.999_999, noNaN: true });

/** Anywhere in the text. */
const blind: fc.Arbitrary<Mutation> = fc.oneof(
  fc.tuple(place, fc.integer({ min: 0, max: 255 })).map(
    ([at, byte]) =>
      (text: Buffer) =>
        splice(text, at, 1, Buffer.of(byte)),
  ),
  fc.tuple(place, fc.constantFrom(...tokens)).map(
    ([at, token]) =>
      (text: Buffer) =>
        splice(text, at, 0, Buffer.from(token)),
  ),
  fc.tuple(place, fc.constantFrom(...tokens), fc.nat(30)).map(
    ([at, token, length]) =>
      (text: Buffer) =>
        splice(text, at, length, Buffer.from(token)),
  ),
  fc.tuple(place, fc.nat(200)).map(
    ([at, length]) =>
      (text: Buffer) =>
        splice(text, at, length, Buffer.alloc(0)),
  ),
  fc.tuple(place, fc.uint8Array({ maxLength: 20 })).map(
    ([at, bytes]) =>
      (text: Buffer) =>
        splice(text, at, 0, Buffer.from(bytes)),
  ),
  fc.tuple(place, place, fc.nat(300)).map(([at, from, length]) => (text: Buffer) => {
    const start = Math.floor(from * text.length);
    return splice(text, at, 0, text.subarray(start, start + length));
  }),
  place.map((at) => (text: Buffer) => text.subarray(0, Math.floor(at * text.length))),
);

/** Only what stands between quotes or tags: the file stays valid, and its values become strange. */
const aimed: fc.Arbitrary<Mutation> = fc.tuple(fc.nat(30), fc.constantFrom(...tokens)).map(
  ([which, token]) =>
    (text: Buffer) =>
      replaceValue(text, which, token),
);

function replaceValue(text: Buffer, which: number, token: string): Buffer {
  const written = text.toString('latin1');
  const values = [...written.matchAll(/"[^"\n]*"|'[^'\n]*'|>[^<>\n]+<|: [^\n]+/g)];
  const value = values[which % Math.max(values.length, 1)];
  if (value === undefined) return text;
  const [first, last] = [value[0].slice(0, value[0].startsWith(': ') ? 2 : 1), value[0].slice(-1)];
  const closing = first === ': ' ? '' : last;
  const insert = Buffer.concat([Buffer.from(first), Buffer.from(token), Buffer.from(closing)]);
  return Buffer.concat([text.subarray(0, value.index), insert, text.subarray(value.index + value[0].length)]);
}

const mutation = fc.oneof({ weight: 1, arbitrary: blind }, { weight: 2, arbitrary: aimed });

/** One to four mutations of a valid text; at most a few 10 KB. */
export function mutated(target: FuzzTarget, directory: string): fc.Arbitrary<Buffer> {
  const original = fc.constantFrom<string[]>(...originals(target, directory));
  return fc
    .tuple(original, fc.array(mutation, { minLength: 1, maxLength: 4 }))
    .map(([text, mutations]) =>
      mutations.reduce<Buffer>((changed, mutate) => mutate(changed), Buffer.from(text)),
    );
}
