/** What one run of the program is given, made once for every command. */
import type { ConfigChoice } from './config/chosen-files.ts';
import { type Config, readConfig } from './config/config.ts';
import { requireAnswers } from './system/network-mount.ts';
import { becomeOwner, describeForeignUser } from './system/user.ts';
import { isTerminal } from './terminal/lines.ts';
import { createLog, type Log } from './terminal/log.ts';
import { createProgress, type Progress } from './terminal/progress.ts';

/** The options that every command has. */
export interface RunOptions extends ConfigChoice {
  verbose?: boolean | undefined;
  quiet?: boolean | undefined;
  json?: boolean | undefined;
}

/** A run that has not read its configuration: all that `check` and `install` need. */
export interface Run {
  choice: ConfigChoice;
  environment: NodeJS.ProcessEnv;
  log: Log;
  /** Print one JSON document on stdout instead of lines. */
  json: boolean;
  verbose: boolean;
  quiet: boolean;
  /** Aborted by SIGTERM, SIGINT or SIGHUP, with the error to end with as its reason. */
  signal: AbortSignal;
  /** Shows how far the work is, on a terminal only. */
  progress: Progress;
}

export interface ConfiguredRun extends Run {
  config: Config;
}

export function createRun(options: RunOptions, signal: AbortSignal): Run {
  const { config, bbbConfig, verbose = false, quiet = false, json = false } = options;
  const log = createLog({ json, quiet, verbose });
  const progress = createProgress(!quiet && isTerminal(2));
  const choice = { config, bbbConfig };
  return { choice, environment: process.env, log, json, verbose, quiet, signal, progress };
}

/**
 * Reads the configuration, becomes the owner of BBB's files and opens the log file, which a dry run leaves alone.
 * Throws ExpectedError (78, 77), or 75 when what is read or written is on a network file system that does not answer.
 */
export async function configureRun(
  run: Run,
  { dryRun = false }: { dryRun?: boolean } = {},
): Promise<ConfiguredRun> {
  const config = readConfig(run.choice, run.environment);
  const { publishedDir, recordingDir, workDir, logFile } = config;
  await requireAnswers([publishedDir, recordingDir, workDir, ...(logFile ? [logFile] : [])], run.signal);
  becomeOwner(config.publishedDir);
  if (!dryRun) run.log.setFile(config.logFile);
  const foreign = describeForeignUser(config.publishedDir);
  if (foreign !== undefined) run.log.warn(foreign);
  for (const warning of config.warnings) run.log.warn(warning);
  return { ...run, config };
}
