/** Puts this program in the place where BBB calls it, and takes it away again. */

import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isSea } from 'node:sea';
import type { Command } from '@commander-js/extra-typings';
import { parseMapping } from '../config/yaml-mapping.ts';
import { attempt, EXIT, type ExitStatus, ExpectedError } from '../errors.ts';
import { type EmbeddedFiles, readEmbeddedFiles } from '../install/embedded-files.ts';
import { isLauncher } from '../install/launcher.ts';
import { findLayout, installedExecutable, type Layout, refusePackaged } from '../install/layout.ts';
import { hasSameContent } from '../install/same-content.ts';
import {
  pastOf,
  planFile,
  planLink,
  planRemove,
  planRestore,
  planSetAside,
  type Step,
  setAsideEnding,
} from '../install/steps.ts';
import { planDisableTimer, planEnableTimer, planReload } from '../install/timer.ts';
import type { Run } from '../run.ts';
import { withErrnoTranslated } from '../system/errno.ts';
import { printJson } from '../terminal/lines.ts';
import { addRunOptions, type Start } from './options.ts';

export interface InstallRequest {
  /** `/`, or where the file system of an image or a test begins. */
  root: string;
  dryRun: boolean;
}

interface Plan {
  steps: Step[];
  /** What is left as it is, and what the admin does next. */
  notes: string[];
}

/** `executable`: the file to install, this program unless a test says otherwise. */
export async function install(
  request: InstallRequest,
  run: Run,
  executable = ownExecutable(),
): Promise<ExitStatus> {
  const layout = findLayout(request.root);
  refusePackaged(layout, "'apt-get install' updates it, and 'apt-get remove pilos-post-publish' removes it");
  requireRoot(request, 'install');
  return carryOut(request, run, planInstall(layout, executable));
}

export async function uninstall(request: InstallRequest, run: Run): Promise<ExitStatus> {
  const layout = findLayout(request.root);
  refusePackaged(layout, "'apt-get remove pilos-post-publish' removes it");
  requireRoot(request, 'uninstall');
  return carryOut(request, run, planUninstall(layout));
}

function ownExecutable(): string {
  if (isSea()) return process.execPath;
  throw new ExpectedError('this is not the executable, but its source code', {
    exitStatus: EXIT.usage,
    fix: "run 'make build', then 'sudo dist/pilos-post-publish install'",
  });
}

function requireRoot({ dryRun }: InstallRequest, command: string): void {
  if (dryRun || process.getuid?.() === 0) return;
  throw new ExpectedError(`only root can ${command} it`, {
    exitStatus: EXIT.permission,
    fix: 'run it with sudo, or see with --dry-run what it would do',
  });
}

/** The order matters: at no moment may BBB find a launcher without its executable. */
function planInstall(layout: Layout, executable: string): Plan {
  const files = readEmbeddedFiles();
  const hasConfiguration = existsSync(layout.configuration);
  const program = [
    planFile(layout.executable, { content: { copyOf: executable }, mode: 0o755 }),
    planAdopt(layout),
    planForeignLauncher(layout.launcher),
    planFile(layout.launcher, { content: files.launcher, mode: 0o755 }),
    planForeignLink(layout.link, executable),
    planLink(layout.link, installedExecutable),
    hasConfiguration
      ? undefined
      : planFile(layout.configuration, { content: files.configuration, mode: 0o644 }),
    planFile(layout.logrotate, { content: files.logrotate, mode: 0o644 }),
  ];
  const units = planUnits(layout, files);
  const timer = planEnableTimer(layout, units.length > 0);
  const notes = timer.note === undefined ? [] : [timer.note];
  if (hasConfiguration) notes.push(`kept ${layout.configuration}`);
  else notes.push(`next: set spool_dir in ${layout.configuration}, then run 'pilos-post-publish check'`);
  if (layout.root !== '/' && hasConfiguration && planForeignLauncher(layout.launcher) !== undefined)
    notes.push(
      "before the timer starts there, run 'pilos-post-publish adopt': it notes what PILOS' script has sent",
    );
  return { steps: [...present(program), ...units, ...timer.steps], notes };
}

/**
 * What the script has sent that is set aside must not be sent again by the timer. While that script is still in
 * place: when this fails, the next `install` tries it again.
 */
function planAdopt({ root, launcher, configuration }: Layout): Step | undefined {
  if (root !== '/' || planForeignLauncher(launcher) === undefined || !existsSync(configuration))
    return undefined;
  const apply = () => {
    // In a process of its own, which becomes the user of BBB. stdout may belong to our own JSON document.
    const { status } = spawnSync(installedExecutable, ['adopt'], { stdio: ['ignore', 'ignore', 'inherit'] });
    if (status === 0) return;
    throw new ExpectedError("'pilos-post-publish adopt' failed, so PILOS' script is still in its place", {
      exitStatus: EXIT.config,
      fix: "see the line above, then run 'install' again",
    });
  };
  return { verb: 'run', what: 'pilos-post-publish adopt', why: "notes what PILOS' script has sent", apply };
}

function planUnits(layout: Layout, { service, timer }: EmbeddedFiles): Step[] {
  return present([
    planFile(layout.service, { content: service, mode: 0o644 }),
    planFile(layout.timer, { content: timer, mode: 0o644 }),
  ]);
}

/** PILOS' own script has the name of our launcher. */
function planForeignLauncher(launcher: string): Step | undefined {
  const isForeign = existsSync(launcher) && !isOurLauncher(launcher);
  return isForeign ? planSetAside(launcher, 'it would send every recording a second time') : undefined;
}

function isOurLauncher(launcher: string): boolean {
  return isLauncher(readFileSync(launcher, 'utf8'));
}

/** Somebody's own script, or another version; the very executable that is being installed is not kept twice. */
function planForeignLink(link: string, executable: string): Step | undefined {
  const stats = lstatSync(link, { throwIfNoEntry: false });
  if (stats?.isFile() !== true || hasSameContent(link, executable)) return undefined;
  return planSetAside(link, 'a link takes its place');
}

function planUninstall(layout: Layout): Plan {
  const units = present([layout.timer, layout.service].map(planRemove));
  const isOurs = existsSync(layout.launcher) && isOurLauncher(layout.launcher);
  const launcher = isOurs ? (planRestore(layout.launcher) ?? planRemove(layout.launcher)) : undefined;
  const isOurLink = planLink(layout.link, installedExecutable) === undefined;
  const link = isOurLink ? (planRestore(layout.link) ?? planRemove(layout.link)) : undefined;
  const steps = [
    ...planDisableTimer(layout),
    ...units,
    ...(units.length > 0 ? planReload(layout) : []),
    ...present([launcher, link, planRemove(layout.executable), planRemove(layout.logrotate)]),
  ];
  return { steps, notes: describeKept(layout, isOurs) };
}

function describeKept({ root, configuration, launcher }: Layout, isOurs: boolean): string[] {
  const notes: string[] = [];
  if (!isOurs && existsSync(launcher + setAsideEnding))
    notes.push(`kept ${launcher} and ${launcher}${setAsideEnding}: neither is ours`);
  if (!existsSync(configuration)) return notes;
  notes.push(`kept ${configuration}`);
  const mapping = attempt(() => parseMapping(readFileSync(configuration, 'utf8'), configuration));
  const workDir = mapping instanceof ExpectedError ? undefined : mapping['work_dir'];
  if (typeof workDir === 'string' && existsSync(join(root, workDir)))
    notes.push(`kept ${join(root, workDir)} with the ledger, which knows what was delivered`);
  return notes;
}

function present(steps: (Step | undefined)[]): Step[] {
  return steps.filter((step) => step !== undefined);
}

function carryOut({ dryRun }: InstallRequest, run: Run, { steps, notes }: Plan): ExitStatus {
  if (dryRun) run.log.info('dry run: nothing is changed');
  for (const { verb, what, why, apply } of steps) {
    run.signal.throwIfAborted();
    if (!dryRun) withErrnoTranslated(`cannot ${verb} ${what}`, apply);
    run.log.info(`${dryRun ? `would ${verb}` : pastOf[verb]} ${what}${why === undefined ? '' : ` (${why})`}`);
  }
  if (steps.length === 0) run.log.info('nothing to do');
  for (const note of notes) run.log.info(note);
  if (run.json) {
    const told = steps.map(({ verb, what, why }) => ({ verb, what, ...(why === undefined ? {} : { why }) }));
    printJson({ dry_run: dryRun, steps: told, notes, exit_status: EXIT.ok });
  }
  return EXIT.ok;
}

export function addInstallCommands(program: Command, start: Start): void {
  const root = ['--root <dir>', 'the file system of an image instead of this one', '/'] as const;
  const dryRunText = 'say what would be changed, and change nothing';
  addRunOptions(program.command('install'))
    .description('put this program where BBB calls it, with its timer, and a pilos.yml where there is none')
    .option(...root)
    .option('--dry-run', dryRunText)
    .action(({ root, dryRun = false }, command) =>
      start(command.optsWithGlobals(), (run) => install({ root, dryRun }, run)),
    );
  addRunOptions(program.command('uninstall'))
    .description("take it away again and put PILOS' own script back; pilos.yml and the ledger stay")
    .option(...root)
    .option('--dry-run', dryRunText)
    .action(({ root, dryRun = false }, command) =>
      start(command.optsWithGlobals(), (run) => uninstall({ root, dryRun }, run)),
    );
}
