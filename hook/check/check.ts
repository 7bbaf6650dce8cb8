/** Is this server set up right? Facts are gathered once; each entry of the tables decides about some of them. */
import { accountChecks } from './account-checks.ts';
import { archiveChecks } from './archive-checks.ts';
import { callChecks } from './call-checks.ts';
import { configurationChecks } from './configuration-checks.ts';
import { directoryChecks } from './directory-checks.ts';
import type { Facts } from './facts.ts';
import { localSpoolChecks } from './local-spool-checks.ts';
import { recordingChecks } from './recording-checks.ts';
import { remoteSpoolChecks } from './remote-spool-checks.ts';
import { type CheckReport, decideTable, toReport } from './table.ts';
import { workDirChecks } from './work-dir-checks.ts';

/** All checks, in the order in which they are shown. */
export const tables = {
  server: [...configurationChecks, ...accountChecks, ...directoryChecks, ...workDirChecks, ...callChecks],
  /** Of each spool. */
  spool: [...localSpoolChecks, ...remoteSpoolChecks, ...archiveChecks],
  recordings: recordingChecks,
};

/** Takes all decisions. Pure. */
export function decide(facts: Facts): CheckReport {
  return toReport([
    ...decideTable(tables.server, facts),
    ...facts.spools.flatMap((spool) => decideTable(tables.spool, { ...facts, ...spool })),
    ...decideTable(tables.recordings, facts),
  ]);
}
