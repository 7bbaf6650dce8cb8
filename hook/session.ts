/** What one run of the program is given from outside: its global options, its log, and the signal that ends it. */
import type { ConfigChoice } from './config.ts';
import type { Log } from './log.ts';
import type { Progress } from './progress.ts';

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

/** The one document that `--json` prints. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}
