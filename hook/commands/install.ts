/**
 * Puts this program in the place where BBB calls it, and takes it away again: for servers without the Debian
 * package, which does the same with dpkg's means.
 */
import { existsSync, readFileSync } from 'node:fs';
import { isSea } from 'node:sea';
import type { Command } from '@commander-js/extra-typings';
import { type Config, readConfig } from '../config/config.ts';
import { attempt, EXIT, type ExitStatus, ExpectedError } from '../errors.ts';
import { readEmbeddedFiles } from '../install/embedded-files.ts';
import { isLauncher } from '../install/launcher.ts';
import {
  installedExecutable,
  launcher,
  packageNote,
  places,
  scriptsDirectory,
  timerNames,
} from '../install/layout.ts';
import {
  pastOf,
  planFile,
  planLink,
  planRemove,
  planRestore,
  planSetAside,
  planSystemctl,
  type Step,
} from '../install/steps.ts';
import type { Run } from '../run.ts';
import { withErrnoTranslatedAsync } from '../system/errno.ts';
import { isSystemdRunning } from '../system/systemd.ts';
import { printJson } from '../terminal/lines.ts';
import { addRunOptions, type Start } from './options.ts';

interface Plan {
  steps: Step[];
  /** What is left as it is, and what the admin does next. */
  notes: string[];
}

async function carryOut(
  makePlan: (run: Run) => Promise<Plan>,
  dryRun: boolean,
  run: Run,
): Promise<ExitStatus> {
  validateServer(dryRun);
  const { steps, notes } = await makePlan(run);
  if (dryRun) run.log.info('dry run: nothing is changed');
  for (const { verb, what, apply } of steps) {
    run.signal.throwIfAborted();
    if (!dryRun) await withErrnoTranslatedAsync(`cannot ${verb} ${what}`, async () => apply());
    run.log.info(`${dryRun ? `would ${verb}` : pastOf[verb]} ${what}`);
  }
  if (steps.length === 0) run.log.info('nothing to do');
  for (const note of notes) run.log.info(note);
  if (run.json) {
    const done = steps.map(({ verb, what }) => ({ verb: verb.replaceAll(' ', '_'), what }));
    printJson({ dry_run: dryRun, steps: done, notes, exit_status: EXIT.ok });
  }
  return EXIT.ok;
}

function validateServer(dryRun: boolean): void {
  if (!existsSync(scriptsDirectory))
    throw new ExpectedError(`BBB's recording scripts are not on this server: ${scriptsDirectory}`, {
      code: 'bbb_missing',
      exitStatus: EXIT.unavailable,
      fix: 'install on the server that publishes recordings, after its package bbb-record-core',
    });
  if (existsSync(packageNote))
    throw new ExpectedError('the Debian package pilos-post-publish is installed', {
      code: 'package_installed',
      exitStatus: EXIT.config,
      fix: "update it with 'apt-get install', or remove it with 'apt-get remove pilos-post-publish'",
    });
  if (!dryRun && process.getuid?.() !== 0)
    throw new ExpectedError('only root can do this', {
      code: 'not_root',
      exitStatus: EXIT.permission,
      fix: 'run it with sudo, or see with --dry-run what it would do',
    });
}

/** The order matters: at no moment may BBB find a launcher without its executable. */
async function planInstall(): Promise<Plan> {
  const executable = ownExecutable();
  const files = readEmbeddedFiles();
  const { link, configuration, services, timers, logrotate } = places;
  const units = [files.service, files.checkService, files.timer, files.checkTimer];
  const hasConfiguration = existsSync(configuration);
  const planned = await Promise.all([
    planFile(installedExecutable, { copyOf: executable }, 0o755),
    // PILOS' own script has this name; it would deliver every recording a second time.
    existsSync(launcher) && !isOwn(launcher) ? [planSetAside(launcher)] : [],
    planFile(launcher, files.launcher, 0o755),
    planLink(link, installedExecutable),
    hasConfiguration ? [] : planFile(configuration, files.configuration),
    planFile(logrotate, files.logrotate),
    ...[...services, ...timers].map((path, index) => planFile(path, units[index] ?? '')),
  ]);
  const steps = planned.flat();
  const notes = hasConfiguration
    ? [`kept ${configuration}`]
    : [`next: set spool_dir in ${configuration}, then run 'pilos-post-publish check'`];
  if (!isSystemdRunning()) {
    notes.unshift(
      `systemd does not run here: when it does, run 'systemctl enable --now ${timerNames.join(' ')}'`,
      "in a container, which has none, start 'pilos-post-publish deliver --every 15m' beside BBB's worker",
    );
    return { steps, notes };
  }
  const start = [
    planSystemctl('daemon-reload'),
    planSystemctl('enable', ...timerNames),
    planSystemctl('restart', ...timerNames),
  ];
  return { steps: [...steps, ...start], notes };
}

function ownExecutable(): string {
  if (isSea()) return process.execPath;
  throw new ExpectedError('this is not the executable, but its source code', {
    code: 'not_the_executable',
    exitStatus: EXIT.usage,
    fix: "run 'make build', then 'sudo dist/pilos-post-publish install'",
  });
}

async function planUninstall({ choice, environment }: Run): Promise<Plan> {
  const { link, configuration, services, timers, timerStamps, logrotate } = places;
  const units = [...timers, ...services, ...timerStamps].flatMap(planRemove);
  const hasUnits = units.length > 0 && isSystemdRunning();
  const steps = [
    ...(hasUnits ? [planSystemctl('disable', '--now', ...timerNames)] : []),
    ...units,
    ...(hasUnits ? [planSystemctl('daemon-reload')] : []),
    ...(existsSync(launcher) && isOwn(launcher) ? planRestore(launcher) : []),
    ...[link, installedExecutable, logrotate].flatMap(planRemove),
    ...planRemoveMetrics(attempt(() => readConfig(choice, environment))),
  ];
  const notes = existsSync(configuration) ? [`kept ${configuration}, and the ledger in its work_dir`] : [];
  return { steps, notes };
}

/** Numbers that nobody updates any more would raise alerts for ever. */
function planRemoveMetrics(config: Config | ExpectedError): Step[] {
  const file = config instanceof ExpectedError ? undefined : config.metricsFile;
  if (file === undefined || !existsSync(file)) return [];
  return readFileSync(file, 'utf8').includes('# HELP pilos_post_publish_') ? planRemove(file) : [];
}

function isOwn(launcher: string): boolean {
  return isLauncher(readFileSync(launcher, 'utf8'));
}

export function addInstallCommands(program: Command, start: Start): void {
  const dryRun = ['--dry-run', 'say what would be changed, and change nothing'] as const;
  addRunOptions(program.command('install'))
    .description('put this program where BBB calls it, with its timer, and a pilos.yml where there is none')
    .option(...dryRun)
    .action(({ dryRun = false }, command) =>
      start(command.optsWithGlobals(), (run) => carryOut(planInstall, dryRun, run)),
    );
  addRunOptions(program.command('uninstall'))
    .description("take it away again and put PILOS' own script back; pilos.yml and the ledger stay")
    .option(...dryRun)
    .action(({ dryRun = false }, command) =>
      start(command.optsWithGlobals(), (run) => carryOut(planUninstall, dryRun, run)),
    );
}
