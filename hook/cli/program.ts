/** The commands of the program. Each has its options and its help in its own file. */
import { Command } from '@commander-js/extra-typings';
import { addCheckCommand } from '../commands/check.ts';
import { addDeliverCommand } from '../commands/deliver.ts';
import { addInstallCommands } from '../commands/install.ts';
import { addMigrateCommand } from '../commands/migrate.ts';
import { addRunOptions, type Start } from '../commands/options.ts';
import { addPruneCommand } from '../commands/prune.ts';
import { addPublishOptions } from '../commands/publish.ts';
import { addStatusCommand } from '../commands/status.ts';
import { versionLine } from '../system/version.ts';
import { printError, printOut } from '../terminal/lines.ts';
import { exitStatusHelp } from './exit-statuses.ts';
import {
  describeUsageError,
  explainUnknownCommand,
  refuseMisplacedOptions,
  refuseRepeatedOptions,
} from './manners.ts';

export function createProgram(start: Start): Command {
  const program = new Command('pilos-post-publish')
    .description('Delivers published BigBlueButton recordings into the spool of PILOS.')
    .version(versionLine, '--version', 'print version, commit and the Node.js inside')
    .enablePositionalOptions()
    .helpCommand('help [command]', 'show the help of a command')
    .exitOverride()
    .configureOutput({ writeOut: printOut, writeErr: printError });
  addPublishOptions(program, start);
  addRunOptions(program);
  program.addHelpText('after', exitStatusHelp);
  addDeliverCommand(program, start);
  addStatusCommand(program, start);
  addCheckCommand(program, start);
  addPruneCommand(program, start);
  addMigrateCommand(program, start);
  addInstallCommands(program, start);
  for (const command of [program, ...program.commands]) {
    describeUsageError(command);
    refuseRepeatedOptions(command);
  }
  explainUnknownCommand(program);
  refuseMisplacedOptions(program);
  return program;
}
