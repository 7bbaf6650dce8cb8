/** The documentation leads nowhere that is not there, and shows files as they are. */
import { existsSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { largestFile, longestName } from '../../../hook/archive/archive.ts';
import { findPage, type Page, pages, projectDirectory, readProjectFile } from '../../support/docs/pages.ts';

const readme = findPage('README.md');

it('README.md is short', () => {
  expect(readme.text.split('\n').length).toBeLessThanOrEqual(170);
});

describe('links', () => {
  const links = pages.flatMap((page) => page.links.map((target) => ({ page, path: page.path, target })));

  it.each(links)('$path: $target exists', ({ page, target }) => {
    const [file = '', anchor] = target.split('#');
    const path = file === '' ? page.path : normalize(join(dirname(page.path), file));
    expect(existsSync(join(projectDirectory, path)), path).toBe(true);
    if (anchor !== undefined) expect(findPage(path).anchors).toContain(`#${anchor}`);
  });

  it.each(pages.filter(({ path }) => path.startsWith('docs/')))('README.md leads to $path', ({ path }) => {
    expect(readme.links).toContain(path);
  });

  it.each(['pilos.yml', 'ssh_config', 'authorized_keys', 'docker-compose.yml'])(
    'lead to examples/%s, which an admin installs',
    (name) => {
      const targets = pages.flatMap((page) => page.links.map((target) => join(dirname(page.path), target)));
      expect(targets).toContain(`examples/${name}`);
    },
  );
});

describe('files', () => {
  const named = pages.flatMap(({ path, codeSpans }) =>
    codeSpans
      .filter((code) => /^(?:hook|build|test|docs|examples)\/[\w./-]*$/.test(code))
      .map((file) => ({ path, file })),
  );

  it.each(named)('$path: $file exists', ({ file }) => {
    expect(existsSync(join(projectDirectory, file))).toBe(true);
  });

  it('docs/source-code.md names every folder of hook/', () => {
    const { text } = findPage('docs/source-code.md');
    for (const name of folders) expect(text).toContain(`\`hook/${name}/\``);
  });
});

/** Of hook/, as the rules of imports in biome.json know them. */
const folders = [
  ...new Set(
    [...readProjectFile('biome.json').matchAll(/"hook\/([a-z]+)\/\*\*"/g)].map(([, name = '']) => name),
  ),
];

describe('facts', () => {
  it('docs/limits.md states the limits that the archive has', () => {
    const { text } = findPage('docs/limits.md');
    for (const limit of [largestFile, longestName])
      expect(text).toContain(`over ${limit.toLocaleString('en')} bytes`);
  });

  it('the copies of examples are as the examples are', () => {
    const copies = pages.flatMap(({ blocks }: Page) => blocks).filter(({ copyOf }) => copyOf !== undefined);
    expect(copies.map(({ copyOf }) => copyOf)).toEqual(['examples/ssh_config', 'examples/authorized_keys']);
    for (const { copyOf = '', text } of copies) {
      const lines = readProjectFile(copyOf).split('\n');
      expect(text).toBe(
        lines
          .filter((line) => !line.startsWith('#'))
          .join('\n')
          .trim(),
      );
    }
  });
});
