/**
 * `make fleet`: BBB servers and PILOS instances on this machine, a day of theirs, and a table of what happened.
 * Ends with status 1 when anything is not as it should be.
 *
 *     node test/fleet/run.ts          SERVERS, RECORDINGS and LAYOUT in the environment
 */
import { runFleet } from './fleet.ts';
import { readOptions } from './options.ts';
import { problemsOf } from './problems.ts';
import { renderTable } from './table.ts';

const interruption = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(name, () => interruption.abort(new Error(`interrupted by ${name}`)));

try {
  for (const options of readOptions(process.env)) {
    const report = await runFleet(options, interruption.signal);
    const problems = problemsOf(report);
    const verdict =
      problems.length === 0 ? ['all as it should be'] : problems.map((problem) => `WRONG: ${problem}`);
    process.stdout.write(`${renderTable(report)}${verdict.join('\n')}\n\n`);
    if (problems.length > 0) process.exitCode = 1;
  }
} catch (error) {
  const cause: unknown = interruption.signal.aborted ? interruption.signal.reason : error;
  process.stderr.write(`fleet: ${cause instanceof Error ? cause.message : String(cause)}\n`);
  process.exitCode = 1;
}
