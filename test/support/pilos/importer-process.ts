/** The PHP program that imports, as another user if need be. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { systemPath } from '../program/run-program.ts';
import type { ImportAttempt } from './import-attempt.ts';

export interface ImporterOptions {
  command: readonly string[];
  cwd: string;
  user: { uid: number; gid: number } | undefined;
  onAttempt: (attempt: ImportAttempt) => void;
  /** The importer holds this archive: it was read, and is not deleted. */
  onHold: (archive: string) => void;
}

export interface ImporterProcess {
  /** Rejects with what PHP printed when it did not end with 0. */
  ended: Promise<void>;
  /** Closes its stdin: it ends after the round. */
  stop(): void;
}

export function startImporter(options: ImporterOptions): ImporterProcess {
  const { command, cwd, user, onAttempt, onHold } = options;
  const [program = '', ...args] = command;
  const env = { PATH: systemPath(), LANG: 'C.UTF-8' };
  const child = spawn(program, args, { cwd, env, stdio: ['pipe', 'pipe', 'pipe'], ...user });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  child.stdin.on('error', () => {});
  createInterface({ input: child.stdout }).on('line', (line) => {
    const value = JSON.parse(line) as ImportAttempt | { holding: string };
    if ('holding' in value) onHold(value.holding);
    else onAttempt(value);
  });
  const ended = once(child, 'close').then(([status, signal]) => {
    if (status !== 0) throw new Error(`PILOS' importer ended with ${signal ?? status}: ${errors}`);
  });
  return { ended, stop: () => child.stdin.end() };
}
