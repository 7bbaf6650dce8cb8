/** Prints the table of cases after the run; a full run without failures also writes it into docs/machines.md. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Reporter, TestCase, TestModule, TestRunEndReason } from 'vitest/node';
import { isFull } from './all-machines.ts';
import { formatRow, tableFile } from './table.ts';

const block = /(<!-- table: written by `FAULTS=full make machines` -->\n)[\s\S]*(<!-- end of the table -->)/;

export default class TableReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], _errors: unknown, reason: TestRunEndReason): void {
    const table = formatTable(modules);
    process.stdout.write(`\n${table}\n`);
    if (!isFull || reason !== 'passed' || modules.length < countTestFiles()) return;
    const text = readFileSync(tableFile, 'utf8');
    if (!block.test(text)) throw new Error(`${tableFile} has no place for the table`);
    writeFileSync(
      tableFile,
      text.replace(block, (_, start: string, end: string) => `${start}\n${table}\n${end}`),
    );
  }
}

/** A run of some files only has not the whole table. */
function countTestFiles(): number {
  return readdirSync(join(import.meta.dirname, '..')).filter((name) => name.endsWith('.test.ts')).length;
}

function formatTable(modules: readonly TestModule[]): string {
  const sections = new Map<string, string[]>();
  for (const test of [...modules].sort(byFile).flatMap((module) => [...module.children.allTests()])) {
    const row = rowOf(test);
    if (row === undefined) continue;
    const section = test.parent.type === 'suite' ? test.parent.name : '';
    sections.set(section, [...(sections.get(section) ?? []), row]);
  }
  const head = '| case | what happens |\n|---|---|';
  return [...sections].map(([name, rows]) => `### ${name}\n\n${head}\n${rows.join('\n')}\n`).join('\n');
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
