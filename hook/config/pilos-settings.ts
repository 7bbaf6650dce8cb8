/** The keys of `pilos.yml`: what the admin may write, with the defaults. */
import * as v from 'valibot';
import { quote } from '../terminal/escape.ts';
import { ConfigError, type ConfigProblem } from './config-error.ts';
import { nearestKey } from './nearest-key.ts';
import { absolutePath, nonEmpty, pathThatMustBe, problemOf } from './schema.ts';
import { parseSpoolAddress, type SpoolAddress } from './spool-address.ts';
import { reservedNameIn, validateSubDir } from './sub-dir.ts';
import { isMapping } from './yaml-mapping.ts';

const mountPoint = 'true, false or the path of a mount point';
/** mountinfo has no slash at the end. */
const mountPath = v.pipe(
  pathThatMustBe(mountPoint),
  v.transform((path) => path.replace(/(?<=.)\/+$/, '')),
);
/** node_exporter reads no other names. */
const metricsPath = v.pipe(absolutePath, v.endsWith('.prom', 'must end in .prom'));
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
  v.check(
    (value) => reservedNameIn(value) === undefined,
    "has an entry with 'failed' or 'public' in its path, which PILOS keeps for itself",
  ),
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
const spoolDirs = v.record(
  v.pipe(
    v.string(),
    v.check(
      (key) => key !== '' && isSubDir(key),
      "has a key that is not a relative path of letters, digits, '.', '_' and '-'",
    ),
  ),
  spoolAddress,
  'must be a mapping of sub directories to addresses',
);
const atLeast = (least: number, most: number) =>
  v.pipe(
    v.number('must be a number'),
    v.integer('must be a whole number'),
    v.minValue(least, `must be at least ${least}`),
    v.maxValue(most, `must be at most ${most}`),
  );
const duration = v.pipe(
  v.string('must be a span of time such as 2h'),
  v.regex(/^\d{1,6}[smhdw]$/, 'must be a span of time such as 2h'),
);
const retry = {
  attempts: v.optional(atLeast(1, 100), 3),
  max_seconds: v.optional(atLeast(0, 86_400), 60),
};

/** The keys of `pilos.yml`. `null` (a key without a value) counts as absent, as in PILOS' Ruby script. */
export const pilosKeys = {
  work_dir: absolutePath,
  spool_dir: spoolAddress,
  spool_dirs: v.optional(spoolDirs),
  extra_rsync_opts: v.optional(v.pipe(v.unknown(), v.transform(asList), rsyncOptions), []),
  origins: v.optional(v.pipe(texts, v.minLength(1, 'is empty: nothing would ever be sent')), ['PILOS']),
  allowed_sub_dirs: v.optional(v.array(subDir, 'must be a list')),
  require_mount: v.optional(v.union([flag, mountPath], `must be ${mountPoint}`), false),
  retry: v.optional(v.object(retry, 'must have the keys attempts and max_seconds'), {}),
  work_space_gb: v.optional(atLeast(1, 100_000), 20),
  log_file: v.optional(absolutePath),
  deliver: v.optional(v.picklist(['now', 'later'], "must be 'now' or 'later'"), 'now'),
  delete_after_transfer: v.optional(flag, false),
  import_patience: v.optional(duration, '2h'),
  max_unattended: v.optional(atLeast(1, 1_000_000), 50),
  replaces_recordings: v.optional(flag, false),
  metrics_file: v.optional(metricsPath),
  notify: v.optional(v.pipe(v.unknown(), v.transform(asList), texts, v.minLength(1, 'is empty'))),
};
const pilosSchema = v.object(pilosKeys, 'must be a mapping of keys to values');
export type PilosSettings = v.InferOutput<typeof pilosSchema>;

/** Scalelite's name for a key, and an earlier one that we had. */
const aliases: Record<string, string> = {
  delete_recording: 'delete_after_transfer',
  on_failure: 'notify',
};

/** `pilos.yml` as parsed by YAML → valid keys with their defaults; throws a ConfigError with every problem. */
export function parsePilos(mapping: Record<string, unknown>, file: string): PilosSettings {
  const problems: ConfigProblem[] = [];
  const known = knownKeys(mapping, Object.keys(pilosKeys), file, problems, '');
  const wanted = known['retry'];
  if (isMapping(wanted)) known['retry'] = knownKeys(wanted, Object.keys(retry), file, problems, 'retry.');
  const result = v.safeParse(pilosSchema, known);
  for (const issue of result.issues ?? []) problems.push(problemOf(issue, file));
  if (result.success) problems.push(...unreachableSpools(result.output, file));
  if (result.success && problems.length === 0) return result.output;
  throw new ConfigError(problems);
}

/** No meeting can choose what `allowed_sub_dirs` lacks. */
function unreachableSpools({ allowed_sub_dirs: allowed, spool_dirs }: PilosSettings, file: string) {
  const unreachable = Object.keys(spool_dirs ?? {}).filter((name) => allowed?.includes(name) === false);
  return unreachable.map((name): ConfigProblem => {
    const key = `spool_dirs.${name}`;
    return { kind: 'invalid_value', file, key, message: `${file}: ${key} is not in allowed_sub_dirs` };
  });
}

function knownKeys(
  mapping: Record<string, unknown>,
  keys: string[],
  file: string,
  problems: ConfigProblem[],
  prefix: string,
): Record<string, unknown> {
  const known: Record<string, unknown> = {};
  for (const [written, value] of Object.entries(mapping)) {
    const key = Object.hasOwn(aliases, written) && prefix === '' ? (aliases[written] ?? written) : written;
    if (!keys.includes(key)) {
      const meant = nearestKey(key, keys);
      const question = meant === undefined ? '' : `, did you mean '${prefix}${meant}'?`;
      problems.push({
        kind: 'unknown_key',
        file,
        key: prefix + key,
        meant: meant === undefined ? undefined : prefix + meant,
        message: `${file}: unknown key ${quote(prefix + key)}${question}`,
      });
    } else if (value !== null) {
      known[key] = value;
    }
  }
  return known;
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
