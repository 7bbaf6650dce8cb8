/**
 * The tables of cases in docs/. Each test reports its row; the full run writes the table, any other run checks that
 * its rows stand there.
 */
import { basename, join } from 'node:path';

declare module 'vitest' {
  interface TaskMeta {
    /** Its row of the table. */
    result?: string;
  }
}

export interface Table {
  /** The document. */
  file: string;
  columns: readonly string[];
}

const documents = join(import.meta.dirname, '../../../docs');

export const tables = {
  machines: { file: join(documents, 'machines.md'), columns: ['case', 'what happens'] },
  incidents: {
    file: join(documents, 'incidents.md'),
    columns: ['incident', 'noticed', 'by whom', 'after', 'fix'],
  },
} satisfies Record<string, Table>;

/** That of a test file. */
export function tableOf(testFile: string): Table {
  return basename(testFile).startsWith('incidents') ? tables.incidents : tables.machines;
}

export function formatRow(name: string, ...cells: string[]): string {
  return `| ${[name, ...cells].join(' | ')} |`;
}

export function formatHead({ columns }: Table): string {
  return `| ${columns.join(' | ')} |\n|${'---|'.repeat(columns.length)}`;
}
