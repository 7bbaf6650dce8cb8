/** The command that mends `pilos.yml`, where one can. */
import { existsSync, readFileSync } from 'node:fs';
import { chosenPilosFile } from '../config/chosen-files.ts';
import { ConfigError, type ConfigProblem } from '../config/config-error.ts';
import { parsePilos } from '../config/pilos-settings.ts';
import { parseMapping } from '../config/yaml-mapping.ts';
import { attempt, ExpectedError } from '../errors.ts';
import { packageNote } from '../install/layout.ts';
import { errnoName } from '../system/errno.ts';
import { shellQuote } from '../system/shell-quote.ts';

export interface PilosFileRemedies {
  /** What puts launcher, executable, timer and `pilos.yml` in place. */
  install: string;
  /** The usual one on this server. */
  workDir: string;
}

/** @param error why the file could not be read, or what is wrong in it */
export function remedyOfPilosFile(
  file: string,
  { cause }: ExpectedError,
  { install, workDir }: PilosFileRemedies,
): string | undefined {
  if (errnoName(cause) === 'ENOENT') return createPilosFile(file, install, workDir);
  try {
    return correctPilosFile(file, readFileSync(file, 'utf8'), workDir);
  } catch {
    return undefined;
  }
}

/** `install` writes the usual file, dpkg never one that was deleted; the rest gets the two keys that are required. */
function createPilosFile(file: string, install: string, workDir: string): string {
  if (file === chosenPilosFile({}, {}) && !existsSync(packageNote)) return install;
  const text = String.raw`work_dir: %s\nspool_dir: /mnt/pilos-spool\n`;
  return `printf '${text}' ${shellQuote([workDir])} > ${shellQuote([file])}`;
}

/**
 * Misspelt keys can be corrected by a command, and a missing `work_dir` be added, also to a last line that does not
 * end. Undefined when that would not mend all that is wrong: then it is for an editor.
 */
export function correctPilosFile(file: string, text: string, workDir: string): string | undefined {
  const misspelt = problemsOf(file, text).filter(isMisspelt);
  const commands: string[] = [];
  let corrected = text;
  if (misspelt.length > 0) {
    for (const { key, meant } of misspelt)
      corrected = corrected.replace(new RegExp(`^${key}:`, 'gm'), `${meant}:`);
    const changes = misspelt.map(({ key, meant }) => `s/^${key}:/${meant}:/`);
    commands.push(`sed -i '${changes.join('; ')}' ${shellQuote([file])}`);
  }
  if (problemsOf(file, corrected).some((one) => one.kind === 'missing_key' && one.key === 'work_dir')) {
    corrected += `\nwork_dir: ${workDir}\n`;
    commands.push(`printf '\\nwork_dir: %s\\n' ${shellQuote([workDir])} >> ${shellQuote([file])}`);
  }
  return isPlainlyValid(file, corrected) && commands.length > 0 ? commands.join(' && ') : undefined;
}

/** A top-level key that sed can find, with the one that was meant. */
function isMisspelt(problem: ConfigProblem): problem is Extract<ConfigProblem, { kind: 'unknown_key' }> {
  return problem.kind === 'unknown_key' && problem.meant !== undefined && /^[a-z_]+$/.test(problem.key);
}

/** Also without a key that stands twice, of which one would have no effect. */
function isPlainlyValid(file: string, text: string): boolean {
  const warnings: string[] = [];
  const read = attempt(() =>
    parsePilos(
      parseMapping(text, file, (one) => warnings.push(one)),
      file,
    ),
  );
  return !(read instanceof ExpectedError) && warnings.length === 0;
}

/** What is wrong in the text of a `pilos.yml`. */
function problemsOf(file: string, text: string): readonly ConfigProblem[] {
  const read = attempt(() => parsePilos(parseMapping(text, file), file));
  return read instanceof ConfigError ? read.configProblems : [];
}
