/** Is this server set up right? Each group of findings has a file in `check/`. */
import type { Command } from '@commander-js/extra-typings';
import { decideAsker, decideOwner, decideWorker } from '../check/account.ts';
import { lookAtBbbDirectories, lookAtWorkDirectory } from '../check/directories.ts';
import { lookAtFiles } from '../check/files.ts';
import { type Finding, hasProblem, inGroup, type Look, skipped, worstStatus } from '../check/finding.ts';
import {
  type OwnerFacts,
  readAsker,
  readOwner,
  readWorkers,
  usualUser,
  type WorkerProcess,
} from '../check/processes.ts';
import { findScripts, type OwnCommands, readOwnCommands } from '../check/program.ts';
import { lookAtRecordings, readRecordingFacts } from '../check/recordings.ts';
import { chooseAppearance, renderReport } from '../check/report.ts';
import type { RunOptions } from '../check/run.ts';
import { lookAtScripts } from '../check/scripts.ts';
import { lookAtReadability, readSettings, type Settings } from '../check/settings.ts';
import { lookAtSpool } from '../check/spool.ts';
import { lookAtTimer } from '../check/timer.ts';
import { attempt, type ExitStatus } from '../errors.ts';
import type { Run } from '../run.ts';
import { type Account, becomeOwner } from '../system/user.ts';
import { versionLine } from '../system/version.ts';
import { isTerminal, printJson, printOut } from '../terminal/lines.ts';
import { addRunOptions, type Start } from './options.ts';

interface CheckRequest {
  /** Print only what is not in order. */
  quiet: boolean;
  /** `pilos-post-publish 1.0.0 (…)` of this program. */
  version: string;
}

/** Seconds without an answer after which the spool counts as hanging. */
const silentSeconds = 5;

/** Looks at everything, prints what was found, and returns 0, or else 78, 77 or 73. */
async function check(request: CheckRequest, run: Run): Promise<ExitStatus> {
  const programs = readOwnCommands(run.choice, run.environment);
  const settings = readSettings(run.choice, run.environment, programs.install);
  // Root sees what others may not, so it looks before it becomes the user of BBB.
  const workers = readWorkers();
  const { publishedDir, recordingDir, logDir } = settings.bbb;
  const owner = readOwner([publishedDir, recordingDir, logDir]);
  if (owner !== undefined) attempt(() => becomeOwner(owner.directory));
  const ranAs = readAsker();

  const options = { silentSeconds, environment: process.env, signal: run.signal };
  const subject = { run, settings, programs, options, owner, workers, ranAs };
  return report(request, run, ranAs, [
    ...inGroup('Configuration', lookAtConfiguration(subject)),
    ...inGroup('BigBlueButton', lookAtBbb(subject)),
    ...inGroup('Calls', await lookAtCall(subject, request.version)),
    ...(await lookAtDeliveries(subject)),
  ]);
}

interface Subject {
  run: Run;
  settings: Settings;
  programs: OwnCommands;
  options: RunOptions;
  owner: OwnerFacts | undefined;
  workers: WorkerProcess[];
  /** The name of who asks from here on. */
  ranAs: string;
}

/** Root is nobody that BBB's scripts run as. */
function accountOf(owner: OwnerFacts | undefined): Account | undefined {
  return owner?.uid === 0 ? undefined : owner?.account;
}

function lookAtConfiguration({ settings }: Subject): Look[] {
  return [...settings.looks, ...lookAtReadability(settings)];
}

function lookAtBbb({ settings, programs, owner, workers, ranAs }: Subject): Look[] {
  const { bbb, config } = settings;
  const account = accountOf(owner);
  const user = account?.name ?? owner?.otherOwner ?? usualUser;
  const { looks, broken } = lookAtBbbDirectories(bbb, user, hasProblem(settings.looks, 'bbb-yml'));
  return [
    decideOwner(owner),
    ...decideAsker(ranAs, account, programs.configured),
    decideWorker(account, workers),
    ...looks,
    ...(config === undefined ? [] : lookAtWorkDirectory(config.workDir, user, account?.uid, broken)),
    ...(config === undefined ? [] : lookAtFiles(config, user, process.env, broken)),
  ];
}

async function lookAtCall(subject: Subject, version: string): Promise<Look[]> {
  const { settings, programs, options, ranAs } = subject;
  const directory = `${findScripts(settings.bbb.files)}/post_publish`;
  const { install } = programs;
  return [
    ...(await lookAtScripts({ directory, user: ranAs, version, install }, options)),
    await lookAtTimer(settings.config?.deliver, install, options),
  ];
}

/** The spool, and what is on its way there. */
async function lookAtDeliveries(subject: Subject): Promise<Finding[]> {
  const { settings, programs, options, owner, workers, ranAs } = subject;
  const { config } = settings;
  if (config === undefined) {
    return inGroup('Spool', [
      skipped('spool-directory', 'spool directory', 'pilos.yml is to be mended first'),
    ]);
  }
  const facts = readRecordingFacts(config);
  const { subDirs } = facts;
  const context = { config, account: accountOf(owner), user: ranAs, workers, subDirs, options };
  return [
    ...inGroup('Spool', await lookAtSpool(context)),
    ...inGroup('Recordings', lookAtRecordings(config, facts, programs.configured)),
  ];
}

function report({ quiet }: CheckRequest, run: Run, ranAs: string, findings: Finding[]): ExitStatus {
  const status = worstStatus(findings);
  if (run.json) {
    printJson({ ran_as: ranAs, findings, exit_status: status });
    return status;
  }
  const terminal = { isTerminal: isTerminal(1), isQuiet: quiet };
  printOut(renderReport(ranAs, findings, chooseAppearance(run.environment, terminal)));
  return status;
}

const exitStatusHelp = `
Exit status:
   0  no problem; there may be warnings
  78  the set-up: configuration, launcher, programs, ssh and rsync
  77  rights: users, groups and modes
  73  the spool: not there, full, or it does not answer
With several problems, the first of these that fits.
`;

export function addCheckCommand(program: Command, start: Start): void {
  addRunOptions(program.command('check'))
    .description('check the set-up of this server; each problem is listed with its fix')
    .addHelpText('after', exitStatusHelp)
    .action((_, command) => {
      const options = command.optsWithGlobals();
      return start(options, (run) => check({ quiet: run.quiet, version: versionLine }, run));
    });
}
