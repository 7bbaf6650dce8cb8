/** Runs `migrate`, and looks at what came of it. */

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { MigrationResult } from '../../../hook/migrate/send.ts';
import { compareTrees } from '../files/compare-trees.ts';
import { importSpool } from '../pilos/import-spool.ts';
import type { ProgramResult } from '../program/run-program.ts';
import type { Meeting } from './bbb-meeting.ts';
import type { BbbTree } from './bbb-tree.ts';

export interface MigrationReport {
  results: MigrationResult[];
  unmatched: Record<string, number>;
  out_of_period: number;
  left_to_deliver: number;
  left: number;
  unknown_external_ids: string[];
  exit_status: number;
}

/** The report of `migrate --json`. */
export function parseReport({ status, stdout }: ProgramResult): MigrationReport {
  const report = JSON.parse(stdout) as MigrationReport;
  expect(report.exit_status).toBe(status);
  return report;
}

/** Without an importer, nobody would take the last ones. */
export async function migrate(tree: BbbTree, ...args: string[]): Promise<MigrationReport> {
  return parseReport(await tree.run(['migrate', '--json', '--no-wait', ...args]));
}

/** `<record id>-<format>` and what became of it, in the order of the report. */
export function statesOf({ results }: MigrationReport): string[] {
  return results.map(({ record_id, format, state }) => `${record_id}-${format} ${state}`);
}

/** A file for `--meeting-ids`. */
export function writeIds(tree: BbbTree, text: string): string {
  const file = join(tree.root, 'ids.txt');
  writeFileSync(file, text);
  return file;
}

/** One round of PILOS' importer: the formats that it got whole, as `<external id> <record id> <format>`, sorted. */
export async function importAll(tree: BbbTree, meetings: readonly Meeting[], subDir = ''): Promise<string[]> {
  const store = mkdtempSync(join(tree.root, 'store-'));
  const archives = await importSpool(join(tree.spoolDir, subDir), store);
  const imported = archives.flatMap(({ archive, reason, formats }) => {
    if (reason !== null) throw new Error(`${archive}: ${reason}`);
    return formats.map(({ meetingId, id, format, storedIn }) => {
      const meeting = meetings.find((one) => one.publishedIds.includes(id));
      const differences = compareTrees(meeting?.published(format, id) ?? '', storedIn);
      if (differences.length > 0) throw new Error(`${archive}: ${JSON.stringify(differences)}`);
      return `${meetingId} ${id} ${format}`;
    });
  });
  rmSync(store, { recursive: true });
  return imported.sort();
}

/** What {@link importAll} says when all formats of these meetings have come. */
export function allOf(meetings: readonly Meeting[]): string[] {
  return meetings
    .flatMap(({ externalId, publishedIds, formats }) =>
      publishedIds.flatMap((id) => formats.map((format) => `${externalId} ${id} ${format}`)),
    )
    .sort();
}

/** When the ledger of migrations says that a format was sent; undefined when it does not. */
export function sentAt(tree: BbbTree, recordId: string, format = 'presentation'): string | undefined {
  const file = join(tree.workDir, 'migrated', `${recordId}-${format}.json`);
  if (!existsSync(file)) return undefined;
  return (JSON.parse(readFileSync(file, 'utf8')) as { delivered?: { at: string } }).delivered?.at;
}
