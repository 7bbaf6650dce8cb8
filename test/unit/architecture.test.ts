/** What BBB's call loads, and how large a file may get. The directions of imports are rules of Biome, in biome.json. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';

const hookDirectory = join(import.meta.dirname, '../../hook');

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
describe('the imports of hook/', () => {
  it("load nothing for BBB's call that only rsync, a terminal or the argument table needs", () => {
    const loaded = new Set(['main', 'commands/publish']);
    for (const name of loaded)
      for (const { from, to, kind } of imports) if (from === name && kind === 'value') loaded.add(to);
    expect(loaded).toContain('config/config');
    const late = /^import (?!type\b)[^;]*'(?:execa|p-retry|commander)'/m;
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
