/**
 * The table of cases in docs/machines.md. Each test reports its row; the full run writes the table, any other run
 * checks that its rows stand there.
 */
import { join } from 'node:path';

declare module 'vitest' {
  interface TaskMeta {
    /** What happened, for the table. */
    result?: string;
  }
}

export const tableFile = join(import.meta.dirname, '../../../docs/machines.md');

export function formatRow(name: string, result: string): string {
  return `| ${name} | ${result} |`;
}
