/** The arrow of imports is the arrow of the design: config → recording → metadata → archive → spool → ledger. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';

const hookDirectory = join(import.meta.dirname, '..', 'hook');

/** In the order of a recording's way. */
const stations = ['config', 'recording', 'metadata', 'archive', 'spool', 'ledger'];

/** What stations may use: each knows nothing of BBB, of PILOS or of a station. */
const helpers = [
  'errors',
  'output',
  'log',
  'progress',
  'safe-path',
  'time-span',
  'tar-header',
  'run-token',
  'lock',
  'work-dir',
  'user',
];

interface Import {
  from: string;
  /** Path below `hook/`, without `.ts`. */
  to: string;
  kind: 'value' | 'type' | 'lazy';
}

const files = readdirSync(hookDirectory, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => ({
    name: file.replace(/\.ts$/, ''),
    text: readFileSync(join(hookDirectory, file), 'utf8'),
  }));

function importsOf({ name, text }: (typeof files)[number]): Import[] {
  const target = (path: string) => normalize(join(dirname(name), path)).replace(/\.ts$/, '');
  const statements = [...text.matchAll(/^(?:import|export)\s+(type\s+)?([^;'"]*?)\s*from '(\.[^']+)'/gm)];
  const found = statements.map(([, type, what = '', path = '']): Import => {
    const names = what
      .replace(/[{}\s]+/g, ' ')
      .split(',')
      .map((one) => one.trim())
      .filter((one) => one !== '');
    const isType = type !== undefined || names.every((one) => one.startsWith('type '));
    return { from: name, to: target(path), kind: isType ? 'type' : 'value' };
  });
  const bare = [...text.matchAll(/^import '(\.[^']+)'/gm)];
  const lazy = [...text.matchAll(/\bimport\(\s*'(\.[^']+)'\s*\)/g)];
  return [
    ...found,
    ...bare.map(([, path = '']): Import => ({ from: name, to: target(path), kind: 'value' })),
    ...lazy.map(([, path = '']): Import => ({ from: name, to: target(path), kind: 'lazy' })),
  ];
}

const imports = files.flatMap(importsOf);
const stationOf = (name: string) =>
  stations.find((station) => name === station || name.startsWith(`${station}/`));
const tell = ({ from, to, kind }: Import) => `${from} imports ${to} (${kind})`;

describe('the imports of hook/', () => {
  it('are all understood by this test', () => {
    const relative = files.flatMap(({ text }) => text.match(/'\.{1,2}\/[^']+\.ts'/g) ?? []);
    expect(imports).toHaveLength(relative.length);
    const names = new Set(files.map(({ name }) => name));
    expect(imports.filter(({ to }) => !names.has(to)).map(tell)).toEqual([]);
    for (const name of [...stations, ...helpers])
      expect(
        [...names].some((file) => file === name || file.startsWith(`${name}/`)),
        name,
      ).toBe(true);
  });

  it('let a station use helpers, and know earlier stations by their types only', () => {
    const wrong = imports.filter(({ from, to, kind }) => {
      const station = stationOf(from);
      if (station === undefined || helpers.includes(to)) return false;
      const used = stationOf(to);
      if (used === station) return false;
      return used === undefined || kind !== 'type' || stations.indexOf(used) > stations.indexOf(station);
    });
    expect(wrong.map(tell)).toEqual([]);
  });

  it('let a helper use other helpers only', () => {
    const wrong = imports.filter(({ from, to }) => helpers.includes(from) && !helpers.includes(to));
    expect(wrong.map(tell)).toEqual([]);
  });

  it('lead to a command only from another one, and from cli and main, which load it when it is asked for', () => {
    const wrong = imports.filter(
      ({ from, to, kind }) =>
        to.startsWith('commands/') &&
        !from.startsWith('commands/') &&
        !(['cli', 'main'].includes(from) && kind === 'lazy'),
    );
    expect(wrong.map(tell)).toEqual([]);
    expect(
      imports.filter(({ from, to }) => from === 'cli' && to.startsWith('commands/')).length,
    ).toBeGreaterThan(1);
  });

  it('lead to cli and main from nowhere else', () => {
    expect(imports.filter(({ to }) => to === 'main').map(tell)).toEqual([]);
    expect(imports.filter(({ to }) => to === 'cli').map(({ from }) => from)).toEqual(['main']);
  });

  it('have no circle', () => {
    const values = imports.filter(({ kind }) => kind === 'value');
    const visit = (name: string, above: string[]): string[] => {
      if (above.includes(name)) return [[...above, name].join(' → ')];
      return values.filter(({ from }) => from === name).flatMap(({ to }) => visit(to, [...above, name]));
    };
    expect(files.flatMap(({ name }) => visit(name, []))).toEqual([]);
  });

  it("load nothing for BBB's call that only rsync, a terminal or the argument table needs", () => {
    const loaded = new Set(['main', 'commands/publish']);
    for (const name of loaded)
      for (const { from, to, kind } of imports) if (from === name && kind === 'value') loaded.add(to);
    expect(loaded).toContain('config');
    const late = /^import (?!type\b)[^;]*'(?:execa|p-retry|cli-progress|commander)'/m;
    const wrong = files.filter(({ name, text }) => loaded.has(name) && late.test(text));
    expect(wrong.map(({ name }) => name)).toEqual([]);
  });
});

describe('the files of hook/', () => {
  it.each(files)('$name has at most 400 lines', ({ text }) => {
    expect(text.split('\n').length).toBeLessThanOrEqual(401);
  });

  it('have no catch-all', () => {
    expect(files.filter(({ name }) => /(^|\/)(utils?|types?|helpers?|misc|common)$/.test(name))).toEqual([]);
  });
});
