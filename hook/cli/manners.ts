/** How wrong arguments are reported: with the command's own help, and with what was probably meant. */
import type { CommandUnknownOpts, Option } from '@commander-js/extra-typings';
import { collect } from '../commands/options.ts';
import { nearestKey } from '../config/nearest-key.ts';
import { escapeText, quote } from '../terminal/escape.ts';

/** Errors of a command point to the help of that command. */
export function describeUsageError(command: CommandUnknownOpts): void {
  const name = [command.parent?.name(), command.name()].filter((part) => part !== undefined).join(' ');
  command.configureOutput({
    outputError: (text, write) => {
      const message = text.replace(/^error: /, '').trim();
      write(`pilos-post-publish: ${escapeText(message)} (see '${name} --help')\n`);
    },
  });
}

/** An option that counts once must not be given twice: nobody would know which one counts. */
export function refuseRepeatedOptions(command: CommandUnknownOpts): void {
  for (const option of command.options.filter(isSingle)) {
    let count = 0;
    command.on(`option:${option.name()}`, () => {
      count += 1;
      if (count > 1) command.error(`option '${option.long}' is given twice`);
    });
  }
}

function isSingle(option: Option): boolean {
  return option.required && option.parseArg !== collect;
}

/** The program itself takes no arguments, so that a word which is no option was meant for a command. */
export function explainUnknownCommand(program: CommandUnknownOpts): void {
  program.allowExcessArguments(true);
  program.hook('preAction', (command, action) => {
    const [word] = command.args;
    if (action !== program || word === undefined) return;
    const names = program.commands.map((one) => one.name());
    const meant = nearestKey(word, names);
    const guess = meant === undefined ? '.' : `, did you mean '${meant}'?`;
    program.error(`unknown command ${quote(word)}${guess} The commands are ${names.join(', ')}`);
  });
}

/** In front of a command they would be taken for the program's own, and a dry run would not be dry. */
export function refuseMisplacedOptions(program: CommandUnknownOpts): void {
  program.hook('preSubcommand', (_, command) => {
    const misplaced = ['dryRun', 'meetingId', 'format', 'again'].find(
      (name) => program.getOptionValue(name) !== undefined,
    );
    if (misplaced === undefined) return;
    const option = program.options.find((one) => one.attributeName() === misplaced);
    program.error(`put ${option?.long} after '${command.name()}'`);
  });
}
