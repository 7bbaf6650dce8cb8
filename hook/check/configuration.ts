/** The configuration files: what is wrong with them, and what can be used of them all the same. */
import { safeParse } from 'valibot';
import { parseBbbConfig, readBbbConfig } from '../config/bbb-config.ts';
import { type ConfigChoice, chosenBbbFiles, chosenPilosFile } from '../config/chosen-files.ts';
import { combineConfig } from '../config/config.ts';
import { type PilosSettings, parsePilos, pilosKeys } from '../config/pilos-settings.ts';
import { readMapping } from '../config/yaml-mapping.ts';
import { attempt, ExpectedError } from '../errors.ts';

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
