/** Is this server set up right? */
import type { Command } from '@commander-js/extra-typings';
import { decideAll } from '../check/check.ts';
import { readFacts } from '../check/facts.ts';
import { rememberResults } from '../check/remember.ts';
import { isUnicodeLocale, renderReport } from '../check/report.ts';
import type { ExitStatus } from '../errors.ts';
import type { Run } from '../run.ts';
import { printJson, printOut } from '../terminal/lines.ts';
import { readLayout } from '../terminal/table.ts';
import { addRunOptions, type Start } from './options.ts';

/** Checks everything, prints the results, and returns 0, or else 78, 77 or 73. */
async function check(run: Run, isRemembered: boolean): Promise<ExitStatus> {
  const facts = await readFacts(run);
  const { results, exitStatus } = decideAll(facts);
  const { config } = facts;
  if (isRemembered && config !== undefined)
    await rememberResults({ ...run, config }, { results, exitStatus });
  const { ranAs } = facts.accounts;
  if (run.json) printJson({ ran_as: ranAs, results, exit_status: exitStatus });
  else {
    const { colours } = readLayout();
    const appearance = { colours, isUnicode: isUnicodeLocale(run.environment), isQuiet: run.quiet };
    printOut(renderReport(ranAs, { results, exitStatus }, appearance));
  }
  return exitStatus;
}

const exitStatusHelp = `
Exit status:
   0  no problem; there may be warnings
  78  the set-up: configuration, launcher, programs, ssh and rsync
  77  rights: users, groups and modes
  73  the spool: not there, full, or it does not answer
With several problems, the first of these that applies.
`;

export function addCheckCommand(program: Command, start: Start): void {
  addRunOptions(program.command('check'))
    .description('check the set-up of this server; each problem is listed with its fix')
    .addHelpText('after', exitStatusHelp)
    .option(
      '--notify',
      'remember the results, and run notify of pilos.yml when they have changed (the timer)',
    )
    .action(({ notify = false }, command) => start(command.optsWithGlobals(), (run) => check(run, notify)));
}
