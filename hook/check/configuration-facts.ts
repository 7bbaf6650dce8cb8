/** The configuration files: what can be used of them, and what is wrong with them. */
import { safeParse } from 'valibot';
import { parseBbbConfig, readBbbConfig } from '../config/bbb-config.ts';
import { type ConfigChoice, chosenBbbFiles, chosenPilosFile } from '../config/chosen-files.ts';
import { combineConfig } from '../config/config.ts';
import { type PilosSettings, pilosKeys } from '../config/pilos-keys.ts';
import { parsePilos } from '../config/pilos-settings.ts';
import { readMapping } from '../config/yaml-mapping.ts';
import { attempt, ExpectedError } from '../errors.ts';

/** Reads all files, and what is valid of a broken one; `config` is undefined without `work_dir` and `spool_dir`. */
export function readConfiguration(choice: ConfigChoice, environment: NodeJS.ProcessEnv) {
  const pilosFile = chosenPilosFile(choice, environment);
  const [bbb, bbbError] = orElse(
    attempt(() => readBbbConfig(choice, environment)),
    () => parseBbbConfig(new Map(chosenBbbFiles(choice, environment).map((file) => [file, {}]))),
  );
  const [mapping, readError] = orElse(
    attempt(() => readMapping(pilosFile)),
    () => ({}),
  );
  const [settings, parseError] = orElse(
    attempt(() => parsePilos(mapping, pilosFile)),
    () => salvagePilos(mapping),
  );
  const config = settings && combineConfig(pilosFile, settings, bbb);
  return { pilosFile, pilosError: readError ?? parseError, bbb, bbbError, config };
}

/** What was read, or else what stands in for it, and why. */
function orElse<T>(read: T | ExpectedError, fallback: () => T): [T, ExpectedError | undefined] {
  return read instanceof ExpectedError ? [fallback(), read] : [read, undefined];
}

/** The valid keys of a file that has invalid ones too; undefined without a valid `work_dir` and `spool_dir`. */
export function salvagePilos(mapping: Record<string, unknown>): PilosSettings | undefined {
  const keys = Object.entries(pilosKeys).filter(([key, schema]) => safeParse(schema, mapping[key]).success);
  const valid = Object.fromEntries(keys.map(([key]) => [key, mapping[key]]));
  const settings = attempt(() => parsePilos(valid, ''));
  return settings instanceof ExpectedError ? undefined : settings;
}
