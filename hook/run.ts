/** What one run of the program is given from outside: its global options, its log, and the signal that ends it. */
import type { ConfigChoice } from './config/chosen-files.ts';
import { isTerminal } from './terminal/lines.ts';
import { createLog, type Log } from './terminal/log.ts';
import { createProgress, type Progress } from './terminal/progress.ts';

export interface Run {
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

export function createRun(options: GlobalOptions, signal: AbortSignal): Run {
  const { config, bbbConfig, verbose = false, quiet = false, json = false } = options;
  const log = createLog({ json, quiet, verbose });
  const progress = createProgress(!quiet && isTerminal(2));
  return { choice: { config, bbbConfig }, environment: process.env, log, json, verbose, signal, progress };
}
