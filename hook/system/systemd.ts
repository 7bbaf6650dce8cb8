/** systemd, where it runs. */
import { existsSync } from 'node:fs';
import { type ChildOptions, type ChildResult, runChild } from './child-process.ts';

/** As sd_booted(3) does it. A container has none. */
export function isSystemdRunning(): boolean {
  return existsSync('/run/systemd/system');
}

/** Seconds in which systemd answers, also when it starts or stops a service. */
const patience = 60;

export function systemctl(words: readonly string[], options: ChildOptions = {}): Promise<ChildResult> {
  return runChild(['systemctl', ...words], { seconds: patience, ...options });
}
