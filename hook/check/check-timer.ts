/** The timer that runs check cannot report that it has stopped itself: a complete run of `deliver` does. */
import { checkTimerName } from '../install/layout.ts';
import type { ConfiguredRun } from '../run.ts';
import { checkTimerRow } from './call-checks.ts';
import { readOwnCommands, readTimer } from './call-facts.ts';
import { rememberResults } from './remember.ts';
import { skipDependents, toReport } from './table.ts';

/** Warns in each run, and runs `notify` when it has stopped and when it runs again. */
export async function reportCheckTimer(run: ConfiguredRun): Promise<void> {
  const timer = await readTimer(checkTimerName, { seconds: 10, signal: run.signal });
  if (timer === undefined) return;
  const row = checkTimerRow(timer, readOwnCommands(run.choice, run.environment).install);
  const { verdict } = row;
  // A timer that somebody has disabled is for check to mention.
  if (verdict.state === 'warning') return;
  if (verdict.state === 'problem') run.log.warn(`${row.title}: ${verdict.problem}: ${verdict.fix}`);
  await rememberResults(run, toReport(skipDependents([['Calls', [row]]])), false);
}
