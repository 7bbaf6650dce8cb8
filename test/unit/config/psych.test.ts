/**
 * Files that Ruby's Psych and we read alike, or, where it is said, we more carefully. BBB runs on Ruby 3.0, whose
 * `YAML.load` allows what `unsafe_load` of later versions does.
 */
import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { parseMapping } from '../../../hook/config/yaml-mapping.ts';
import { attempt, ExpectedError } from '../../../hook/errors.ts';

/** Texts on stdin → what Psych makes of each; `null` for what it does not read, or what is not a mapping. */
const script = `
require 'json'
require 'yaml'
require 'date'
plain = lambda do |value|
  case value
  when Hash then value.to_h { |key, one| [key.to_s, plain[one]] }
  when Array then value.map(&plain)
  when Float then value.finite? ? value : value.to_s
  when Symbol, Date, Time then { value.class.name => value.to_s }
  else value
  end
end
read = lambda do |text|
  value = YAML.unsafe_load(text)
  value.is_a?(Hash) ? plain[value] : nil
rescue StandardError
  nil
end
puts JSON.generate(JSON.parse($stdin.read).map(&read))
`;

function readWithPsych(texts: readonly string[]): unknown[] {
  const { stdout, stderr } = spawnSync('ruby', ['-e', script], { input: JSON.stringify(texts) });
  if (stdout.length === 0) throw new Error(stderr.toString());
  return JSON.parse(stdout.toString()) as unknown[];
}

function readOurselves(text: string): unknown {
  const read = attempt(() => parseMapping(text, 'x.yml'));
  return read instanceof ExpectedError ? null : plain(read);
}

function plain(value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plain(one)]));
}

const alike: [string, string][] = [
  [
    'PILOS ships it so',
    '# a\nwork_dir: /var/bigbluebutton/recording/pilos\n#\nspool_dir: user@host:/spool\n',
  ],
  ['a key twice', 'a: 1\nb: 2\na: 3\n'],
  ['a key twice, in a mapping', 'retry: { a: 1, a: 2 }\n'],
  ['a key thrice, of several kinds', 'a: [1]\na: { b: 1 }\na:\n'],
  ['two documents', 'a: 1\n---\na: 2\n'],
  ['two documents with their marks', '---\na: 1\n---\nb: 2\n...\n'],
  ['a broken second document', 'a: 1\n---\na: [\n'],
  ['text behind the end', 'a: 1\n...\nb: 2\n'],
  ['an empty first document', '---\n---\na: 1\n'],
  ['a directive', '%YAML 1.1\n---\na: 1\n'],
  ['a mark that is text', 'a: "x\n  ---\n  y"\nb: ---x\n'],
  ['a mark with a value', '--- {a: 1}\n'],
  ['a byte order mark', '\ufeffa: 1\n'],
  ['lines that end as on Windows', 'a: 1\r\nb:\r\n  - x\r\n'],
  ['no end of the last line', 'a: 1'],
  ['an anchor', 'a: &x [1, 2]\nb: *x\n'],
  ['an anchor given twice', 'a: &x 1\nb: &x 2\nc: *x\n'],
  ['an anchor of a mapping', 'a: &x { b: 1 }\nc: *x\n'],
  ['an unknown anchor', 'a: *x\n'],
  ['a merge', 'x: &x { a: 1, b: 2 }\n<<: *x\nb: 3\n'],
  ['a merge below a key', 'b: 3\n<<: { a: 1, b: 2 }\n'],
  ['a merge of a list', '<<: [{ a: 1, b: 1 }, { b: 2, c: 2 }]\nc: 3\n'],
  ['two merges', '<<: { a: 1 }\n<<: { a: 2, b: 2 }\n'],
  ['a quoted merge', '"<<": { a: 1 }\n'],
  ['a merge of a text', '<<: text\na: 1\n'],
  ['truth', 'a: [yes, Yes, YES, yEs, on, On, true, TRUE, y, Y, t]\n'],
  ['falsehood', 'a: [no, No, off, OFF, oFf, false, False, n, N, f]\n'],
  ['nothing', 'a:\nb: ~\nc: null\nd: NULL\ne: nUlL\nf: ""\ng: nil\n'],
  ['whole numbers', 'a: [1, +2, -3, 0, 1_000, "1,000", 1__0, 1_, 08, 0o17, 0x1F, 0b101, 017, 0]\n'],
  ['numbers with commas', 'a: 1,000\nb: 0,7\nc: 1,\n'],
  ['fractions', 'a: [1.5, -1.5, .5, 1., 1e3, 1.5e3, 1.5e+3, 1_0.5, .inf, -.INF, .]\n'],
  ['times and ratios', 'a: [1:30, 1:30:00, 22:15, 1:75, 1:2:3:4]\nb: host:/path\n'],
  ['paths and addresses', 'a: /x y/z\nb: rsync://h:873/m\nc: "~/x"\nd: h:~/x\ne: [::1]:/x\n'],
  ['quoted texts', `a: 'it''s'\nb: "\\u00e4\\n"\nc: 'true'\nd: "1"\n`],
  ['blocks of text', 'a: |\n  x\n  y\nb: >-\n  x\n  y\nc: |+\n  x\n\n'],
  ['a text on several lines', 'a: x\n  y\n\n  z\n'],
  ['lists that are not indented', 'a:\n- x\n- y\nb:\n  - - 1\n    - 2\n'],
  ['flow', 'a: [x, y,]\nb: {c: 1, d, e: }\nf: {g:1}\n'],
  ['keys of other kinds', '1: a\ntrue: b\nnull: c\n? d\n: e\n1.5: f\n'],
  [
    "BBB's steps",
    'steps:\n  archive: "sanity"\n  sanity: captions\n  "process:notes": "publish:notes"\n  captions:\n    - "process:notes"\n',
  ],
  ['explicit types', 'a: !!str 1\nb: !!int 2\nc: !!float 1.5\nd: !!null\ne: !!bool yes\n'],
  ['a foreign tag', 'a: !vault text\nb: !x 1\n'],
  ['a tab where none may be', 'a:\n\tb: 1\n'],
  ['a colon too many', 'a: b: c\n'],
  ['a sign that YAML keeps for itself', 'a: @x\n'],
  ['a percent sign', 'a: %x\n'],
  ['a comment without a space', 'a: b#c\nd: e #f\n'],
  ['an open bracket', 'a: [1\n'],
  ['an indentation that fits nowhere', 'a:\n    b: 1\n  c: 2\n'],
  ['a list', '- a\n'],
  ['a key named as those of JavaScript', '__proto__: 1\nconstructor: 2\ntoString: 3\n'],
];

it.each(alike.map(([name, text], index) => [name, text, index] as const))(
  'Psych and we read alike: %s',
  (_, text, index) => {
    expect(readOurselves(text)).toEqual(psych()[index]);
  },
);

/** Read once for all, as Ruby takes a tenth of a second to start. */
let results: unknown[] | undefined;

function psych(): unknown[] {
  results ??= readWithPsych(alike.map(([, text]) => text));
  return results;
}

it.each([
  ['a date stays text', 'a: 2024-01-31\n', { a: '2024-01-31' }],
  ['a time stays text', 'a: 2024-01-31 10:00:00\n', { a: '2024-01-31 10:00:00' }],
  ['a symbol stays text', 'a: :b\n', { a: ':b' }],
  ['no object is made', 'a: !ruby/object:OpenStruct { b: 1 }\n', { a: { b: 1 } }],
  ['a key that is a list names no setting', '? [a]\n: 1\nb: 2\n', { b: 2 }],
  ['binary data stay text', 'a: !!binary aGk=\n', { a: 'aGk=' }],
])('more careful than Psych: %s', (_, text, expected) => {
  expect(readOurselves(text)).toEqual(expected);
  expect(readWithPsych([text])).not.toEqual([expected]);
});
