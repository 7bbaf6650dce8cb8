/**
 * `pilos.yml` and BBB's own YAML files → {@link Config}. What the admin wrote and what the program uses are
 * two types; all problems of the files are reported at once.
 */

import type { Format } from '../bbb/ids.ts';
import { attempt, ExpectedError } from '../errors.ts';
import { parseDuration } from '../terminal/time-span.ts';
import { type BbbConfig, readBbbConfig } from './bbb-config.ts';
import { type ConfigChoice, chosenPilosFile } from './chosen-files.ts';
import { ConfigError, type ConfigProblem } from './config-error.ts';
import type { PilosSettings } from './pilos-keys.ts';
import { parsePilos } from './pilos-settings.ts';
import type { SpoolAddress } from './spool-address.ts';
import { readMapping } from './yaml-mapping.ts';

export interface Config {
  pilosFile: string;
  /** For temporary archives (rsync only) and the ledger. */
  workDir: string;
  spool: SpoolAddress;
  /** By sub directory: those with an address of their own, at whose top their archives go. */
  spoolDirs: ReadonlyMap<string, SpoolAddress>;
  extraRsyncOptions: string[];
  /** Values of `bbb-origin` of our front ends. */
  origins: string[];
  /** Sub directories that meetings may choose; undefined: any valid one. */
  allowedSubDirs: string[] | undefined;
  /** true: any mount but that of `/`; a path: the mount point that must be there. */
  requireMount: boolean | string;
  retry: { attempts: number; maxSeconds: number };
  /** Bytes that archives may take in `work_dir` together, which wait for being sent. */
  workSpace: number;
  logFile: string;
  deliver: 'now' | 'later';
  deleteAfterTransfer: boolean;
  /** Milliseconds that an archive may wait in the spool before it counts as stuck. */
  importPatience: number;
  /** How many recordings `deliver` starts at one go that it has never seen. */
  maxUnattended: number;
  /** PILOS replaces a recording that is delivered again. No version does so far. */
  replacesRecordings: boolean;
  metricsFile: string | undefined;
  /** A program and its arguments, run when something needs a person. */
  notify: string[] | undefined;
  publishedDir: string;
  recordingDir: string;
  /** Formats that this server publishes, from `steps:`. */
  publishSteps: Format[];
  /** What is odd in `pilos.yml`, and works all the same. */
  warnings: string[];
}

/** Reads and merges all configuration files; throws a ConfigError with every problem in them. */
export function readConfig(choice: ConfigChoice, environment: NodeJS.ProcessEnv): Config {
  const pilosFile = chosenPilosFile(choice, environment);
  const problems: ConfigProblem[] = [];
  const warnings: string[] = [];
  const warn = (warning: string) => void warnings.push(warning);
  const pilos = collect(problems, () => parsePilos(readMapping(pilosFile, warn), pilosFile));
  const bbb = collect(problems, () => readBbbConfig(choice, environment));
  if (pilos === undefined || bbb === undefined) throw new ConfigError(problems);
  return { ...combineConfig(pilosFile, pilos, bbb), warnings };
}

/** The two files' settings → {@link Config}. */
export function combineConfig(pilosFile: string, pilos: PilosSettings, bbb: BbbConfig): Config {
  return {
    pilosFile,
    workDir: pilos.work_dir,
    spool: pilos.spool_dir,
    spoolDirs: new Map(Object.entries(pilos.spool_dirs ?? {})),
    extraRsyncOptions: pilos.extra_rsync_opts,
    origins: pilos.origins,
    allowedSubDirs: pilos.allowed_sub_dirs,
    requireMount: pilos.require_mount,
    retry: { attempts: pilos.retry.attempts, maxSeconds: pilos.retry.max_seconds },
    workSpace: pilos.work_space_gb * 1e9,
    logFile: pilos.log_file ?? `${bbb.logDir}/post_publish.log`,
    deliver: pilos.deliver,
    deleteAfterTransfer: pilos.delete_after_transfer,
    importPatience: parseDuration('import_patience', pilos.import_patience),
    maxUnattended: pilos.max_unattended,
    replacesRecordings: pilos.replaces_recordings,
    metricsFile: pilos.metrics_file,
    notify: pilos.notify,
    publishedDir: bbb.publishedDir,
    recordingDir: bbb.recordingDir,
    publishSteps: bbb.publishSteps,
    warnings: [],
  };
}

/** Runs `read`; a configuration error (a system call's too) is added to `problems` instead of thrown. */
function collect<T>(problems: ConfigProblem[], read: () => T): T | undefined {
  const result = attempt(read);
  if (!(result instanceof ExpectedError)) return result;
  if (result instanceof ConfigError) problems.push(...result.configProblems);
  else problems.push({ kind: 'unreadable_file', file: pathOf(result.cause), message: result.message });
  return undefined;
}

function pathOf(cause: unknown): string {
  return (cause as NodeJS.ErrnoException).path ?? '';
}
