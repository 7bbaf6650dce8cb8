/** dist/man/pilos-post-publish.1, from the argument table. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { exitStatuses } from '../hook/cli/exit-statuses.ts';
import { publishExamples } from '../hook/commands/publish.ts';
import { type ArgumentCommand, type ArgumentOption, readArgumentTable } from './argument-table.ts';
import { outputDirectory, programName, readSourceDate, readVersion } from './project.ts';

const postPublish = '/usr/local/bigbluebutton/core/scripts/post_publish';

const description = [
  'BigBlueButton (BBB) calls this program after each published format of a recording. When the meeting is one of PILOS, the format is packed into an archive and moved into the spool directory that PILOS imports from: a mounted directory, a directory on another host over ssh, or one of an rsync daemon. PILOS never sees an archive that is not complete.',
  'What could not be delivered is remembered in a ledger and tried again by a timer, which runs the command deliver.',
  'Started as root, the program becomes the user that BBB runs as before it touches anything. Only install and uninstall remain root.',
];

const files: [string, string][] = [
  ['/etc/bigbluebutton/recording/pilos.yml', 'The configuration: where the spool directory is, and more.'],
  [
    '/usr/local/bigbluebutton/core/scripts/bigbluebutton.yml',
    "BBB's directories, and the formats that this server publishes.",
  ],
  ['/etc/bigbluebutton/recording/recording.yml', 'Merged over it when it exists, as BBB does.'],
  [`${postPublish}/pilos_post_publish.rb`, 'The launcher that BBB runs.'],
  [`${postPublish}/pilos_post_publish.rb.replaced`, "PILOS' own script of that name, set aside."],
  ['/var/log/bigbluebutton/post_publish.log', 'The log, unless pilos.yml names another one.'],
  ['WORK_DIR/ledger', 'What was tried and delivered; WORK_DIR is work_dir of pilos.yml.'],
  ['WORK_DIR/migrated', 'The same for what migrate has sent.'],
];

const environment: [string, string][] = [
  ['PILOS_POST_PUBLISH_CONFIG', 'As --config.'],
  ['PILOS_POST_PUBLISH_BBB_CONFIG', "As --bbb-config; several files are separated by ':'."],
  ['NO_COLOR', 'When set, no colours on a terminal.'],
];

const seeAlso = ['rsync(1)', 'ssh_config(5)', 'systemctl(1)', 'systemd.timer(5)'];

export function formatManPage(): string {
  const { program, commands, globalOptions } = readArgumentTable();
  const date = readSourceDate().toISOString().slice(0, 10);
  const lines = [
    `.TH ${programName.toUpperCase().replaceAll('-', '\\-')} 1 ${date} "${programName} ${readVersion()}"`,
    // Paths are long: no word is broken in two, and no line is stretched.
    '.nh',
    '.ad l',
    ...section('NAME', [`${roff(programName)} \\- ${roff(asClause(program.description))}`]),
    ...section('SYNOPSIS', [
      ...synopsis(program),
      ...commands.flatMap((command) => ['.br', ...synopsis(command)]),
    ]),
    ...section(
      'DESCRIPTION',
      description.flatMap((paragraph) => ['.PP', ...prose(paragraph)]),
    ),
    ...section('OPTIONS', program.options.flatMap(formatOption)),
    '.PP',
    'Every command has these as well:',
    ...globalOptions.flatMap(formatOption),
    ...section('COMMANDS', commands.flatMap(formatCommand)),
    ...section(
      'EXIT STATUS',
      exitStatuses.flatMap(([status, meaning]) => tagged(`.B ${status}`, meaning)),
    ),
    ...section(
      'FILES',
      // A path may be broken behind a slash.
      files.flatMap(([file, meaning]) => tagged(`.I ${roff(file).replaceAll('/', '/\\:')}`, meaning)),
    ),
    ...section(
      'ENVIRONMENT',
      environment.flatMap(([name, meaning]) => tagged(`.B ${roff(name)}`, meaning)),
    ),
    '.PP',
    ...prose('NODE_OPTIONS and variables that begin with RSYNC_ have no effect.'),
    ...section(
      'EXAMPLES',
      publishExamples.flatMap(([command, meaning]) => [
        '.PP',
        ...prose(asSentence(meaning)),
        ...code(command),
      ]),
    ),
    ...section('SEE ALSO', [seeAlso.map(reference).join(',\n')]),
  ];
  return `${lines.join('\n')}\n`;
}

function section(title: string, lines: string[]): string[] {
  // A paragraph directly behind a heading is one already.
  return [`.SH ${title.includes(' ') ? `"${title}"` : title}`, ...lines.slice(lines[0] === '.PP' ? 1 : 0)];
}

function synopsis({ name, options }: ArgumentCommand): string[] {
  const words = name === programName ? [] : [`.B ${roff(programName)} ${roff(name)}`];
  const flags = options.map(
    (option) =>
      `.RB [ ${roff(option.short ?? option.long)} ${option.value ? `" \\fI${roff(option.value.name)}\\fR" ` : ''}]`,
  );
  return [...(words.length > 0 ? words : [`.B ${roff(programName)}`]), ...flags];
}

function formatCommand({ name, description: meaning, options }: ArgumentCommand): string[] {
  return [`.SS ${roff(name)}`, ...prose(asSentence(meaning)), ...options.flatMap(formatOption)];
}

function formatOption({ short, long, description: meaning, preset, value }: ArgumentOption): string[] {
  const names = [short, long].filter((name) => name !== undefined).map((name) => `\\fB${roff(name)}\\fR`);
  const argument = value === undefined ? '' : ` \\fI${roff(value.name)}\\fR`;
  const told = preset === undefined ? meaning : `${meaning} (default: ${preset})`;
  return ['.TP', `${names.join(', ')}${argument}`, ...prose(asSentence(told))];
}

function tagged(tag: string, meaning: string): string[] {
  return ['.TP', tag, ...prose(asSentence(meaning))];
}

/** An example is shown as it is typed, in lines that fit a terminal and can be copied together. */
function code(command: string): string[] {
  const lines = fold(command.split(/ (?=-)/), 66).map((line, index) => (index === 0 ? line : `    ${line}`));
  return ['.PP', '.RS 4', '.nf', lines.map(roff).join(' \\e\n'), '.fi', '.RE'];
}

function reference(page: string): string {
  const [, name = '', number = ''] = /^(.+)\((\d)\)$/.exec(page) ?? [];
  return `.BR ${roff(name)} (${number})`;
}

function asSentence(text: string): string {
  // Not the name of a file, which has a dot in it.
  const first = /^[a-z]+(?![\w.])/.test(text) ? text.charAt(0).toUpperCase() : text.charAt(0);
  return `${first}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`;
}

/** What stands behind the name in NAME, and what `apropos` lists: no capital, no full stop. */
function asClause(text: string): string {
  return `${text.charAt(0).toLowerCase()}${text.slice(1).replace(/\.$/, '')}`;
}

const signs: Record<string, string> = {
  '\\': '\\e',
  '-': '\\-',
  "'": '\\(aq',
  '`': '\\(ga',
  '^': '\\(ha',
  '~': '\\(ti',
};

function prose(text: string): string[] {
  return fold(text.split(' '), 78).map(roff);
}

/** Lines that are at most so long in roff, where the words allow that. */
function fold([first = '', ...words]: string[], length: number): string[] {
  const lines = [first];
  for (const word of words) {
    const longer = `${lines.at(-1)} ${word}`;
    if (roff(longer).length <= length) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

/** Text for a line of roff: options and quotes can be copied from the page, and no line becomes a request. */
function roff(text: string): string {
  const escaped = text.replace(/[\\\-'`^~]|[^\x20-\x7e]/g, (character) => {
    return (
      signs[character] ?? `\\[u${character.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0')}]`
    );
  });
  return escaped.startsWith('.') ? `\\&${escaped}` : escaped;
}

/** Writes it below `directory` and returns its path. */
export function writeManPage(directory = join(outputDirectory, 'man')): string {
  mkdirSync(directory, { recursive: true });
  const path = join(directory, `${programName}.1`);
  writeFileSync(path, formatManPage());
  return path;
}

if (import.meta.main) process.stdout.write(`${writeManPage()}\n`);
