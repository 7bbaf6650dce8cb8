/**
 * `pilos.yml` and BBB's own YAML files → {@link Config}. What the admin wrote and what the program uses are
 * two types; all problems of the files are reported at once.
 */
import { readFileSync } from 'node:fs';
import { load, mergeTag, YAML11_SCHEMA, YAMLException } from 'js-yaml';
import * as v from 'valibot';
import { EXIT, ExpectedError, errnoName, quote, translateErrno } from './errors.ts';
import { isFormat, parseSpoolAddress, type SpoolAddress, validateSubDir } from './safe-path.ts';

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

export interface ConfigChoice {
  /** `--config`, else `$PILOS_POST_PUBLISH_CONFIG`, else where PILOS documents it. */
  config?: string | undefined;
  /** `--bbb-config`, else `$PILOS_POST_PUBLISH_BBB_CONFIG`, else BBB's two files. */
  bbbConfig?: string[] | undefined;
}

const defaultPilosFile = '/etc/bigbluebutton/recording/pilos.yml';
const defaultBbbFile = '/usr/local/bigbluebutton/core/scripts/bigbluebutton.yml';
const defaultBbbOverride = '/etc/bigbluebutton/recording/recording.yml';

const nonEmpty = v.pipe(v.string('must be a text'), v.trim(), v.nonEmpty('is empty'));
const pathThatMustBe = (what: string) =>
  v.pipe(
    nonEmpty,
    v.check((path) => path.startsWith('/') && !/\p{Cc}/u.test(path), `must be ${what}`),
  );
const absolutePath = pathThatMustBe('an absolute path');
const mountPoint = 'true, false or the path of a mount point';
const texts = v.array(
  v.pipe(v.string('must be a list of texts'), v.nonEmpty('has an empty entry')),
  'must be a list',
);
/** Options that keep rsync from sending: the rest of an earlier, cut transfer would be taken for the archive. */
const keepsBack =
  /^(?:-(?![efBMT@])[A-Za-z]*[nu]|--(?:dry-run|list-only|existing|ignore-non-existing|ignore-existing|update|size-only|max-size|min-size|append|delete-excluded|remove-sent-files|out-format|log-format|temp-dir|partial-dir|delay-updates)(?:=|$))/;
const rsyncOptions = v.pipe(
  texts,
  v.check(
    (options) => !options.some((option) => keepsBack.test(option)),
    'has an option that keeps archives from being sent, or hides whether they were',
  ),
);
const flag = v.boolean('must be true or false');
const subDir = v.pipe(
  v.string('must be a list of texts'),
  v.check(isSubDir, "has an entry that is not a relative path of letters, digits, '.', '_' and '-'"),
);
const spoolAddress = v.pipe(
  nonEmpty,
  v.rawTransform<string, SpoolAddress>(({ dataset, addIssue, NEVER }) => {
    const address = parseSpoolAddress(dataset.value);
    if (typeof address !== 'string') return address;
    addIssue({ message: address });
    return NEVER;
  }),
);
const atLeast = (least: number, most: number) =>
  v.pipe(
    v.number('must be a number'),
    v.integer('must be a whole number'),
    v.minValue(least, `must be at least ${least}`),
    v.maxValue(most, `must be at most ${most}`),
  );
const retry = {
  attempts: v.optional(atLeast(1, 100), 3),
  max_seconds: v.optional(atLeast(0, 86_400), 60),
};

/** The keys of `pilos.yml`. `null` (a key without a value) counts as absent, as in PILOS' Ruby script. */
export const pilosKeys = {
  work_dir: absolutePath,
  spool_dir: spoolAddress,
  extra_rsync_opts: v.optional(v.pipe(v.unknown(), v.transform(asList), rsyncOptions), []),
  origins: v.optional(v.pipe(texts, v.minLength(1, 'is empty: nothing would ever be sent')), ['PILOS']),
  allowed_sub_dirs: v.optional(v.array(subDir, 'must be a list')),
  require_mount: v.optional(v.union([flag, pathThatMustBe(mountPoint)], `must be ${mountPoint}`), false),
  retry: v.optional(v.object(retry, 'must have the keys attempts and max_seconds'), {}),
  log_file: v.optional(absolutePath),
  deliver: v.optional(v.picklist(['now', 'later'], "must be 'now' or 'later'"), 'now'),
  delete_after_transfer: v.optional(flag, false),
  metrics_file: v.optional(absolutePath),
  on_failure: v.optional(v.pipe(v.unknown(), v.transform(asList), texts, v.minLength(1, 'is empty'))),
};
const pilosSchema = v.object(pilosKeys, 'must be a mapping of keys to values');
export type PilosSettings = v.InferOutput<typeof pilosSchema>;

/** Scalelite's name for a key of ours. */
const aliases: Record<string, string> = { delete_recording: 'delete_after_transfer' };

const bbbSchema = v.object({
  published_dir: v.optional(absolutePath, '/var/bigbluebutton/published'),
  recording_dir: v.optional(absolutePath, '/var/bigbluebutton/recording'),
  log_dir: v.optional(absolutePath, '/var/log/bigbluebutton'),
});

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
      remedy: isMissing
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

/** `pilos.yml` as parsed by YAML → valid keys with their defaults. */
export function parsePilos(mapping: Record<string, unknown>, file: string): PilosSettings {
  const problems: string[] = [];
  const known = knownKeys(mapping, Object.keys(pilosKeys), file, problems, '');
  const wanted = known['retry'];
  if (isMapping(wanted)) known['retry'] = knownKeys(wanted, Object.keys(retry), file, problems, 'retry.');
  const result = v.safeParse(pilosSchema, known);
  for (const issue of result.issues ?? []) problems.push(describeIssue(issue, file));
  if (result.success && problems.length === 0) return result.output;
  throw configError(problems.join('; '));
}

function knownKeys(
  mapping: Record<string, unknown>,
  keys: string[],
  file: string,
  problems: string[],
  prefix: string,
): Record<string, unknown> {
  const known: Record<string, unknown> = {};
  for (const [written, value] of Object.entries(mapping)) {
    const key = Object.hasOwn(aliases, written) && prefix === '' ? (aliases[written] ?? written) : written;
    if (!keys.includes(key)) {
      const meant = nearest(key, keys);
      problems.push(
        `${file}: unknown key ${quote(prefix + key)}${meant === undefined ? '' : `, did you mean '${prefix}${meant}'?`}`,
      );
    } else if (value !== null) {
      known[key] = value;
    }
  }
  return known;
}

function describeIssue(issue: v.BaseIssue<unknown>, file: string): string {
  const key = v.getDotPath(issue) ?? '';
  if (issue.received === 'undefined') return `${file}: ${key} is missing`;
  return `${file}: ${key} ${issue.message}, but is ${describeValue(issue.input)}`;
}

/** Lists and mappings are not written out: with YAML's aliases they can be endless. */
function describeValue(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  return isMapping(value) ? 'a mapping' : quote(value instanceof Date ? value.toISOString() : String(value));
}

function asList(value: unknown): unknown {
  return typeof value === 'string' ? [value] : value;
}

function isSubDir(value: string): boolean {
  try {
    return validateSubDir(value, undefined) !== '' || value === '';
  } catch {
    return false;
  }
}

/** The key at an edit distance of at most 3 that is nearest to what was written. */
function nearest(written: string, keys: string[]): string | undefined {
  const ranked = keys.map((key) => ({ key, distance: editDistance(written, key) }));
  ranked.sort((one, other) => one.distance - other.distance);
  return ranked[0] !== undefined && ranked[0].distance <= 3 ? ranked[0].key : undefined;
}

/** Levenshtein's edit distance. */
function editDistance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [i, character] of [...one.slice(0, 100)].entries()) {
    const next = [i + 1];
    for (let j = 0; j < other.length; j += 1) {
      const replaced = (row[j] ?? 0) + (character === other[j] ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

/** The `pilos.yml` that is read. */
export function chosenPilosFile(choice: ConfigChoice, environment: NodeJS.ProcessEnv): string {
  return choice.config ?? (environment['PILOS_POST_PUBLISH_CONFIG'] || defaultPilosFile);
}

/** BBB's configuration files that are read, apart from the override of the default one. */
export function chosenBbbFiles(choice: ConfigChoice, environment: NodeJS.ProcessEnv): string[] {
  if (choice.bbbConfig !== undefined && choice.bbbConfig.length > 0) return choice.bbbConfig;
  const listed = (environment['PILOS_POST_PUBLISH_BBB_CONFIG'] ?? '')
    .split(':')
    .filter((file) => file !== '');
  return listed.length > 0 ? listed : [defaultBbbFile];
}

/** What BBB's own configuration tells. */
export interface BbbConfig {
  files: string[];
  publishedDir: string;
  recordingDir: string;
  logDir: string;
  publishSteps: string[];
}

/** BBB merges its override at the top level only (`props.merge` in its Ruby library), and so do we. */
export function readBbbConfig(choice: ConfigChoice, environment: NodeJS.ProcessEnv): BbbConfig {
  const files = chosenBbbFiles(choice, environment);
  const merged: Record<string, unknown> = {};
  for (const file of files) Object.assign(merged, readMapping(file));
  const read = [...files];
  if (files.length === 1 && files[0] === defaultBbbFile) {
    const override = readMappingIfThere(defaultBbbOverride);
    if (override !== undefined) {
      Object.assign(merged, override);
      read.push(defaultBbbOverride);
    }
  }
  return parseBbbConfig(merged, read);
}

/** BBB's merged settings → what we use of them; throws an ExpectedError (78) for an invalid one. */
export function parseBbbConfig(merged: Record<string, unknown>, files: string[]): BbbConfig {
  const settings = Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== null));
  const result = v.safeParse(bbbSchema, settings);
  if (!result.success)
    throw configError(result.issues.map((issue) => describeIssue(issue, files.join(' with '))).join('; '));
  return {
    files,
    publishedDir: result.output.published_dir,
    recordingDir: result.output.recording_dir,
    logDir: result.output.log_dir,
    publishSteps: parsePublishSteps(settings['steps']),
  };
}

/**
 * The formats of all `publish:<format>` steps that are reachable from `archive`, as BBB's workers walk them.
 * Each value of `steps:` is one step or a list of steps.
 */
export function parsePublishSteps(steps: unknown): string[] {
  if (!isMapping(steps)) return [];
  const formats = new Set<string>();
  const seen = new Set<string>();
  const waiting = ['archive'];
  for (let step = waiting.pop(); step !== undefined; step = waiting.pop()) {
    if (seen.has(step)) continue;
    seen.add(step);
    const [, format] = /^publish:(.+)$/.exec(step) ?? [];
    if (format !== undefined && isFormat(format)) formats.add(format);
    const next = Object.hasOwn(steps, step) ? steps[step] : [];
    waiting.push(...[next].flat().filter((name) => typeof name === 'string'));
  }
  return [...formats].sort();
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

function readMappingIfThere(file: string): Record<string, unknown> | undefined {
  try {
    return readMapping(file);
  } catch (error) {
    if (error instanceof ExpectedError && errnoName(error.cause) === 'ENOENT') return undefined;
    throw error;
  }
}

// Ruby's Psych reads YAML 1.1 (`yes` is true) and knows merge keys; an existing file must mean the same here.
const schema = YAML11_SCHEMA.withTags(mergeTag);

/** Reads a YAML file that must be a mapping; throws an ExpectedError (78, 77) otherwise. */
export function readMapping(file: string): Record<string, unknown> {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file));
  } catch (error) {
    if (error instanceof TypeError) throw configError(`${file} is not a text file in UTF-8`);
    if (errnoName(error) === 'ENOENT') {
      throw configError(`${file} does not exist`, error);
    }
    throw translateErrno(error, `cannot read ${file}`);
  }
  return parseMapping(text, file);
}

/** Parses one YAML document that must be a mapping; throws an ExpectedError (78) otherwise. */
export function parseMapping(text: string, file: string): Record<string, unknown> {
  if (text.replace(/#.*$/gm, '').trim() === '') throw configError(`${file} is empty`);
  let value: unknown;
  try {
    value = load(text, { schema });
  } catch (error) {
    const mark = error instanceof YAMLException ? error.mark : undefined;
    const line = mark === undefined ? '' : ` in line ${mark.line + 1}`;
    throw configError(
      `${file} is not valid YAML${line}: ${error instanceof YAMLException ? error.reason : String(error)}`,
      error,
    );
  }
  if (!isMapping(value)) throw configError(`${file} must be a mapping of keys to values`);
  return value;
}

function configError(message: string, cause?: unknown): ExpectedError {
  return new ExpectedError(message, { exitStatus: EXIT.config, remedy: 'correct the file', cause });
}
