/** Is this server set up right? Facts are gathered once; each row of the table is a decision about some of them. */
import { accountChecks } from './accounts.ts';
import { archiveChecks } from './archive-checks.ts';
import { callChecks } from './call-checks.ts';
import { configurationChecks } from './configuration.ts';
import { directoryChecks } from './directory-checks.ts';
import type { Facts } from './facts.ts';
import { localSpoolChecks } from './local-spool-checks.ts';
import { recordingChecks } from './recordings.ts';
import { remoteSpoolChecks } from './remote-spool-checks.ts';
import { type CheckReport, skipDependents, toReport } from './table.ts';

/** Takes all decisions, in the order in which they are shown. Pure. */
export function decideAll(facts: Facts): CheckReport {
  const { configuration, closedFile, commands, config, recordings } = facts;
  return toReport([
    ...skipDependents([
      ...configurationChecks(configuration, closedFile, commands),
      ...accountChecks(facts.accounts, commands.configured),
      ...directoryChecks(facts),
      ...callChecks(facts),
    ]),
    // A problem of one spool does not keep another one from being checked.
    ...facts.spools.flatMap(({ localSpool, remoteSpool, archives }) =>
      skipDependents([
        ...(localSpool === undefined ? [] : localSpoolChecks(localSpool)),
        ...(remoteSpool === undefined ? [] : remoteSpoolChecks(remoteSpool)),
        ...archiveChecks(archives, localSpool, config?.importPatience ?? 0),
      ]),
    ),
    ...recordingChecks(recordings, commands.configured),
  ]);
}
