/** Does BBB call this program, does nothing else send the same recordings, and do the timers run? */
import { checkTimerName, launcherName, programName, timerName } from '../install/layout.ts';
import { sh } from '../system/shell-quote.ts';
import { versionLine } from '../system/version.ts';
import type { Calls, Executable, Timer } from './call-facts.ts';
import type { Facts } from './facts.ts';
import { ok, problem, type Rows, row, skipped, type Verdict, warning } from './table.ts';

export function callChecks(facts: Facts): Rows {
  const { calls, accounts, commands, config } = facts;
  const { directory, launcher, executable, timer, checkTimer } = calls;
  const runs = executable ? decideExecutable(executable, accounts.ranAs, commands.install) : ok;
  // With `deliver: later` it does all the work.
  const whenMissing = config?.deliver === 'later' ? problem.setUp : warning;
  const repeated = "'deliver' runs regularly, without systemd";
  return [
    row('launcher', `launcher: ${launcher}`, decideLauncher(facts)),
    row('executable', `executable: ${executable?.file ?? programName}`, runs, ['launcher']),
    row('other_scripts', `no other script in ${directory} sends recordings`, decideOtherScripts(calls)),
    timer === undefined
      ? row('timer', repeated, decideRepeated(calls.isRepeated, commands.configured, whenMissing))
      : row('timer', `timer ${timerName}`, decideTimer(timer, timerName, commands.install, whenMissing)),
    checkTimer && checkTimerRow(checkTimer, commands.install),
  ];
}

/** Of the timer that runs check: by itself, only a run of `deliver` can see that it has stopped. */
export function checkTimerRow(timer: Timer, install: string) {
  return row('check_timer', `timer ${checkTimerName}`, decideTimer(timer, checkTimerName, install, warning));
}

function decideLauncher({ calls, accounts: { ranAs }, commands: { install } }: Facts): Verdict {
  const { directory, scripts, closed } = calls;
  if (closed !== undefined) return problem.setUp(`${ranAs} cannot read ${closed}`, sh`chmod a+rX ${closed}`);
  if (scripts === undefined) {
    const text = `${directory} does not exist: BBB's recording scripts are not installed`;
    return problem.setUp(text, `apt-get install --reinstall bbb-record-core && ${install}`);
  }
  const kind = scripts.get(launcherName);
  if (kind === 'own') return ok;
  const what = kind === undefined ? 'it does not exist' : "it is PILOS' own script, or somebody else's";
  return problem.setUp(`${what}: BBB does not call this program`, install);
}

function decideExecutable(executable: Executable, user: string, install: string): Verdict {
  const { file, isThere, mayRun, version } = executable;
  if (!isThere) return problem.setUp('it does not exist, so every call of the launcher fails', install);
  if (!mayRun) return problem.setUp(`${user} cannot run it`, sh`chmod a+rx ${file}`);
  if (version === versionLine) return ok;
  return warning(`it is another version, '${version}', than this one, '${versionLine}'`, install);
}

function decideOtherScripts({ directory, scripts = new Map() }: Calls): Verdict {
  const namesOf = (...kinds: string[]) =>
    [...scripts].flatMap(([name, kind]) => (name !== launcherName && kinds.includes(kind) ? [name] : []));
  const [again, scalelite] = [namesOf('pilos', 'own'), namesOf('scalelite')];
  const files = [...again, ...scalelite].map((name) => `${directory}/${name}`);
  const fix = files.map((file) => sh`mv ${file} ${`${file}.replaced`}`).join(' && ');
  const names = [...again, ...scalelite].join(', ');
  if (again.length > 0) return problem.setUp(`every recording is sent twice: ${names} sends it, too`, fix);
  if (scalelite.length === 0) return ok;
  return warning(
    `${names} sends every recording, too, and marks it as sent after its first format: wrong unless this server belongs to a Scalelite as well`,
    fix,
  );
}

/** What comes of it that nothing runs regularly. */
const consequences: Record<string, string> = {
  [timerName]: 'what a call could not deliver stays on this server until somebody runs deliver',
  [checkTimerName]: 'nobody hears of a problem until somebody runs check',
};

/** In a container nothing but a process of our own, or somebody's job, does what the timer does. */
export function decideRepeated(isRepeated: boolean, program: string, whenMissing: typeof warning): Verdict {
  if (isRepeated) return ok;
  const fix = `start '${program} deliver --every 15m' beside BBB's worker, as docs/containers.md says`;
  return whenMissing(`no '${programName} deliver --every' runs here: ${consequences[timerName]}`, fix);
}

export function decideTimer(
  timer: Timer,
  name: string,
  install: string,
  whenMissing: typeof warning,
): Verdict {
  if ('unknown' in timer) return skipped(`systemctl says '${timer.unknown}'`);
  const { load, enabled, active } = timer;
  const enable = `systemctl enable --now ${name}`;
  const missing = (what: string, fix: string) => whenMissing(`it is ${what}: ${consequences[name]}`, fix);
  if (load === 'not-found') return missing('not installed', `${install} && ${enable}`);
  if (load === 'masked') return missing('masked', `systemctl unmask ${name} && ${enable}`);
  if (!['enabled', 'enabled-runtime', 'static', 'generated'].includes(enabled))
    return missing('disabled', enable);
  if (active === 'active') return ok;
  const text = `it is enabled, but ${active === 'failed' ? 'has failed' : 'does not run'}`;
  return problem.setUp(`${text}: ${consequences[name]}`, `systemctl restart ${name}`);
}
