/** Prints the table of cases after the run; of a full run, each suite that passed also goes into docs/machines.md. */
import { readFileSync, writeFileSync } from 'node:fs';
import type { Reporter, TestCase, TestModule } from 'vitest/node';
import { isFull } from './all-machines.ts';
import { formatRow, tableFile } from './table.ts';

const block =
  /(<!-- table: written by `FAULTS=full make machines` -->\n)([\s\S]*)(<!-- end of the table -->)/;

export default class TableReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const sections = readSections(modules);
    process.stdout.write(`\n${formatSections(sections)}\n`);
    if (!isFull) return;
    const text = readFileSync(tableFile, 'utf8');
    const [, , written] = block.exec(text) ?? [];
    if (written === undefined) throw new Error(`${tableFile} has no place for the table`);
    const passed = [...sections].filter(([, { isWhole }]) => isWhole);
    const table = formatSections(new Map([...parseSections(written), ...passed]));
    writeFileSync(
      tableFile,
      text.replace(block, (_, start: string, _old: string, end: string) => `${start}\n${table}\n${end}`),
    );
  }
}

interface Section {
  rows: string[];
  /** Every test of it has run and passed. */
  isWhole: boolean;
}

/** By the name of the suite. */
function readSections(modules: readonly TestModule[]): Map<string, Section> {
  const sections = new Map<string, Section>();
  for (const test of [...modules].sort(byFile).flatMap((module) => [...module.children.allTests()])) {
    const name = test.parent.type === 'suite' ? test.parent.name : '';
    const section = sections.get(name) ?? { rows: [], isWhole: true };
    const row = rowOf(test);
    if (row !== undefined) section.rows.push(row);
    if (test.result().state !== 'passed') section.isWhole = false;
    sections.set(name, section);
  }
  return sections;
}

const head = '| case | what happens |\n|---|---|';

function formatSections(sections: ReadonlyMap<string, Section>): string {
  const shown = [...sections].filter(([, { rows }]) => rows.length > 0);
  return shown.map(([name, { rows }]) => `### ${name}\n\n${head}\n${rows.join('\n')}\n`).join('\n');
}

/** What an earlier run has written. */
function parseSections(text: string): Map<string, Section> {
  const sections = text.split(/^### /m).slice(1);
  return new Map(
    sections.map((section) => {
      const [name = '', ...lines] = section.split('\n');
      const rows = lines.filter((line) => line.startsWith('| ')).slice(1);
      return [name, { rows: rows.filter((row) => !/^[| -]*$/.test(row)), isWhole: true }];
    }),
  );
}

function byFile(one: TestModule, other: TestModule): number {
  return one.moduleId < other.moduleId ? -1 : 1;
}

function rowOf(test: TestCase): string | undefined {
  const { result } = test.meta();
  const { state } = test.result();
  if (state === 'failed') return formatRow(test.name, '**failed**');
  return result === undefined ? undefined : formatRow(test.name, result);
}
