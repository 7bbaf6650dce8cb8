/** Completions for bash and zsh, from the argument table, below dist/completion. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ArgumentCommand, type ArgumentOption, readArgumentTable } from './argument-table.ts';
import { outputDirectory, programName } from './project.ts';

const functionName = '_pilos_post_publish';
const { program, commands, globalOptions } = readArgumentTable();
const commandNames = commands.map(({ name }) => name);

/**
 * Lists what is published here. In sh, so that no option of the user's shell changes what it does, and with `ls`
 * only: the program itself would take longer, and its configuration may be broken.
 */
const listPublished = `# Meeting ids or formats that are published on this server.
${functionName}_published() {
  sh -c '
    files=\${PILOS_POST_PUBLISH_BBB_CONFIG:-/usr/local/bigbluebutton/core/scripts/bigbluebutton.yml:/etc/bigbluebutton/recording/recording.yml}
    directory=$(IFS=:; cat $files | sed -n "s/^published_dir:[[:space:]]*//p" | tail -n 1 | tr -d "\\042\\047")
    : "\${directory:=/var/bigbluebutton/published}"
    case $1 in
      format) ls -1 "$directory" ;;
      meeting) ls -1 "$directory"/*/ | grep -xE "[0-9a-f]{40}-[0-9]+" | sort -u ;;
    esac
  ' sh "$1" 2>/dev/null
}`;

export function formatBashCompletion(): string {
  const everyOption = [program, ...commands].flatMap(({ options }) => options).concat(globalOptions);
  const ofKind = (...kinds: string[]) =>
    namesOf(everyOption.filter(({ value }) => value !== undefined && kinds.includes(value.kind)));
  return `# bash completion for ${programName}, written by build/completion.ts

${listPublished}

${functionName}() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]} command='' word
  # --option=value is three words to bash.
  if [[ $current == = ]]; then
    current=''
  elif [[ $previous == = ]]; then
    previous=\${COMP_WORDS[COMP_CWORD - 2]}
  fi
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case $word in
      ${commandNames.join(' | ')})
        command=$word
        break
        ;;
    esac
  done
  COMPREPLY=()
  case $previous in
    ${ofKind('file').join(' | ')})
      compopt -o filenames
      mapfile -t COMPREPLY < <(compgen -f -- "$current")
      return
      ;;
    ${ofKind('directory').join(' | ')})
      compopt -o filenames
      mapfile -t COMPREPLY < <(compgen -d -- "$current")
      return
      ;;
    ${ofKind('meeting').join(' | ')})
      mapfile -t COMPREPLY < <(compgen -W "$(${functionName}_published meeting)" -- "$current")
      return
      ;;
    ${ofKind('format').join(' | ')})
      mapfile -t COMPREPLY < <(compgen -W "$(${functionName}_published format)" -- "$current")
      return
      ;;
    ${ofKind('text').join(' | ')})
      return
      ;;
  esac
  local words
  case $command in
${commands.map((command) => `    ${command.name}) words='${bashWords(command)}' ;;`).join('\n')}
    *) words='${[...commandNames, bashWords(program)].join(' ')}' ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}

complete -F ${functionName} ${programName}
`;
}

/** `help` takes the name of a command. */
function bashWords({ name, options }: ArgumentCommand): string {
  return (name === 'help' ? commandNames : namesOf([...options, ...globalOptions])).join(' ');
}

function namesOf(options: ArgumentOption[]): string[] {
  const names = options.flatMap(({ short, long }) => [short, long]);
  return [...new Set(names.filter((name) => name !== undefined))];
}

export function formatZshCompletion(): string {
  const cases = commands.map(
    ({ name, options }) => `        ${name})
          _arguments -s $global ${name === 'help' ? `'1:command:(${commandNames.join(' ')})'` : zshOptions(options, 12)}
          ;;`,
  );
  return `#compdef ${programName}
# zsh completion for ${programName}, written by build/completion.ts

${listPublished}

# _arguments puts options for compadd in front.
${functionName}_values() {
  local -a values
  values=(\${(f)"$(${functionName}_published $argv[-1])"})
  compadd "\${(@)argv[1,-2]}" -a values
}

${functionName}() {
  local curcontext=$curcontext state
  local -a line global commands
  global=(
    ${zshOptions(globalOptions, 4)}
  )
  commands=(
${commands.map(({ name, description }) => `    ${quote(`${name}:${description}`)}`).join('\n')}
  )
  _arguments -C -s $global \\
    ${zshOptions(program.options, 4)} \\
    '1:command:->command' '*::argument:->argument'
  case $state in
    command) _describe command commands ;;
    argument)
      case $words[1] in
${cases.join('\n')}
      esac
      ;;
  esac
}

${functionName} "$@"
`;
}

function zshOptions(options: ArgumentOption[], indent: number): string {
  return options.flatMap(zshOption).join(` \\\n${' '.repeat(indent)}`);
}

/** As _arguments reads it: `(-m --meeting-id)-m[description]:id:action`, `*` for one that may be repeated. */
function zshOption({ short, long, description, value, isRepeatable }: ArgumentOption): string[] {
  const names = namesOf([{ short, long } as ArgumentOption]);
  const meaning = description.replace(/[[\]\\:]/g, '\\$&');
  const actions = {
    file: '_files',
    directory: '_files -/',
    meeting: `${functionName}_values meeting`,
    format: `${functionName}_values format`,
    text: ' ',
  };
  const argument = value === undefined ? '' : `:${value.name}:${actions[value.kind]}`;
  const prefix = isRepeatable ? '*' : `(${names.join(' ')})`;
  return names.map((name) => quote(`${prefix}${name}[${meaning}]${argument}`));
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Writes both below `directory` and returns their paths. */
export function writeCompletions(directory = join(outputDirectory, 'completion')): {
  bash: string;
  zsh: string;
} {
  mkdirSync(directory, { recursive: true });
  const paths = {
    bash: join(directory, programName),
    // zsh looks for the function's own name.
    zsh: join(directory, `_${programName}`),
  };
  writeFileSync(paths.bash, formatBashCompletion());
  writeFileSync(paths.zsh, formatZshCompletion());
  return paths;
}

if (import.meta.main) process.stdout.write(`${Object.values(writeCompletions()).join('\n')}\n`);
