/**
 * Starts a process beside the tests, which removes what they have left on the machine when they end, however they end.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runVariable, testRun } from './test-run.ts';

/** Vitest calls it once for each project. */
export default async function guard(): Promise<(() => Promise<void>) | undefined> {
  if (testRun() !== '') return undefined;
  const run = randomBytes(3).toString('hex');
  const directory = join(tmpdir(), `ppp-${run}`);
  mkdirSync(directory);
  chmodSync(directory, 0o1777);
  process.env[runVariable] = run;
  process.env['TMPDIR'] = directory;
  const sweeper = startSweeper(run, directory);
  return () => endSweeper(sweeper);
}

/** In a session of its own, where Ctrl-C does not reach it: it begins when its standard input ends. */
function startSweeper(run: string, directory: string): ChildProcess {
  const script = join(import.meta.dirname, 'sweep.ts');
  const { [runVariable]: _, ...environment } = process.env;
  return spawn(process.execPath, [script, run, directory], {
    cwd: '/',
    detached: true,
    env: environment,
    stdio: ['pipe', 'inherit', 'inherit'],
  });
}

async function endSweeper(sweeper: ChildProcess): Promise<void> {
  const ended = once(sweeper, 'exit');
  sweeper.stdin?.end();
  const [status] = (await ended) as [number | null];
  if (status !== 0) process.exitCode = 1;
}
