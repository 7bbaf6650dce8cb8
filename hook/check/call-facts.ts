/** What calls this program: BBB's `post_publish` directory, the timer or what stands in for it, and an admin in a shell. */
import { constants, existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import { isSea } from 'node:sea';
import { type ConfigChoice, chosenBbbFiles, chosenPilosFile } from '../config/chosen-files.ts';
import { readLastRun } from '../delivery/metrics.ts';
import { isLauncher } from '../install/launcher.ts';
import {
  checkTimerName,
  launcherName,
  packageNote,
  programName,
  scriptsDirectory,
  timerName,
} from '../install/layout.ts';
import { type ChildOptions, runChild } from '../system/child-process.ts';
import { ownCommand } from '../system/own-command.ts';
import { findClosed, findProgram, mayAccess, quietly } from '../system/paths.ts';
import { readProcesses, sharesMounts } from '../system/proc.ts';
import { shellQuote } from '../system/shell-quote.ts';
import { isSystemdRunning, systemctl } from '../system/systemd.ts';
import { versionLine } from '../system/version.ts';

export type Calls = Awaited<ReturnType<typeof readCalls>>;

/** `own`: our launcher; `other`: also what the user of BBB cannot read, so it does not run either. */
type ScriptKind = 'own' | 'pilos' | 'scalelite' | 'other';

export type Executable = Awaited<ReturnType<typeof readExecutable>>;

/** systemd's properties of a unit (systemctl(1), `show`), or why it does not answer. */
export type Timer = { load: string; enabled: string; active: string } | { unknown: string };

/** `scripts` is undefined without their directory, `executable` without a launcher, the timers without systemd. */
export async function readCalls(
  bbbFiles: readonly string[],
  workDir: string | undefined,
  isRepeatedHere: boolean,
  options: ChildOptions,
) {
  const directory = `${findScripts(bbbFiles)}/post_publish`;
  const launcher = `${directory}/${launcherName}`;
  const scripts = quietly(() => readScripts(directory));
  const isLauncherThere = scripts?.get(launcherName) === 'own';
  return {
    directory,
    launcher,
    /** What the user of BBB cannot read: the directory, or the launcher. */
    closed: findClosed(directory) ?? findClosed(launcher),
    scripts,
    executable: isLauncherThere ? await readExecutable(launcher, options) : undefined,
    timer: await readTimer(timerName, options),
    checkTimer: await readTimer(checkTimerName, options),
    isRepeated: isRepeatedHere || hasRunLately(workDir),
  };
}

/** Where BBB's scripts are: beside its configuration, or else where its packages put them. */
function findScripts(bbbFiles: readonly string[]): string {
  const folders = bbbFiles.map((file) => dirname(file));
  const beside = folders.find((folder) => existsSync(`${folder}/post_publish`));
  return beside ?? folders.find((folder) => folder.endsWith(scriptsDirectory)) ?? scriptsDirectory;
}

/** Whether there is a process `pilos-post-publish deliver --every …` that sees the files that we see. Best asked by root. */
export function hasRepeatedDelivery(): boolean {
  return readProcesses().some(({ pid, words }) => isRepeatedDelivery(words) && sharesMounts(pid));
}

export function isRepeatedDelivery(words: readonly string[]): boolean {
  const options = words.slice(words.indexOf('deliver'));
  return words.includes('deliver') && options.some((word) => /^--every(=|$)/.test(word));
}

/** In two hours. Of a run of cron's, or in another container, only the metrics know. */
function hasRunLately(workDir: string | undefined): boolean {
  const lastRun = workDir === undefined ? undefined : readLastRun(workDir);
  return lastRun !== undefined && Date.now() - lastRun * 1000 < 2 * 3_600_000;
}

/** BBB runs every script that ends in `.rb`. */
function readScripts(directory: string): Map<string, ScriptKind> {
  const names = readdirSync(directory).filter((name) => name.endsWith('.rb') && !name.startsWith('.'));
  const kindOf = (name: string) => {
    const text = quietly(() => readFileSync(`${directory}/${name}`, 'utf8'));
    return text === undefined ? 'other' : classifyScript(name, text);
  };
  return new Map(names.sort().map((name) => [name, kindOf(name)]));
}

/** What a post publish script is, from what it says. */
export function classifyScript(name: string, text: string): ScriptKind {
  if (isLauncher(text)) return 'own';
  if (/pilos\.yml|pilos-sub-spool-dir/.test(text) || /pilos/i.test(name)) return 'pilos';
  return /scalelite\.yml/.test(text) || /scalelite/i.test(name) ? 'scalelite' : 'other';
}

/** The launcher starts the executable beside itself, where it really lies. `version`: what it says, where it can be asked. */
async function readExecutable(launcher: string, options: ChildOptions) {
  const file = `${dirname(realpathSync(launcher))}/${programName}`;
  const mayRun = mayAccess(file, constants.R_OK | constants.X_OK);
  const said = mayRun && isSea() ? await runChild([file, '--version'], options) : undefined;
  const isAnswered = said?.timedOut === false;
  const version = isAnswered ? said.stdout.trim().slice(0, 200) : versionLine;
  return { file, isThere: existsSync(file), mayRun, version };
}

/** Undefined without systemd. */
export async function readTimer(name: string, options: ChildOptions): Promise<Timer | undefined> {
  if (!isSystemdRunning()) return undefined;
  const properties = 'LoadState,UnitFileState,ActiveState';
  const { exitStatus, stdout, stderr } = await systemctl(['show', `--property=${properties}`, name], options);
  if (exitStatus !== 0) return { unknown: stderr.trim().split('\n')[0] ?? '' };
  const value = (key: string) => new RegExp(`^${key}=(.*)$`, 'm').exec(stdout)?.[1] ?? '';
  return { load: value('LoadState'), enabled: value('UnitFileState'), active: value('ActiveState') };
}

/** Without its file, apt cannot install again what did not come from a repository. */
const reinstall = `apt-get install --reinstall ./${programName}_*_"$(dpkg --print-architecture)".deb`;

/** This program as an admin calls it. */
export function readOwnCommands(choice: ConfigChoice, environment: NodeJS.ProcessEnv) {
  const found = findProgram(programName, environment) ?? '';
  const isFound = isSea() && quietly(() => realpathSync(found) === realpathSync(process.execPath)) === true;
  const program = isFound ? programName : shellQuote(ownCommand());
  const isPackage = existsSync(packageNote);
  const [pilosFile, bbbFiles] = [chosenPilosFile(choice, environment), chosenBbbFiles(choice, environment)];
  const isUsualPilosFile = pilosFile === chosenPilosFile({}, {});
  const isUsual = isUsualPilosFile && bbbFiles.join(':') === chosenBbbFiles({}, {}).join(':');
  const options = ['--config', pilosFile, ...bbbFiles.flatMap((file) => ['--bbb-config', file])];
  return {
    /** With the options that choose the same configuration, where it is not the usual one. */
    configured: isUsual ? program : `${program} ${shellQuote(options)}`,
    /** Puts launcher, executable, timer and `pilos.yml` in place. */
    install: isPackage ? reinstall : `${program} install`,
    /** It writes the `pilos.yml` that is read: no other one is chosen, and dpkg does not own it. */
    writesPilosFile: isUsualPilosFile && !isPackage,
  };
}
