/** Is this server set up right? Facts are gathered once; each row of the table is a decision about some of them. */
import { accountChecks } from './account-checks.ts';
import { callChecks } from './call-checks.ts';
import { configurationChecks } from './configuration-checks.ts';
import { directoryChecks } from './directory-checks.ts';
import type { Facts } from './facts.ts';
import { importerChecks } from './importer-checks.ts';
import { localSpoolChecks } from './local-spool-checks.ts';
import { recordingChecks } from './recording-checks.ts';
import { remoteSpoolChecks } from './remote-spool-checks.ts';
import { type CheckReport, row, skipDependents, skipped, toReport } from './table.ts';

/** Takes all decisions, in the order in which they are shown. Pure. */
export function decideAll(facts: Facts): CheckReport {
  const unknown = row('spool_directory', 'spool directory', skipped('fix pilos_yml first'));
  const patience = (facts.config?.importPatience ?? 0) / 1000;
  return toReport([
    ...skipDependents([
      ['Configuration', configurationChecks(facts)],
      ['BigBlueButton', [...accountChecks(facts), ...directoryChecks(facts)]],
      ['Calls', callChecks(facts)],
      ['Spool', [facts.config === undefined && unknown]],
    ]),
    // A problem of one spool does not keep another one from being checked.
    ...facts.spools.flatMap((spool) => {
      const checks = spool.kind === 'local' ? localSpoolChecks(spool) : remoteSpoolChecks(spool);
      return skipDependents([['Spool', [...checks, ...importerChecks(spool, patience)]]]);
    }),
    ...skipDependents([['Recordings', recordingChecks(facts)]]),
  ]);
}
