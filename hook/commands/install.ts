/**
 * Puts this program in the place where BBB calls it, and takes it away again: for servers without the Debian
 * package, which does the same with dpkg's means.
 */
import { existsSync } from 'node:fs';
import type { Command } from '@commander-js/extra-typings';
import { EXIT, type ExitStatus, ExpectedError } from '../errors.ts';
import { packageNote, scriptsDirectory } from '../install/layout.ts';
import { type Plan, planInstall, planUninstall } from '../install/plan.ts';
import { pastOf } from '../install/steps.ts';
import type { Run } from '../run.ts';
import { withErrnoTranslatedAsync } from '../system/errno.ts';
import { printJson } from '../terminal/lines.ts';
import { addRunOptions, type Start } from './options.ts';

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
