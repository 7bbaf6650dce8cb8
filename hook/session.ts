/** What one run of the program is given from outside: its global options, its log, and the signal that ends it. */
import { fstatSync } from 'node:fs';
import type { ConfigChoice } from './config/chosen-files.ts';
import { createLog, type Log } from './log.ts';
import { printOut } from './output.ts';
import { createProgress, type Progress } from './progress.ts';

export interface Session {
  choice: ConfigChoice;
  environment: NodeJS.ProcessEnv;
  log: Log;
  /** Print one JSON document on stdout instead of lines. */
  json: boolean;
  verbose: boolean;
  /** Aborted by SIGTERM, SIGINT or SIGHUP, with the error to end with as its reason. */
  signal: AbortSignal;
  /** Shows how far the work is, on a terminal only. */
  progress: Progress;
}

/** The options that every command has. */
export interface GlobalOptions extends ConfigChoice {
  verbose?: boolean;
  quiet?: boolean;
  json?: boolean;
}

export function createSession(options: GlobalOptions, signal: AbortSignal): Session {
  const { config, bbbConfig, verbose = false, quiet = false, json = false } = options;
  const log = createLog({ json, quiet, verbose });
  const progress = createProgress(!quiet && isTerminal(2));
  return { choice: { config, bbbConfig }, environment: process.env, log, json, verbose, signal, progress };
}

/** As `tty.isatty`, whose module is only loaded for what may be a terminal. */
export function isTerminal(descriptor: 1 | 2): boolean {
  try {
    return fstatSync(descriptor).isCharacterDevice() && process[descriptor === 1 ? 'stdout' : 'stderr'].isTTY;
  } catch {
    return false;
  }
}

/** The one document that `--json` prints. */
export function printJson(value: unknown): void {
  printOut(`${JSON.stringify(value, null, 2)}\n`);
}
