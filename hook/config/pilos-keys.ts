/** The keys of `pilos.yml`: what the admin may write, with the defaults. */
import * as v from 'valibot';
import { absolutePath, nonEmpty, pathThatMustBe } from './schema.ts';
import { parseSpoolAddress, type SpoolAddress } from './spool-address.ts';
import { reservedNameIn, validateSubDir } from './sub-dir.ts';

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
export const retryKeys = {
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
  retry: v.optional(v.object(retryKeys, 'must have the keys attempts and max_seconds'), {}),
  work_space_gb: v.optional(atLeast(1, 100_000), 20),
  /** The default is in BBB's directory of logs: config.ts. */
  log_file: v.optional(absolutePath),
  deliver: v.optional(v.picklist(['now', 'later'], "must be 'now' or 'later'"), 'now'),
  delete_after_transfer: v.optional(flag, false),
  import_patience: v.optional(duration, '2h'),
  max_unattended: v.optional(atLeast(1, 1_000_000), 50),
  replaces_recordings: v.optional(flag, false),
  metrics_file: v.optional(metricsPath),
  notify: v.optional(v.pipe(v.unknown(), v.transform(asList), texts, v.minLength(1, 'is empty'))),
};
export const pilosSchema = v.object(pilosKeys, 'must be a mapping of keys to values');
export type PilosSettings = v.InferOutput<typeof pilosSchema>;

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
