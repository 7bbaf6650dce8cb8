/** The options that every command has, and how the values of options are read. */
import { type Command, InvalidArgumentError, type OptionValues } from '@commander-js/extra-typings';
import type { ExitStatus } from '../errors.ts';
import type { Run, RunOptions } from '../run.ts';

/** Runs a command with its options; whatever it throws becomes one line and an exit status. */
export type Start = (options: RunOptions, command: (run: Run) => Promise<ExitStatus>) => Promise<void>;

/** Adds the options that stand before or after the name of any command. */
export function addRunOptions<
  Args extends unknown[],
  Options extends OptionValues,
  GlobalOptions extends OptionValues,
>(command: Command<Args, Options, GlobalOptions>) {
  return command
    .option('--config <file>', 'pilos.yml to use (also $PILOS_POST_PUBLISH_CONFIG)')
    .option(
      '--bbb-config <file>',
      "BBB's configuration; may be given twice, the later is merged over the earlier (also $PILOS_POST_PUBLISH_BBB_CONFIG, separated by ':')",
      collect,
    )
    .option('--json', 'print the result as JSON')
    .option('--verbose', 'say more, with stack traces of errors')
    .option('--quiet', 'say nothing about success')
    .helpOption('-h, --help', 'show this help');
}

/** For an option that may be given several times. */
export function collect(value: string, earlier: string[] | undefined): string[] {
  return [...(earlier ?? []), value];
}

export function parseCount(value: string): number {
  if (/^[1-9]\d{0,8}$/.test(value)) return Number(value);
  throw new InvalidArgumentError('It must be a whole number of at least 1.');
}
