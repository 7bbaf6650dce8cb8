/** The configuration files: what can be used of them, what is wrong with them, and may the user of BBB read them, too? */
import { safeParse } from 'valibot';
import { parseBbbConfig, readBbbConfig } from '../config/bbb-config.ts';
import { type ConfigChoice, chosenBbbFiles, chosenPilosFile } from '../config/chosen-files.ts';
import { combineConfig } from '../config/config.ts';
import { type PilosSettings, parsePilos, pilosKeys } from '../config/pilos-settings.ts';
import type { SpoolAddress } from '../config/spool-address.ts';
import { readMapping } from '../config/yaml-mapping.ts';
import { attempt, EXIT, ExpectedError } from '../errors.ts';
import { errnoName } from '../system/errno.ts';
import { sh, shellQuote } from '../system/shell-quote.ts';
import type { OwnCommands } from './own-program.ts';
import { applicable, noAccess, ok, problem, type Row, rowsOf, type Verdict, warning } from './table.ts';

export type Configuration = ReturnType<typeof readConfiguration>;

/** Reads all files, and what is valid of a broken one; `config` is undefined without `work_dir` and `spool_dir`. */
export function readConfiguration(choice: ConfigChoice, environment: NodeJS.ProcessEnv) {
  const pilosFile = chosenPilosFile(choice, environment);
  const read = attempt(() => readBbbConfig(choice, environment));
  const [bbb, bbbError] =
    read instanceof ExpectedError
      ? [parseBbbConfig(new Map(chosenBbbFiles(choice, environment).map((file) => [file, {}]))), read]
      : [read, undefined];
  const mapping = attempt(() => readMapping(pilosFile));
  const pilos = mapping instanceof ExpectedError ? mapping : attempt(() => parsePilos(mapping, pilosFile));
  const [settings, pilosError] =
    pilos instanceof ExpectedError ? [salvagePilos(mapping), pilos] : [pilos, undefined];
  const config = settings === undefined ? undefined : combineConfig(pilosFile, settings, bbb);
  return { pilosFile, pilosError, bbb, bbbError, config };
}

/** The valid keys of a file that has invalid ones too; undefined without a valid `work_dir` and `spool_dir`. */
export function salvagePilos(mapping: unknown): PilosSettings | undefined {
  if (typeof mapping !== 'object' || mapping === null || mapping instanceof ExpectedError) return undefined;
  const valid = Object.entries(pilosKeys).flatMap(([key, schema]) => {
    const value = (mapping as Record<string, unknown>)[key];
    return value !== undefined && safeParse(schema, value).success ? [[key, value]] : [];
  });
  const settings = attempt(() => parsePilos(Object.fromEntries(valid), ''));
  return settings instanceof ExpectedError ? undefined : settings;
}

const row = rowsOf('Configuration');

/** @param closedFile the first of the files, or a directory above one, that the user of BBB may not read */
export function configurationChecks(
  configuration: Configuration,
  closedFile: string | undefined,
  commands: OwnCommands,
): Row[] {
  const { pilosFile, bbb, config } = configuration;
  const options = config?.extraRsyncOptions ?? [];
  const files = bbb.files.join(' with ');
  const ignored = `extra_rsync_opts: ${shellQuote(options)}`;
  const user = 'the user of BBB';
  // Root has read the files; the user of BBB has to, too.
  const readable = closedFile === undefined ? ok : noAccess(user, 'read', closedFile);
  return applicable(
    row('pilos_yml', `pilos.yml: ${pilosFile}`, decidePilosFile(configuration, closedFile, commands)),
    row('bbb_yml', `BBB's configuration: ${files}`, decideBbbFiles(configuration, closedFile)),
    options.length > 0 && row('ignored_options', ignored, decideOptions(config?.spool.kind)),
    row('config_readable', `${user} can read these files`, readable, ['pilos_yml', 'bbb_yml']),
  );
}

function decideOptions(kind: SpoolAddress['kind'] | undefined): Verdict {
  if (kind !== 'local') return ok;
  const text =
    'spool_dir is a directory of this server, so rsync is not used and these options have no effect';
  return warning(text, 'remove extra_rsync_opts from pilos.yml');
}

/** `install` writes the usual file, dpkg never one that was deleted; any other one gets the two required keys. */
function decidePilosFile(
  { pilosFile, pilosError, bbb }: Configuration,
  closedFile: string | undefined,
  { install, writesPilosFile }: OwnCommands,
): Verdict {
  const text = String.raw`work_dir: %s\nspool_dir: /mnt/pilos-spool\n`;
  const create = writesPilosFile
    ? install
    : `printf '${text}' ${sh`${`${bbb.recordingDir}/pilos`} > ${pilosFile}`}`;
  return decideFile(pilosError, closedFile ?? pilosFile, create);
}

function decideBbbFiles({ bbbError }: Configuration, closedFile: string | undefined): Verdict {
  const { path = '' } = (bbbError?.cause ?? {}) as NodeJS.ErrnoException;
  const isOfPackage = path.endsWith('/bigbluebutton.yml');
  const create = isOfPackage ? 'apt-get install --reinstall bbb-record-core' : undefined;
  const note = "; the checks below assume BBB's usual directories";
  return decideFile(bbbError, closedFile ?? path, create, note);
}

/** @param create what creates a file that is missing; undefined: the error itself says what to do */
function decideFile(error: ExpectedError | undefined, path: string, create?: string, note = ''): Verdict {
  if (error === undefined) return ok;
  const fixes: Record<string, string | undefined> = { ENOENT: create, EACCES: sh`chmod a+rX ${path}` };
  const fix = fixes[errnoName(error.cause) ?? ''] ?? error.fix;
  // Whatever keeps a file from being read, but for rights, belongs to the set-up.
  const status = error.exitStatus === EXIT.permission ? EXIT.permission : EXIT.config;
  return problem(status, `${error.message}${note}`, fix);
}
