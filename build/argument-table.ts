/** What `--help` shows, as data: the man page and the shell completions are written from it. */
import type { CommandUnknownOpts, Option } from '@commander-js/extra-typings';
import { createProgram } from '../hook/cli/program.ts';

/** What can be completed for the value of an option. */
export type ValueKind = 'file' | 'directory' | 'meeting' | 'format' | 'text';

export interface ArgumentOption {
  short: string | undefined;
  long: string;
  description: string;
  /** The default, as it is typed; undefined when there is none to tell. */
  preset: string | undefined;
  /** Undefined for an option without a value. */
  value: { name: string; kind: ValueKind } | undefined;
  isRepeatable: boolean;
}

export interface ArgumentCommand {
  name: string;
  description: string;
  /** Those of this command alone. */
  options: ArgumentOption[];
}

export interface ArgumentTable {
  /** What the program does when it is given no command, as BBB calls it. */
  program: ArgumentCommand;
  commands: ArgumentCommand[];
  /** Those that every command has. */
  globalOptions: ArgumentOption[];
}

const valueKinds: Record<string, ValueKind> = {
  file: 'file',
  dir: 'directory',
  id: 'meeting',
  format: 'format',
};

export function readArgumentTable(): ArgumentTable {
  const program = createProgram(async () => undefined);
  const help = program.createHelp();
  const commands = help.visibleCommands(program);
  const ownOptions = commands.filter(({ options }) => options.length > 0);
  const isGlobal = (option: Option) => [program, ...ownOptions].every((command) => has(command, option));
  const describe = (command: CommandUnknownOpts): ArgumentCommand => ({
    name: command.name(),
    description: command.description(),
    options: help
      .visibleOptions(command)
      .filter((option) => !isGlobal(option))
      .map(describeOption),
  });
  const globalOptions = help.visibleOptions(program).filter(isGlobal).map(describeOption);
  return { program: describe(program), commands: commands.map(describe), globalOptions };
}

function has(command: CommandUnknownOpts, { flags, description }: Option): boolean {
  const options = command.createHelp().visibleOptions(command);
  return options.some((option) => option.flags === flags && option.description === description);
}

function describeOption(option: Option): ArgumentOption {
  const [, name] = /<([^>]+)>/.exec(option.flags) ?? [];
  const isTold = name !== undefined && option.defaultValue !== undefined;
  return {
    short: option.short,
    long: option.long ?? '',
    description: option.description,
    preset: isTold ? String(option.defaultValue) : undefined,
    value: name === undefined ? undefined : { name, kind: valueKinds[name] ?? 'text' },
    isRepeatable: option.parseArg?.name === 'collect',
  };
}
