/** The argument table, from which `--help`, the man page and the shell completions are made. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { EXIT, type ExitStatus } from '../errors.ts';
import { createRun, type GlobalOptions, type Run } from '../run.ts';
import { escapeText } from '../terminal/escape.ts';
import { printError, printOut } from '../terminal/lines.ts';

declare const __VERSION__: string | undefined;
declare const __COMMIT__: string | undefined;

const version = typeof __VERSION__ === 'string' ? __VERSION__ : '0.0.0';
const commit = typeof __COMMIT__ === 'string' ? __COMMIT__ : 'unknown';

/** `pilos-post-publish 1.0.0 (commit 0123456789ab, Node v24.21.0)` */
export const versionLine = `pilos-post-publish ${version} (commit ${commit}, Node ${process.version})`;

/** Exit statuses after sysexits.h, with what they mean here. */
export const exitStatuses: readonly [ExitStatus, string][] = [
  [EXIT.ok, 'delivered, or rightly nothing to do'],
  [EXIT.usage, 'wrong arguments'],
  [EXIT.data, 'the recording cannot be packed for PILOS'],
  [EXIT.noRecording, 'no such recording'],
  [EXIT.unavailable, 'a program or service is missing'],
  [EXIT.bug, 'a bug in this program'],
  [EXIT.spool, 'the spool directory is not usable'],
  [EXIT.io, 'input/output error'],
  [EXIT.temporary, "temporary failure, 'resend' will get it"],
  [EXIT.permission, 'permission denied'],
  [EXIT.config, 'configuration error'],
];

const statusHelp = `
Exit status:
${exitStatuses.map(([status, meaning]) => `  ${String(status).padStart(2)}  ${meaning}`).join('\n')}
`;

const exampleId = '495513f19d7da5edb02237f3bca1ee0634f1e235-1712758751753';

/** A command line, and what it does. */
export const publishExamples: readonly [string, string][] = [
  [`pilos-post-publish -m ${exampleId} -f presentation`, 'what BBB calls: deliver one format of a meeting'],
  [
    `sudo pilos-post-publish -m ${exampleId}`,
    'deliver all its published formats again, as user bigbluebutton',
  ],
  [
    `sudo pilos-post-publish -m ${exampleId} --dry-run`,
    'say what would be read, packed, written and run, and touch nothing',
  ],
];

const examplesHelp = `
Examples:
${publishExamples.map(([command, meaning]) => `  ${command}\n      ${meaning}`).join('\n')}
`;

const checkStatusHelp = `
Exit status:
   0  nothing is wrong; there may be warnings
  78  the set-up: configuration, launcher, programs, ssh and rsync
  77  rights: users, groups and modes
  73  the spool: not there, full, or it does not answer
With several problems, the first of these that fits.
`;

const seeHelp = " (see 'pilos-post-publish --help')";

interface PublishOptions {
  meetingId?: string;
  format?: string;
  dryRun?: boolean;
}

/** Runs one command in its run and keeps its exit status. */
type Execute = (run: Run, command: () => Promise<ExitStatus>) => Promise<void>;

export function createProgram(signal: AbortSignal, execute: Execute): Command {
  const program = withGlobalOptions(new Command('pilos-post-publish'))
    .description('Moves published BigBlueButton recordings into the spool of PILOS.')
    .version(versionLine, '--version', 'print version, commit and the Node.js inside')
    .option('-m, --meeting-id <id>', 'meeting id, as BBB passes it')
    .option('-f, --format <format>', 'published format; without it, every one of the meeting')
    .option('--dry-run', 'say what would be done, and touch nothing')
    .addHelpText('after', examplesHelp + statusHelp)
    .enablePositionalOptions()
    .allowExcessArguments(false)
    .exitOverride()
    .configureOutput({
      writeOut: printOut,
      writeErr: printError,
      outputError: (text, write) =>
        write(`pilos-post-publish: ${escapeText(text.replace(/^error: /, '').trim())}${seeHelp}\n`),
    });
  // Before a command they would be taken for the program's own, and a dry run would not be dry.
  program.hook('preSubcommand', (_, command) => {
    const misplaced = ['dryRun', 'meetingId', 'format'].find(
      (name) => program.getOptionValue(name) !== undefined,
    );
    if (misplaced === undefined) return;
    const option = program.options.find((one) => one.attributeName() === misplaced);
    program.error(`${option?.long} must stand behind '${command.name()}'`);
  });
  program.action(async ({ meetingId, format, dryRun = false }: PublishOptions) => {
    if (meetingId === undefined) return program.error('give a meeting id with -m, or one of the commands');
    const { publish } = await import('../commands/publish.ts');
    const run = createRun(program.opts(), signal);
    await execute(run, () => publish({ meetingId, format, dryRun }, run));
  });
  addCheck(program, signal, execute);
  addStatus(program, signal, execute);
  addResend(program, signal, execute);
  addPrune(program, signal, execute);
  addAdopt(program, signal, execute);
  addMigrate(program, signal, execute);
  addInstall(program, signal, execute);
  addUninstall(program, signal, execute);
  return program;
}

function addCheck(program: Command, signal: AbortSignal, execute: Execute): void {
  const command = withGlobalOptions(program.command('check'))
    .description('is this server set up right? What is wrong, and the command that mends it')
    .addHelpText('after', checkStatusHelp);
  command.action(async () => {
    const { check } = await import('../commands/check.ts');
    const options = command.optsWithGlobals<GlobalOptions>();
    const run = createRun(options, signal);
    await execute(run, () => check({ quiet: options.quiet ?? false, version: versionLine }, run));
  });
}

function addResend(program: Command, signal: AbortSignal, execute: Execute): void {
  const command = withGlobalOptions(program.command('resend'))
    .description('deliver what is published, ours and not delivered; the timer runs this every 15 minutes')
    .addOption(
      new Option('--missing', 'what is not delivered, for whatever reason (default)').conflicts([
        'failed',
        'all',
      ]),
    )
    .addOption(new Option('--failed', 'only what was tried and failed').conflicts(['missing', 'all']))
    .addOption(new Option('--all', 'everything, also what is delivered').conflicts(['missing', 'failed']))
    .option('--since <when>', 'only what was published since then: 12h, 7d, 2w or 2026-01-31')
    .option('-m, --meeting-id <id>', 'only this meeting; may be given several times', collect)
    .option('--limit <n>', 'at most so many', parseCount)
    .option('--dry-run', 'say what would be delivered, and touch nothing');
  command.action(async (options: ResendOptions) => {
    const { resend } = await import('../commands/deliver.ts');
    const run = createRun(command.optsWithGlobals(), signal);
    const which = options.all ? 'all' : options.failed ? 'failed' : 'missing';
    const { since, limit, dryRun = false, meetingId: meetingIds = [] } = options;
    await execute(run, () => resend({ which, since, limit, dryRun, meetingIds }, run));
  });
}

interface ResendOptions {
  failed?: boolean;
  all?: boolean;
  since?: string;
  meetingId?: string[];
  limit?: number;
  dryRun?: boolean;
}

function addStatus(program: Command, signal: AbortSignal, execute: Execute): void {
  const command = withGlobalOptions(program.command('status'))
    .description('what was delivered, what is missing, and why')
    .option('--failed', 'only recordings with a format whose delivery failed')
    .option('--missing', 'only recordings that are not completely delivered')
    .option('--since <when>', 'only meetings that began since then: 12h, 7d, 2w or 2026-01-31')
    .option('-m, --meeting-id <id>', 'everything about this one; may be given several times', collect);
  command.action(async (options: StatusOptions) => {
    const { status } = await import('../commands/status.ts');
    const run = createRun(command.optsWithGlobals(), signal);
    const { failed = false, missing = false, since, meetingId: meetingIds = [] } = options;
    await execute(run, () => status({ failed, missing, since, meetingIds }, run));
  });
}

interface StatusOptions {
  failed?: boolean;
  missing?: boolean;
  since?: string;
  meetingId?: string[];
}

function addAdopt(program: Command, signal: AbortSignal, execute: Execute): void {
  const command = withGlobalOptions(program.command('adopt'))
    .description(
      "note as delivered what PILOS' own script has sent; 'install' does this when it replaces that script",
    )
    .option('--dry-run', 'say what would be noted, and touch nothing');
  command.action(async ({ dryRun = false }: { dryRun?: boolean }) => {
    const { adopt } = await import('../commands/adopt.ts');
    const run = createRun(command.optsWithGlobals(), signal);
    await execute(run, () => adopt({ dryRun }, run));
  });
}

function addPrune(program: Command, signal: AbortSignal, execute: Execute): void {
  const command = withGlobalOptions(program.command('prune'))
    .description('delete local copies of recordings that are completely delivered, with bbb-record --delete')
    .option('--older-than <when>', 'delivered before then: 12h, 7d, 2w or 2026-01-31', '14d')
    .option('--dry-run', 'say what would be deleted, and touch nothing');
  command.action(async ({ olderThan, dryRun = false }: { olderThan: string; dryRun?: boolean }) => {
    const { prune } = await import('../commands/prune.ts');
    const run = createRun(command.optsWithGlobals(), signal);
    await execute(run, () => prune({ olderThan, dryRun }, run));
  });
}

function addMigrate(program: Command, signal: AbortSignal, execute: Execute): void {
  const command = withGlobalOptions(program.command('migrate'))
    .description('send the recordings of another front end for import; they stay as they are')
    .option('--meeting-ids <file>', "only recordings of these external meeting ids, one a line, '#' comments")
    .option('--origin <origin>', "only those with this bbb-origin, 'none' for none; may be repeated", collect)
    .option(
      '--from <dir>',
      'look in DIR/FORMAT/MEETING_ID; may be repeated (default: published_dir)',
      collect,
    )
    .option('--sub-dir <name>', 'sub directory of the spool, as in RECORDING_SPOOL_SUB_DIRECTORY of PILOS')
    .option('--since <when>', 'only meetings that began since then: 12h, 7d, 2w or 2026-01-31')
    .option('--until <when>', 'only meetings that began before then')
    .option('--limit <n>', 'send at most so many', parseCount)
    .option('--again', 'send also what was sent before, as when its import has failed')
    .option('--max-waiting <n>', 'wait while so many archives lie in the spool', parseCount, 20)
    .option('--pause <time>', 'wait so long after each archive when the spool cannot be read', '6s')
    .option('--patience <time>', 'give up when PILOS takes no archive for so long', '1h')
    .option('--dry-run', 'say what would be sent, and touch nothing');
  command.action(async (options: MigrateOptions) => {
    const { migrate } = await import('../commands/migrate.ts');
    const globals = command.optsWithGlobals<GlobalOptions>();
    const { origin: origins = [], from = [], again = false, dryRun = false, ...rest } = options;
    const { meetingIds, since, until, limit, subDir = '', maxWaiting, pause, patience } = rest;
    const request = {
      ...{ meetingIds, origins, from, subDir, since, until, limit, again, maxWaiting, pause, patience },
      ...{ dryRun, quiet: globals.quiet ?? false },
    };
    const run = createRun(globals, signal);
    await execute(run, () => migrate(request, run));
  });
}

interface MigrateOptions {
  meetingIds?: string;
  origin?: string[];
  from?: string[];
  subDir?: string;
  since?: string;
  until?: string;
  limit?: number;
  again?: boolean;
  maxWaiting: number;
  pause: string;
  patience: string;
  dryRun?: boolean;
}

function addInstall(program: Command, signal: AbortSignal, execute: Execute): void {
  const command = withInstallOptions(program.command('install')).description(
    'put this program where BBB calls it, with its timer, and a pilos.yml where there is none',
  );
  command.action(async ({ root, dryRun = false }: InstallOptions) => {
    const { install } = await import('../commands/install.ts');
    const run = createRun(command.optsWithGlobals(), signal);
    await execute(run, () => install({ root, dryRun }, run));
  });
}

function addUninstall(program: Command, signal: AbortSignal, execute: Execute): void {
  const command = withInstallOptions(program.command('uninstall')).description(
    "take it away again and put PILOS' own script back; pilos.yml and the ledger stay",
  );
  command.action(async ({ root, dryRun = false }: InstallOptions) => {
    const { uninstall } = await import('../commands/install.ts');
    const run = createRun(command.optsWithGlobals(), signal);
    await execute(run, () => uninstall({ root, dryRun }, run));
  });
}

interface InstallOptions {
  root: string;
  dryRun?: boolean;
}

function withInstallOptions(command: Command): Command {
  return withGlobalOptions(command)
    .option('--root <dir>', 'the file system of an image instead of this one', '/')
    .option('--dry-run', 'say what would be changed, and touch nothing');
}

function collect(value: string, earlier: string[] = []): string[] {
  return [...earlier, value];
}

function parseCount(value: string): number {
  if (/^[1-9]\d{0,8}$/.test(value)) return Number(value);
  throw new InvalidArgumentError('It must be a whole number of at least 1.');
}

/** Options that every command has, before or behind its name. */
function withGlobalOptions(command: Command): Command {
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
