/**
 * `pilos.yml` and BBB's own YAML files → {@link Config}. What the admin wrote and what the program uses are
 * two types; all problems of the files are reported at once.
 */

import { EXIT, ExpectedError } from '../errors.ts';
import { errnoName } from '../system/errno.ts';
import { type BbbConfig, readBbbConfig } from './bbb-config.ts';
import { type ConfigChoice, chosenPilosFile } from './chosen-files.ts';
import { type PilosSettings, parsePilos } from './pilos-settings.ts';
import type { SpoolAddress } from './spool-address.ts';
import { readMapping } from './yaml-mapping.ts';

export interface Config {
  files: { pilos: string; bbb: string[] };
  /** For temporary archives (rsync only) and the ledger. */
  workDir: string;
  spool: SpoolAddress;
  extraRsyncOptions: string[];
  /** Values of `bbb-origin` that are ours. */
  origins: string[];
  /** Sub directories that meetings may choose; undefined: any valid one. */
  allowedSubDirs: string[] | undefined;
  /** true: any mount but that of `/`; a path: the mount point that must be there. */
  requireMount: boolean | string;
  retry: { attempts: number; maxSeconds: number };
  logFile: string;
  deliver: 'now' | 'later';
  deleteAfterTransfer: boolean;
  metricsFile: string | undefined;
  /** A program and its arguments, run when a delivery failed. */
  onFailure: string[] | undefined;
  publishedDir: string;
  recordingDir: string;
  logDir: string;
  /** Formats that this server publishes, from `steps:`. */
  publishSteps: string[];
}

/** Reads and merges all configuration files; throws an ExpectedError (78) that names every problem in them. */
export function readConfig(choice: ConfigChoice, environment: NodeJS.ProcessEnv): Config {
  const pilosFile = chosenPilosFile(choice, environment);
  const problems: ExpectedError[] = [];
  const pilos = collect(problems, () => parsePilos(readMapping(pilosFile), pilosFile));
  const bbb = collect(problems, () => readBbbConfig(choice, environment));
  if (pilos === undefined || bbb === undefined) {
    const isMissing = problems.every(({ cause }) => errnoName(cause) === 'ENOENT');
    throw new ExpectedError(problems.map(({ message }) => message).join('; '), {
      exitStatus: EXIT.config,
      fix: isMissing
        ? "'pilos-post-publish check' names the command that creates it"
        : "correct it and run 'pilos-post-publish check'",
    });
  }
  return combineConfig(pilosFile, pilos, bbb);
}

/** The two files' settings → {@link Config}. */
export function combineConfig(pilosFile: string, pilos: PilosSettings, bbb: BbbConfig): Config {
  return {
    files: { pilos: pilosFile, bbb: bbb.files },
    workDir: pilos.work_dir,
    spool: pilos.spool_dir,
    extraRsyncOptions: pilos.extra_rsync_opts,
    origins: pilos.origins,
    allowedSubDirs: pilos.allowed_sub_dirs,
    requireMount: pilos.require_mount,
    retry: { attempts: pilos.retry.attempts, maxSeconds: pilos.retry.max_seconds },
    logFile: pilos.log_file ?? `${bbb.logDir}/post_publish.log`,
    deliver: pilos.deliver,
    deleteAfterTransfer: pilos.delete_after_transfer,
    metricsFile: pilos.metrics_file,
    onFailure: pilos.on_failure,
    publishedDir: bbb.publishedDir,
    recordingDir: bbb.recordingDir,
    logDir: bbb.logDir,
    publishSteps: bbb.publishSteps,
  };
}

/** Runs `read`; a configuration error (a system call's too) is added to `problems` instead of thrown. */
function collect<T>(problems: ExpectedError[], read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ExpectedError)) throw error;
    problems.push(error);
    return undefined;
  }
}
