/** What installing this program changes, and what taking it away does. */
import { existsSync, readFileSync } from 'node:fs';
import { isSea } from 'node:sea';
import { type Config, readConfig } from '../config/config.ts';
import { attempt, EXIT, ExpectedError } from '../errors.ts';
import type { Run } from '../run.ts';
import { isSystemdRunning } from '../system/systemd.ts';
import { readEmbeddedFiles } from './embedded-files.ts';
import { isLauncher } from './launcher.ts';
import { installedExecutable, launcher, places, timerNames } from './layout.ts';
import {
  planFile,
  planLink,
  planRemove,
  planRestore,
  planSetAside,
  planSystemctl,
  type Step,
} from './steps.ts';

export interface Plan {
  steps: Step[];
  /** What is left as it is, and what the admin does next. */
  notes: string[];
}

/** The order matters: at no moment may BBB find a launcher without its executable. */
export async function planInstall(): Promise<Plan> {
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

export async function planUninstall({ choice, environment }: Run): Promise<Plan> {
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
