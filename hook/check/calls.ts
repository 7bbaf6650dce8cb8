/** What calls this program: BBB's `post_publish` directory, and the timer or what stands in for it. */
import { constants, existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import { isSea } from 'node:sea';
import { readLastRun } from '../delivery/metrics.ts';
import { isLauncher } from '../install/launcher.ts';
import { checkTimerName, timerName } from '../install/layout.ts';
import { type ChildOptions, runChild } from '../system/child-process.ts';
import { findClosed, mayAccess, quietly } from '../system/paths.ts';
import { readProcesses, sharesMounts } from '../system/proc.ts';
import { hasSameContent } from '../system/same-content.ts';
import { isSystemdRunning, systemctl } from '../system/systemd.ts';
import { findScripts, programName } from './own-program.ts';

export const launcherName = 'pilos_post_publish.rb';

export type Calls = Awaited<ReturnType<typeof readCalls>>;

export interface Script {
  name: string;
  /** `own`: our launcher; `unreadable`: by the user of BBB, so it does not run either. */
  kind: 'own' | 'pilos' | 'scalelite' | 'other' | 'unreadable';
}

export type Executable = Awaited<ReturnType<typeof readExecutable>>;

/** systemd's properties of a unit (systemctl(1), `show`), or why it does not answer. */
export type Timer = { load: string; enabled: string; active: string } | { unknown: string };

/** `scripts` is undefined without their directory, `executable` without a launcher, the timers without systemd. */
export async function readCalls(
  bbbFiles: readonly string[],
  workDir: string | undefined,
  version: string,
  isRepeatedHere: boolean,
  options: ChildOptions,
) {
  const directory = `${findScripts(bbbFiles)}/post_publish`;
  const scripts = quietly(() => readScripts(directory));
  const isLauncherThere = scripts?.some(({ name, kind }) => name === launcherName && kind === 'own');
  return {
    directory,
    closedPath: findClosed(directory),
    scripts,
    executable: isLauncherThere ? await readExecutable(directory, version, options) : undefined,
    timer: await readTimer(timerName, options),
    checkTimer: await readTimer(checkTimerName, options),
    isRepeated: isRepeatedHere || hasRunLately(workDir),
  };
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
function readScripts(directory: string): Script[] {
  const names = readdirSync(directory).filter((name) => name.endsWith('.rb') && !name.startsWith('.'));
  return names.sort().map((name) => {
    const text = quietly(() => readFileSync(`${directory}/${name}`, 'utf8'));
    return { name, kind: text === undefined ? 'unreadable' : classifyScript(name, text) };
  });
}

/** What a post publish script is, from what it says. */
export function classifyScript(name: string, text: string): Script['kind'] {
  if (isLauncher(text)) return 'own';
  if (/pilos\.yml|pilos-sub-spool-dir/.test(text) || /pilos/i.test(name)) return 'pilos';
  if (/scalelite\.yml/.test(text) || /scalelite/i.test(name)) return 'scalelite';
  return 'other';
}

/** The launcher starts the executable beside itself, where it really lies. `otherVersion`: of another program than this one. */
async function readExecutable(directory: string, version: string, options: ChildOptions) {
  const file = `${dirname(realpathSync(`${directory}/${launcherName}`))}/${programName}`;
  const isThere = existsSync(file);
  const mayRun = mayAccess(file, constants.R_OK | constants.X_OK);
  const isOther = mayRun && isSea() && !(await hasSameContent(file, process.execPath));
  const said = isOther ? await runChild([file, '--version'], options) : undefined;
  return { file, isThere, mayRun, version, otherVersion: said?.stdout.trim().slice(0, 200) };
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
