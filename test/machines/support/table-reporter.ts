/** Prints the tables of cases after the run; a full run also writes each section that ran whole and without failures into its document. */
import { readFileSync, writeFileSync } from 'node:fs';
import type { Reporter, TestCase, TestModule } from 'vitest/node';
import { isFull } from './all-machines.ts';
import { formatHead, formatRow, type Table, tableOf, tables } from './table.ts';

const block =
  /(<!-- table: written by `FAULTS=full make machines` -->\n)([\s\S]*)(<!-- end of the table -->)/;

export default class TableReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    for (const table of Object.values(tables)) {
      const own = modules.filter(({ moduleId }) => tableOf(moduleId) === table);
      if (own.length > 0) reportTable(table, own);
    }
  }
}

function reportTable(table: Table, modules: readonly TestModule[]): void {
  const sections = readSections(modules);
  process.stdout.write(`\n${formatTable(table, sections)}\n`);
  if (!isFull) return;
  const text = readFileSync(table.file, 'utf8');
  const [, , written] = block.exec(text) ?? [];
  if (written === undefined) throw new Error(`${table.file} has no place for the table`);
  const incomplete = findIncomplete(modules);
  const complete = [...sections].filter(([name]) => !incomplete.has(name));
  const whole = formatTable(table, new Map([...parseTable(written), ...complete]));
  writeFileSync(
    table.file,
    text.replace(block, (_, start: string, __, end: string) => `${start}\n${whole}\n${end}`),
  );
}

type Sections = Map<string, string[]>;

function readSections(modules: readonly TestModule[]): Sections {
  const sections: Sections = new Map();
  for (const test of [...modules].sort(byFile).flatMap((module) => [...module.children.allTests()])) {
    const row = rowOf(test);
    if (row === undefined) continue;
    const section = test.parent.type === 'suite' ? test.parent.name : '';
    sections.set(section, [...(sections.get(section) ?? []), row]);
  }
  return sections;
}

/** A run that was restricted to some cases has skipped the others. */
function findIncomplete(modules: readonly TestModule[]): Set<string> {
  const tests = modules.flatMap((module) => [...module.children.allTests()]);
  const without = tests.filter((test) => test.result().state !== 'passed');
  return new Set(without.map(({ parent }) => (parent.type === 'suite' ? parent.name : '')));
}

/** What other runs have written: a run of some files only has not the whole table. */
function parseTable(text: string): Sections {
  const parts = text.split(/^### /m).slice(1);
  return new Map(
    parts.map((part) => {
      const [name = '', ...lines] = part.split('\n');
      return [name, lines.filter((line) => line.startsWith('|')).slice(2)];
    }),
  );
}

function formatTable(table: Table, sections: Sections): string {
  const head = formatHead(table);
  return [...sections].map(([name, rows]) => `### ${name}\n\n${head}\n${rows.join('\n')}\n`).join('\n');
}

function byFile(one: TestModule, other: TestModule): number {
  return one.moduleId < other.moduleId ? -1 : 1;
}

function rowOf(test: TestCase): string | undefined {
  const { result } = test.meta();
  const { state } = test.result();
  if (state === 'failed') return formatRow(test.name, '**failed**');
  return result;
}
