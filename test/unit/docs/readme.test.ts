/** README.md against what it describes: a page that is not true is worse than none. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exitStatuses } from '../../../hook/cli/exit-statuses.ts';
import { createProgram } from '../../../hook/cli/program.ts';
import { parsePilos, pilosKeys } from '../../../hook/config/pilos-settings.ts';
import { parseMapping } from '../../../hook/config/yaml-mapping.ts';
import { EXIT } from '../../../hook/errors.ts';

const project = resolve(import.meta.dirname, '../../..');
const read = (name: string) => readFileSync(join(project, name), 'utf8');
const readme = read('README.md');

interface Block {
  language: string;
  text: string;
  /** The example that it is a copy of. */
  copyOf: string | undefined;
}

const blocks = [
  ...readme.matchAll(/(?:<!-- (?<copyOf>examples\/\S+) -->\n)?```(?<language>\w*)\n(?<text>.*?)\n```/gs),
].map(({ groups = {} }): Block => {
  const { language = '', text = '', copyOf } = groups;
  return { language, text, copyOf };
});
const shellLines = blocks
  .filter(({ language }) => language === 'bash')
  .flatMap(({ text }) => text.split('\n'));
const prose = readme.replace(/```.*?```/gs, '');

const program = createProgram(async () => undefined);
const commands = [program, ...program.commands];

/** Calls of the program in code, as the command's name and the rest of the words. */
const calls = [...shellLines, ...[...prose.matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code)]
  .map((line) => line.replace(/ #.*/, ''))
  .flatMap((line): [string, string][] => {
    const [, words] = /^(?:sudo )?(?:\.\/)?pilos-post-publish (.*)$/.exec(line) ?? [];
    const [, first = '', rest = ''] = /^(\S+) ?(.*)$/.exec(words ?? line) ?? [];
    const isCommand = program.commands.some((command) => command.name() === first);
    if (isCommand) return [[first, rest.trim()]];
    return words === undefined ? [] : [[program.name(), words.trim()]];
  });

/** Cells of the table whose first heading is `heading`, without that row. */
function readTable(heading: string): string[][] {
  const [, body] = new RegExp(`^\\| ${heading} +\\|.*\\n\\|[-| ]+\\n((?:\\|.*\\n)+)`, 'm').exec(readme) ?? [];
  const rows = body?.trimEnd().split('\n') ?? [];
  return rows.map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

/** The content of a cell that is nothing but code. */
function codeOf(cell: string | undefined): string | undefined {
  return /^`([^`]+)`$/.exec(cell ?? '')?.[1];
}

describe('commands', () => {
  it('names only targets of the Makefile', () => {
    const targets = [...read('Makefile').matchAll(/^([a-z]+):/gm)].map(([, target]) => target);
    const named = [...`${shellLines.join('\n')}\n${prose}`.matchAll(/(?:^|`)make ([a-z]+)/gm)];
    expect(named.length).toBeGreaterThan(2);
    for (const [, target] of named) expect(targets).toContain(target);
  });

  it('names every command of the program', () => {
    for (const command of program.commands) expect(calls).toContainEqual([command.name(), expect.anything()]);
  });

  it('names every option of every command', () => {
    const options = commands.flatMap((command) => command.options.map(({ long }) => long ?? ''));
    const missing = [...new Set([...options, '--help'])].filter(
      (option) => !new RegExp(`${option}(?![\\w-])`).test(readme),
    );
    expect(missing).toEqual([]);
  });

  it.each(calls)('%s %s: the program knows it', (name, rest) => {
    const command = commands.find((one) => one.name() === name);
    const flags = command?.options.flatMap(({ short, long }) => [short, long]);
    for (const flag of rest.match(/(?<=^| )-[\w-]+/g) ?? []) expect(flags).toContain(flag);
  });

  it('has shell commands that a shell can read', () => {
    const { status, stderr } = spawnSync('bash', ['-n'], { input: shellLines.join('\n') });
    expect({ status, stderr: stderr.toString() }).toEqual({ status: 0, stderr: '' });
  });
});

describe('configuration', () => {
  const rows = readTable('key');
  const required = { work_dir: '/w', spool_dir: '/s' };

  it('lists every key of pilos.yml, in the order of the schema, and no other', () => {
    expect(rows.map(([key]) => codeOf(key))).toEqual(Object.keys(pilosKeys));
  });

  it.each(rows)('%s has the default that the table names', (keyCell, defaultCell) => {
    const key = codeOf(keyCell) ?? '';
    if (defaultCell === 'required') {
      expect(() => parsePilos({ ...required, [key]: undefined }, 'pilos.yml')).toThrow(`${key} is missing`);
      return;
    }
    const code = codeOf(defaultCell);
    const defaults = parsePilos(required, 'pilos.yml');
    if (code === undefined) expect(defaults).not.toHaveProperty(key);
    else expect(defaults).toHaveProperty(key, parseMapping(`${key}: ${code}`, 'README.md')[key]);
  });

  it('shows only valid snippets of pilos.yml', () => {
    const snippets = blocks.filter(({ language }) => language === 'yaml');
    expect(snippets.length).toBeGreaterThan(0);
    for (const { text } of snippets) {
      expect(() =>
        parsePilos({ ...required, ...parseMapping(text, 'README.md') }, 'README.md'),
      ).not.toThrow();
    }
  });

  it('names every environment variable that --help names, and that on_failure is given', () => {
    const variables = /(?:PILOS_POST_PUBLISH|…)_[A-Z_]*[A-Z]/g;
    const named = (text: string) =>
      [...new Set(text.match(variables))].map((name) => name.replace('…', 'PILOS_POST_PUBLISH')).sort();
    const known = named(program.helpInformation() + read('hook/delivery/on-failure.ts'));
    expect(named(readme)).toEqual(known);
  });
});

describe('facts', () => {
  it('lists the exit statuses of the program with the words of --help', () => {
    const listed = readTable('status').map(([status, meaning]) => [Number(status), meaning]);
    expect(listed).toEqual(exitStatuses);
    expect(listed.map(([status]) => status)).toEqual(Object.values(EXIT));
  });

  it('states the limits that the archive has', () => {
    const source = read('hook/archive/archive.ts');
    for (const name of ['largestFile', 'longestName']) {
      const [, digits = ''] = new RegExp(`const ${name} = ([\\d_]+)`).exec(source) ?? [];
      const limit = `over ${Number(digits.replaceAll('_', '')).toLocaleString('en')} bytes`;
      expect(readme.includes(limit), limit).toBe(true);
    }
  });

  it.each(blocks.filter(({ copyOf }) => copyOf !== undefined))(
    'shows $copyOf as it is',
    ({ copyOf, text }) => {
      const effective = read(copyOf ?? '')
        .split('\n')
        .filter((line) => !line.startsWith('#'));
      expect(text).toBe(effective.join('\n').trim());
    },
  );
});

describe('links', () => {
  const links = [...prose.matchAll(/\]\((?!https:)([^)]+)\)/g)].map(([, target = '']) => target);
  const anchors = [...prose.matchAll(/^#+ (.+)$/gm)].map(
    ([, title = '']) =>
      `#${title
        .toLowerCase()
        .replace(/[^\w\- ]/g, '')
        .replaceAll(' ', '-')}`,
  );

  it.each(links)('%s exists', (target) => {
    if (target.startsWith('#')) expect(anchors).toContain(target);
    else expect(existsSync(join(project, target))).toBe(true);
  });

  it('lead to every example that an admin installs', () => {
    for (const name of ['pilos.yml', 'ssh_config', 'authorized_keys', 'docker-compose.yml']) {
      expect(links).toContain(`examples/${name}`);
    }
  });
});
