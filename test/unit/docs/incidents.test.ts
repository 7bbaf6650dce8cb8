/** docs/incidents.md lists the incidents that are played on whole machines, and none that is not. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { findPage, projectDirectory, readProjectFile } from '../../support/docs/pages.ts';

const directory = 'test/machines';
const files = readdirSync(join(projectDirectory, directory)).filter((name) =>
  /^incidents.*\.test\.ts$/.test(name),
);

const played = files.flatMap((name) => {
  const text = readProjectFile(`${directory}/${name}`);
  return [...text.matchAll(/^ *it\(\s*(['"])(.*?)\1,/gm)].map(([, , title = '']) => title);
});
const rows = findPage('docs/incidents.md')
  .text.split('\n')
  .filter((line) => /^\| (?!incident |-)/.test(line))
  .map((line) =>
    line
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );

it('docs/incidents.md has the incidents that are played', () => {
  expect(played.length).toBeGreaterThan(10);
  expect(rows.map(([title]) => title).sort()).toEqual([...played].sort());
});

it.each(rows)('the incident %j says how it is noticed, by whom, when, and what to do', (...cells) => {
  expect(cells).toHaveLength(5);
  expect(cells.filter((cell) => cell === '' || cell.includes('failed**'))).toEqual([]);
});
