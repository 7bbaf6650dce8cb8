/** Does BBB call this program, does nothing else send the same recordings, and does the timer run? */
import { EXIT } from '../errors.ts';
import { timerName } from '../install/layout.ts';
import { shellQuote } from '../system/shell-quote.ts';
import { type Calls, type Executable, launcherName, type Timer } from './calls.ts';
import { definer } from './define.ts';
import type { Facts } from './facts.ts';
import { programName } from './own-program.ts';
import { ok, problem, skipped, type Verdict, warning } from './result.ts';

const { one } = definer<Facts>('Calls');

export const callChecks = [
  one({
    check: 'launcher',
    of: ({ calls }) => calls,
    title: ({ directory }) => `launcher: ${directory}/${launcherName}`,
    decide: (calls, { accounts, commands }) => decideLauncher(calls, accounts.ranAs, commands.install),
  }),
  one({
    check: 'executable',
    of: ({ calls }) => calls,
    title: ({ executable }) => `executable: ${executable?.file ?? programName}`,
    after: ['launcher'],
    decide: ({ executable }, { accounts, commands }) =>
      executable === undefined ? ok : decideExecutable(executable, accounts.ranAs, commands.install),
  }),
  one({
    check: 'other_scripts',
    of: ({ calls }) => calls,
    title: ({ directory }) => `no other script in ${directory} sends recordings`,
    decide: decideOtherScripts,
  }),
  one({
    check: 'timer',
    of: ({ calls }) => calls,
    title: ({ timer }) =>
      timer === undefined ? "'deliver' runs regularly, without systemd" : `timer ${timerName}`,
    decide: ({ timer, isRepeated }, { config, commands }) =>
      timer === undefined
        ? decideRepeated(isRepeated, config?.deliver, commands.configured)
        : decideTimer(timer, config?.deliver, commands.install),
  }),
];

function decideLauncher({ directory, scripts, closed }: Calls, user: string, install: string): Verdict {
  const file = `${directory}/${launcherName}`;
  const wrong = (text: string, fix = install) => problem(EXIT.config, text, fix);
  if (closed !== undefined)
    return wrong(`${user} cannot read ${closed}`, `chmod a+rX ${shellQuote([closed])}`);
  if (scripts === undefined) {
    const fix = `apt-get install --reinstall bbb-record-core && ${install}`;
    return wrong(`${directory} does not exist: BBB's recording scripts are not installed`, fix);
  }
  const kind = scripts.find(({ name }) => name === launcherName)?.kind;
  if (kind === 'own') return ok;
  if (kind === undefined) return wrong('it does not exist: BBB does not call this program');
  if (kind === 'unreadable') return wrong(`${user} cannot read it`, `chmod a+r ${shellQuote([file])}`);
  return wrong("it is PILOS' own script, or somebody else's: BBB does not call this program");
}

function decideExecutable(executable: Executable, user: string, install: string): Verdict {
  const { file, isThere, mayRun, otherVersion, version } = executable;
  if (!isThere)
    return problem(EXIT.config, 'it does not exist, so every call of the launcher fails', install);
  if (!mayRun) return problem(EXIT.config, `${user} cannot run it`, `chmod a+rx ${shellQuote([file])}`);
  if (otherVersion === undefined) return ok;
  return warning(`it is another version, '${otherVersion}', than this one, '${version}'`, install);
}

function decideOtherScripts({ directory, scripts = [] }: Calls): Verdict {
  const others = scripts.filter(({ name }) => name !== launcherName);
  const again = others.filter(({ kind }) => kind === 'pilos' || kind === 'own').map(({ name }) => name);
  const scalelite = others.filter(({ kind }) => kind === 'scalelite').map(({ name }) => name);
  const names = [...again, ...scalelite];
  const files = names.map((name) => shellQuote([`${directory}/${name}`]));
  const fix = files.map((file) => `mv ${file} ${file}.replaced`).join(' && ');
  if (again.length > 0) {
    return problem(EXIT.config, `every recording is sent twice: ${names.join(', ')} sends it, too`, fix);
  }
  if (scalelite.length === 0) return ok;
  return warning(
    `${names.join(', ')} sends every recording, too, and marks it as sent after its first format: wrong unless this server belongs to a Scalelite as well`,
    fix,
  );
}

type Deliver = 'now' | 'later' | undefined;
const stays = 'what a call could not deliver stays on this server until somebody runs deliver';

/** In a container nothing but a process of our own, or somebody's job, does what the timer does. */
export function decideRepeated(isRepeated: boolean, deliver: Deliver, program: string): Verdict {
  if (isRepeated) return ok;
  const text = `no '${programName} deliver --every' runs here: ${stays}`;
  const fix = `start '${program} deliver --every 15m' beside BBB's worker, as docs/containers.md says`;
  return deliver === 'later' ? problem(EXIT.config, text, fix) : warning(text, fix);
}

/** @param deliver with `later` the timer does all the work */
export function decideTimer(timer: Timer, deliver: Deliver, install: string): Verdict {
  if ('unknown' in timer) return skipped(`systemctl says '${timer.unknown}'`);
  const { load, enabled, active } = timer;
  const enable = `systemctl enable --now ${timerName}`;
  const off = (text: string, fix: string) =>
    deliver === 'later'
      ? problem(EXIT.config, `it is ${text}: ${stays}`, fix)
      : warning(`it is ${text}: ${stays}`, fix);
  if (load === 'not-found') return off('not installed', `${install} && ${enable}`);
  if (load === 'masked') return off('masked', `systemctl unmask ${timerName} && ${enable}`);
  if (!['enabled', 'enabled-runtime', 'static', 'generated'].includes(enabled))
    return off('disabled', enable);
  if (active === 'active') return ok;
  const text = `it is enabled, but ${active === 'failed' ? 'has failed' : 'does not run'}: ${stays}`;
  return problem(EXIT.config, text, `systemctl restart ${timerName}`);
}
