/** docs/configuration.md, and every snippet of pilos.yml in the documentation, against the schema. */
import { describe, expect, it } from 'vitest';
import { createProgram } from '../../../hook/cli/program.ts';
import { pilosKeys } from '../../../hook/config/pilos-keys.ts';
import { parsePilos } from '../../../hook/config/pilos-settings.ts';
import { parseMapping } from '../../../hook/config/yaml-mapping.ts';
import { blocksOf, codeOf, findPage, pages, readProjectFile, readTable } from '../../support/docs/pages.ts';

const required = { work_dir: '/w', spool_dir: '/s' };
const rows = readTable(findPage('docs/configuration.md'), 'key');

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
  else expect(defaults).toHaveProperty(key, parseMapping(`${key}: ${code}`, 'docs')[key]);
});

describe('snippets of pilos.yml', () => {
  const inline = pages.flatMap((page) => page.codeSpans).filter((code) => /^[a-z_]+: \S/.test(code));
  const snippets = [...blocksOf('yaml').map(({ text }) => text), ...inline];

  it('are there, in blocks and in sentences', () => {
    expect(blocksOf('yaml').length).toBeGreaterThan(3);
    expect(inline).toContain('deliver: later');
  });

  it.each(snippets)('%s: is valid', (text) => {
    expect(() => parsePilos({ ...required, ...parseMapping(text, 'docs') }, 'docs')).not.toThrow();
  });
});

it('names every environment variable that --help names, and that a notification is given', () => {
  const variables = /(?:PILOS_POST_PUBLISH|…)_[A-Z_]*[A-Z]/g;
  const named = (text: string) =>
    [...new Set(text.match(variables)?.map((name) => name.replace('…', 'PILOS_POST_PUBLISH')))].sort();
  const help = createProgram(async () => undefined).helpInformation();
  const known = named(help + readProjectFile('hook/delivery/notify.ts'));
  expect(known.length).toBeGreaterThan(2);
  expect(named(pages.map(({ text }) => text).join('\n'))).toEqual(known);
});
