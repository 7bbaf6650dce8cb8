/** Does BBB call this program, does nothing else send the same recordings, and do the timers run? */
import { EXIT } from '../errors.ts';
import { checkTimerName, timerName } from '../install/layout.ts';
import { sh } from '../system/shell-quote.ts';
import { type Calls, type Executable, launcherName, type Timer } from './calls.ts';
import type { Facts } from './facts.ts';
import { programName } from './own-program.ts';
import { ok, problem, type Row, rowsOf, skipped, type Verdict, warning } from './table.ts';

const row = rowsOf('Calls');

export function callChecks(facts: Facts): Row[] {
  const { calls, accounts, commands, config } = facts;
  const { directory, executable, timer, checkTimer } = calls;
  const repeated = "'deliver' runs regularly, without systemd";
  return [
    row('launcher', `launcher: ${directory}/${launcherName}`, decideLauncher(facts)),
    row(
      'executable',
      `executable: ${executable?.file ?? programName}`,
      executable === undefined ? ok : decideExecutable(executable, accounts.ranAs, commands.install),
      ['launcher'],
    ),
    row('other_scripts', `no other script in ${directory} sends recordings`, decideOtherScripts(calls)),
    timer === undefined
      ? row('timer', repeated, decideRepeated(calls.isRepeated, config?.deliver, commands.configured))
      : row('timer', `timer ${timerName}`, decideTimer(timer, config?.deliver, commands.install)),
    ...(checkTimer === undefined ? [] : [checkTimerRow(checkTimer, commands.install)]),
  ];
}

/** Of the timer that runs check: by itself, only a run of `deliver` can see that it has stopped. */
export function checkTimerRow(timer: Timer, install: string): Row {
  const verdict = decideTimer(timer, 'now', install, { name: checkTimerName, result: unchecked });
  return row('check_timer', `timer ${checkTimerName}`, verdict);
}

function decideLauncher({ calls, accounts: { ranAs }, commands: { install } }: Facts): Verdict {
  const { directory, scripts, closedPath } = calls;
  if (closedPath !== undefined)
    return problem(EXIT.config, `${ranAs} cannot read ${closedPath}`, sh`chmod a+rX ${closedPath}`);
  if (scripts === undefined) {
    const text = `${directory} does not exist: BBB's recording scripts are not installed`;
    return problem(EXIT.config, text, `apt-get install --reinstall bbb-record-core && ${install}`);
  }
  const kind = scripts.find(({ name }) => name === launcherName)?.kind;
  if (kind === 'own') return ok;
  if (kind === 'unreadable')
    return problem(EXIT.config, `${ranAs} cannot read it`, sh`chmod a+r ${`${directory}/${launcherName}`}`);
  const what = kind === undefined ? 'it does not exist' : "it is PILOS' own script, or somebody else's";
  return problem(EXIT.config, `${what}: BBB does not call this program`, install);
}

function decideExecutable(executable: Executable, user: string, install: string): Verdict {
  const { file, isThere, mayRun, otherVersion, version } = executable;
  if (!isThere)
    return problem(EXIT.config, 'it does not exist, so every call of the launcher fails', install);
  if (!mayRun) return problem(EXIT.config, `${user} cannot run it`, sh`chmod a+rx ${file}`);
  if (otherVersion === undefined) return ok;
  return warning(`it is another version, '${otherVersion}', than this one, '${version}'`, install);
}

function decideOtherScripts({ directory, scripts = [] }: Calls): Verdict {
  const others = scripts.filter(({ name }) => name !== launcherName);
  const again = others.filter(({ kind }) => kind === 'pilos' || kind === 'own').map(({ name }) => name);
  const scalelite = others.filter(({ kind }) => kind === 'scalelite').map(({ name }) => name);
  const files = [...again, ...scalelite].map((name) => `${directory}/${name}`);
  const fix = files.map((file) => sh`mv ${file} ${`${file}.replaced`}`).join(' && ');
  if (again.length > 0) {
    const names = [...again, ...scalelite].join(', ');
    return problem(EXIT.config, `every recording is sent twice: ${names} sends it, too`, fix);
  }
  if (scalelite.length === 0) return ok;
  return warning(
    `${scalelite.join(', ')} sends every recording, too, and marks it as sent after its first format: wrong unless this server belongs to a Scalelite as well`,
    fix,
  );
}

type Deliver = 'now' | 'later' | undefined;

/** What keeps `deliver` from running: with `deliver: later` it does all the work. */
function notRepeated(text: string, fix: string, deliver: Deliver): Verdict {
  return deliver === 'later' ? problem(EXIT.config, text, fix) : warning(text, fix);
}

const stays = 'what a call could not deliver stays on this server until somebody runs deliver';
const unchecked = 'nobody hears of a problem until somebody runs check';

/** In a container nothing but a process of our own, or somebody's job, does what the timer does. */
export function decideRepeated(isRepeated: boolean, deliver: Deliver, program: string): Verdict {
  if (isRepeated) return ok;
  const fix = `start '${program} deliver --every 15m' beside BBB's worker, as docs/containers.md says`;
  return notRepeated(`no '${programName} deliver --every' runs here: ${stays}`, fix, deliver);
}

export function decideTimer(
  timer: Timer,
  deliver: Deliver,
  install: string,
  { name, result } = { name: timerName, result: stays },
): Verdict {
  if ('unknown' in timer) return skipped(`systemctl says '${timer.unknown}'`);
  const { load, enabled, active } = timer;
  const enable = `systemctl enable --now ${name}`;
  const missing = (text: string, fix: string) => notRepeated(`${text}: ${result}`, fix, deliver);
  if (load === 'not-found') return missing('it is not installed', `${install} && ${enable}`);
  if (load === 'masked') return missing('it is masked', `systemctl unmask ${name} && ${enable}`);
  if (!['enabled', 'enabled-runtime', 'static', 'generated'].includes(enabled))
    return missing('it is disabled', enable);
  if (active === 'active') return ok;
  const text = `it is enabled, but ${active === 'failed' ? 'has failed' : 'does not run'}: ${result}`;
  return problem(EXIT.config, text, `systemctl restart ${name}`);
}
