/** The configuration files: what is wrong with them, and what can be used of them all the same. */
import { basename } from 'node:path';
import { safeParse } from 'valibot';
import { type BbbConfig, parseBbbConfig, readBbbConfig } from '../config/bbb-config.ts';
import { type ConfigChoice, chosenBbbFiles, chosenPilosFile } from '../config/chosen-files.ts';
import { type Config, combineConfig } from '../config/config.ts';
import { type PilosSettings, parsePilos, pilosKeys } from '../config/pilos-settings.ts';
import { readMapping } from '../config/yaml-mapping.ts';
import { attempt, EXIT, ExpectedError } from '../errors.ts';
import { errnoName } from '../system/errno.ts';
import { shellQuote } from '../system/shell-quote.ts';
import { findClosed } from './access.ts';
import { hasProblem, type Look, ok, problem, skipped, warning } from './finding.ts';
import { type PilosFileRemedies, remedyOfPilosFile } from './pilos-file.ts';

export interface Settings {
  pilosFile: string;
  bbb: BbbConfig;
  /** Undefined when `pilos.yml` does not tell `work_dir` and `spool_dir`. */
  config: Config | undefined;
  looks: Look[];
}

/** Reads all files, and what is valid of a broken one. Never throws an ExpectedError. */
export function readSettings(
  choice: ConfigChoice,
  environment: NodeJS.ProcessEnv,
  install: string,
): Settings {
  const pilosFile = chosenPilosFile(choice, environment);
  const bbbFiles = chosenBbbFiles(choice, environment);
  const bbb = attempt(() => readBbbConfig(choice, environment));
  const usable =
    bbb instanceof ExpectedError ? parseBbbConfig(new Map(bbbFiles.map((file) => [file, {}]))) : bbb;
  const mapping = attempt(() => readMapping(pilosFile));
  const pilos = mapping instanceof ExpectedError ? mapping : attempt(() => parsePilos(mapping, pilosFile));
  const settings = pilos instanceof ExpectedError ? salvagePilos(mapping) : pilos;
  const config = settings === undefined ? undefined : combineConfig(pilosFile, settings, usable);
  const looks = [
    lookAtPilosFile(pilosFile, pilos, { install, workDir: `${usable.recordingDir}/pilos` }),
    lookAtBbbFiles(usable.files, bbb),
    ...lookAtOptions(config),
  ];
  return { pilosFile, bbb: usable, config, looks };
}

/** The valid keys of a file that has invalid ones too; undefined without a valid `work_dir` and `spool_dir`. */
export function salvagePilos(mapping: unknown): PilosSettings | undefined {
  if (typeof mapping !== 'object' || mapping === null || mapping instanceof ExpectedError) return undefined;
  const valid: Record<string, unknown> = {};
  for (const [key, schema] of Object.entries(pilosKeys)) {
    const value = (mapping as Record<string, unknown>)[key];
    if (value !== undefined && safeParse(schema, value).success) valid[key] = value;
  }
  const settings = attempt(() => parsePilos(valid, ''));
  return settings instanceof ExpectedError ? undefined : settings;
}

function lookAtPilosFile(file: string, read: unknown, fixes: PilosFileRemedies): Look {
  const lookedAt = `pilos.yml: ${file}`;
  if (!(read instanceof ExpectedError)) return ok('pilos-yml', lookedAt);
  return problem('pilos-yml', lookedAt, statusOf(read), {
    problem: read.message,
    fix: remedyOfClosed(read, file) ?? remedyOfPilosFile(file, read, fixes),
  });
}

/** Whatever keeps a file of the set-up from being read, but for rights, has to be mended in the set-up. */
function statusOf({ exitStatus }: ExpectedError): typeof EXIT.permission | typeof EXIT.config {
  return exitStatus === EXIT.permission ? EXIT.permission : EXIT.config;
}

/** Only when it is not root who asks. */
function remedyOfClosed({ cause }: ExpectedError, file: string): string | undefined {
  return errnoName(cause) === 'EACCES' ? `chmod a+rX ${shellQuote([findClosed(file) ?? file])}` : undefined;
}

function lookAtBbbFiles(files: readonly string[], read: BbbConfig | ExpectedError): Look {
  const lookedAt = `BBB's configuration: ${files.join(' with ')}`;
  if (!(read instanceof ExpectedError)) return ok('bbb-yml', lookedAt);
  const { path = '' } = (read.cause ?? {}) as NodeJS.ErrnoException;
  const isOfPackage = errnoName(read.cause) === 'ENOENT' && basename(path) === 'bigbluebutton.yml';
  return problem('bbb-yml', lookedAt, statusOf(read), {
    problem: `${read.message}; what follows assumes BBB's usual directories`,
    fix: isOfPackage ? 'apt-get install --reinstall bbb-record-core' : remedyOfClosed(read, path),
  });
}

function lookAtOptions(config: Config | undefined): Look[] {
  if (config === undefined || config.extraRsyncOptions.length === 0) return [];
  const lookedAt = `extra_rsync_opts: ${shellQuote(config.extraRsyncOptions)}`;
  if (config.spool.kind !== 'local') return [ok('ignored-options', lookedAt)];
  // Its list in any layout, and nothing of the next key.
  const block = '/^extra_rsync_opts:/,/^[A-Za-z_]/{/^extra_rsync_opts:/d;/^[][:space:]-]/d}';
  return [
    warning('ignored-options', lookedAt, {
      problem: 'spool_dir is a directory of this server, so rsync is not used and these options do nothing',
      fix: `sed -i '${block}' ${shellQuote([config.pilosFile])}`,
    }),
  ];
}

/** The files must be readable for the user of BBB too, not only for root who has just read them. */
export function lookAtReadability(settings: Settings): Look[] {
  const files = [settings.pilosFile, ...settings.bbb.files];
  if (hasProblem(settings.looks, 'pilos-yml', 'bbb-yml'))
    return [skipped('config-readable', files.join(', '), 'what stands above is to be mended first')];
  const closed = files.map(findClosed).find((path) => path !== undefined);
  const lookedAt = 'they can be read by the user of BBB';
  if (closed === undefined) return [ok('config-readable', lookedAt)];
  return [
    problem('config-readable', lookedAt, EXIT.permission, {
      problem: `${closed} may not be read by the user of BBB`,
      fix: `chmod a+rX ${shellQuote([closed])}`,
    }),
  ];
}
