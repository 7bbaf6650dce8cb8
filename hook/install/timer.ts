/** systemd's side of an installation: the timer that runs `deliver`. */
import { spawnSync } from 'node:child_process';
import { lstatSync } from 'node:fs';
import { EXIT, ExpectedError } from '../errors.ts';
import { isSystemdRunning } from '../system/systemd.ts';
import { escapeText } from '../terminal/escape.ts';
import { type Layout, serviceName, timerName } from './layout.ts';
import { planRemove, type Step } from './steps.ts';

export interface TimerPlan {
  steps: Step[];
  /** What the admin has to do, because we cannot. */
  note?: string;
}

/** `unitsChange`: the unit files are written by this run, so systemd has to read them again. */
export function planEnableTimer(layout: Layout, unitsChange: boolean): TimerPlan {
  const { root, timerWant } = layout;
  if (!isManaged(root)) {
    if (lstatSync(timerWant, { throwIfNoEntry: false }) !== undefined) return { steps: [] };
    const command = root === '/' ? 'systemctl enable --now' : `systemctl --root=${root} enable`;
    return { steps: [], note: `systemd does not run here: enable the timer with '${command} ${timerName}'` };
  }
  const enabled = ask('is-enabled', timerName);
  const steps = unitsChange ? [planCommand('daemon-reload')] : [];
  // What an admin has masked is to stay off.
  if (enabled.startsWith('masked')) return { steps, note: `${timerName} is masked, and stays so` };
  const isActive = ask('is-active', timerName) === 'active';
  if (enabled !== 'enabled' || !isActive) steps.push(planCommand('enable', '--now', timerName));
  else if (unitsChange) steps.push(planCommand('restart', timerName));
  return { steps };
}

/** Before the unit files are removed; afterwards systemd has to be told with {@link planReload}. */
export function planDisableTimer({ root, timer, timerWant }: Layout): Step[] {
  if (!isManaged(root)) return [planRemove(timerWant)].filter((step) => step !== undefined);
  const isThere = lstatSync(timer, { throwIfNoEntry: false }) !== undefined;
  return isThere ? [planCommand('disable', '--now', timerName)] : [];
}

export function planReload({ root }: Layout): Step[] {
  if (!isManaged(root)) return [];
  // A last run that failed would else stand in `systemctl --failed` until the next boot.
  const hasFailed = ask('is-failed', serviceName) === 'failed';
  return [planCommand('daemon-reload'), ...(hasFailed ? [planCommand('reset-failed', serviceName)] : [])];
}

function isManaged(root: string): boolean {
  return root === '/' && isSystemdRunning();
}

/** The first word of the answer, `` when there is none. */
function ask(...words: string[]): string {
  return callSystemctl(words).stdout.split(/\s/, 1)[0] ?? '';
}

function planCommand(...words: string[]): Step {
  const command = `systemctl ${words.join(' ')}`;
  const apply = () => {
    const { status, stderr, error } = callSystemctl(words);
    if (status === 0) return;
    const said = error?.message ?? escapeText(stderr.trim());
    throw new ExpectedError(`'${command}' failed: ${said}`, {
      exitStatus: EXIT.unavailable,
      fix: `everything before it is done; when systemd answers, run '${command}'`,
    });
  };
  return { verb: 'run', what: command, apply };
}

function callSystemctl(words: string[]) {
  return spawnSync('systemctl', words, { encoding: 'utf8', timeout: 60_000 });
}
