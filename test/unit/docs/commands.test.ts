/** What the documentation has an admin type: commands, options and targets that there are. */
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { exitStatuses } from '../../../hook/cli/exit-statuses.ts';
import { createProgram } from '../../../hook/cli/program.ts';
import { EXIT } from '../../../hook/errors.ts';
import { blocksOf, findPage, pages, readProjectFile, readTable } from '../../support/docs/pages.ts';

const program = createProgram(async () => undefined);
const commands = [program, ...program.commands];

const shellLines = blocksOf('bash').flatMap(({ text }) => text.split('\n'));
const codeSpans = pages.flatMap((page) => page.codeSpans);

/** Calls of the program, as the command's name and the rest of the words. */
const calls = [...shellLines, ...codeSpans]
  .map((line) => line.replace(/ #.*/, ''))
  .flatMap((line): { name: string; rest: string }[] => {
    const [, words] = /^(?:sudo )?(?:\.\/)?pilos-post-publish (.*)$/.exec(line) ?? [];
    const [, first = '', rest = ''] = /^(\S+) ?(.*)$/.exec(words ?? line) ?? [];
    const isCommand = program.commands.some((command) => command.name() === first);
    if (isCommand) return [{ name: first, rest: rest.trim() }];
    return words === undefined ? [] : [{ name: program.name(), rest: words.trim() }];
  });

describe('calls of the program', () => {
  it('name every command', () => {
    const named = new Set(calls.map(({ name }) => name));
    expect(program.commands.map((command) => command.name()).filter((name) => !named.has(name))).toEqual([]);
  });

  it.each(calls)('$name $rest: the program knows it', ({ name, rest }) => {
    const command = commands.find((one) => one.name() === name);
    const flags = command?.options.flatMap(({ short, long }) => [short, long]);
    const given = rest.match(/(?<=^| )-[\w-]+/g) ?? [];
    expect([...(flags ?? []), '--help']).toEqual(expect.arrayContaining(given));
    expect(flags).toBeDefined();
  });

  it('can be read by a shell', () => {
    const { status, stderr } = spawnSync('bash', ['-n'], { input: shellLines.join('\n') });
    expect({ status, stderr: stderr.toString() }).toEqual({ status: 0, stderr: '' });
  });
});

describe('options', () => {
  const known = new Set(commands.flatMap((command) => command.options.map(({ long }) => long ?? '')));

  it('are all explained', () => {
    const text = pages.map((page) => page.text).join('\n');
    const missing = [...known].filter((option) => !new RegExp(`${option}(?![\\w-])`).test(text));
    expect(missing).toEqual([]);
  });

  it('are all options of the program, where a page of its commands names one', () => {
    const named = ['docs/commands.md', 'docs/migration.md', 'docs/installation.md', 'docs/json.md']
      .flatMap((path) => findPage(path).codeSpans)
      .flatMap((code) => /^(--[a-z][a-z-]*)(?: [A-Z0-9]\S*)?$/.exec(code)?.[1] ?? []);
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter((option) => !known.has(option) && option !== '--help')).toEqual([]);
  });
});

it('make: names only targets of the Makefile', () => {
  const targets = [...readProjectFile('Makefile').matchAll(/^([a-z]+):/gm)].map(([, target]) => target);
  const named = [...shellLines, ...codeSpans].flatMap((code) => {
    const [, words = ''] = /^make ((?:[a-z]+ ?)+)/.exec(code) ?? [];
    return words.split(' ').filter((word) => word !== '');
  });
  expect(named).toEqual(expect.arrayContaining(['demo', 'test', 'deb', 'release']));
  expect(targets).toEqual(expect.arrayContaining(named));
});

it('exit statuses: lists those of the program, with the words of --help', () => {
  const rows = readTable(findPage('docs/commands.md'), 'status');
  const listed = rows.map(([status, meaning]) => [Number(status), meaning]);
  expect(listed).toEqual(exitStatuses);
  expect(listed.map(([status]) => status)).toEqual(Object.values(EXIT));
});
