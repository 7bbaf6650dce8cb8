/** What a test file works with: the machines that the set-up has started, and the report of what happened. */
import { readFileSync } from 'node:fs';
import { expect, inject, type TestContext } from 'vitest';
import { describeMachines, isFull, type Machines } from './all-machines.ts';
import type { Site } from './site.ts';
import { formatRow, tableOf } from './table.ts';

export { isFull } from './all-machines.ts';

declare module 'vitest' {
  interface ProvidedContext {
    site: Site;
  }
}

export function useMachines(): Machines {
  return describeMachines(inject('site'));
}

/** What happened in a test's case, for the table. The same text each time: no durations, no ids. */
export function report(task: TestContext['task'], ...cells: string[]): void {
  const row = formatRow(task.name, ...cells);
  task.meta.result = row;
  // The columns of a table are padded by the formatter.
  const text = readFileSync(tableOf(task.file.filepath).file, 'utf8').replaceAll(/ +/g, ' ');
  if (!isFull) expect(text).toContain(row);
}

interface Incident {
  noticed: string;
  by: string;
  after: string;
  /** A command is code. */
  fix: string;
}

/** As {@link report}, for docs/incidents.md. */
export function reportIncident(task: TestContext['task'], { noticed, by, after, fix }: Incident): void {
  report(task, noticed, by, after, fix);
}
