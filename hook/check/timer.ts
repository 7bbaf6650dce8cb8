/** The timer that delivers what a call could not. */
import { existsSync } from 'node:fs';
import { EXIT } from '../errors.ts';
import { timerName } from '../install/layout.ts';
import { type Look, ok, problem, skipped, warning } from './finding.ts';
import { type RunOptions, run } from './run.ts';

/** @param install the command that puts the unit files in place */
export async function lookAtTimer(
  deliver: 'now' | 'later' | undefined,
  install: string,
  options: RunOptions,
): Promise<Look> {
  const lookedAt = `timer ${timerName}`;
  // As sd_booted(3) looks at it.
  if (!existsSync('/run/systemd/system')) return skipped('timer', lookedAt, 'systemd does not run here');
  const { stdout, stderr } = await run(['systemctl', 'is-enabled', timerName], options);
  return decideTimer(stdout.trim() || stderr.trim(), deliver, install);
}

/** @param answer what `systemctl is-enabled` says */
export function decideTimer(answer: string, deliver: 'now' | 'later' | undefined, install: string): Look {
  const lookedAt = `timer ${timerName}`;
  if (/^(enabled|static|generated)/.test(answer)) return ok('timer', `${lookedAt} is enabled`);
  // Without D-Bus, only root can ask.
  if (/^Failed to connect/.test(answer)) return skipped('timer', lookedAt, `systemctl says '${answer}'`);
  const isThere = /^(disabled|masked|linked|indirect)/.test(answer);
  const enable = `systemctl enable --now ${timerName}`;
  const unmask = answer.startsWith('masked') ? `systemctl unmask ${timerName} && ` : '';
  const trouble = {
    problem: `it is ${isThere ? answer.split('\n')[0] : 'not installed'}: what a call could not deliver stays on this server until somebody runs deliver`,
    fix: isThere ? `${unmask}${enable}` : `${install} && ${enable}`,
  };
  if (deliver === 'later') return problem('timer', lookedAt, EXIT.config, trouble);
  return warning('timer', lookedAt, trouble);
}
