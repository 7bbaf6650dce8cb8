/** The command that mends `pilos.yml`, where one can. */
import { existsSync, readFileSync } from 'node:fs';
import { chosenPilosFile } from '../config/chosen-files.ts';
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
  const misspelt = [
    ...problemOf(file, text).matchAll(/unknown key '([a-z_]+)', did you mean '([a-z_]+)'\?/g),
  ];
  const commands: string[] = [];
  let corrected = text;
  if (misspelt.length > 0) {
    for (const [, written, meant] of misspelt)
      corrected = corrected.replace(new RegExp(`^${written}:`, 'gm'), `${meant}:`);
    const changes = misspelt.map(([, written, meant]) => `s/^${written}:/${meant}:/`);
    commands.push(`sed -i '${changes.join('; ')}' ${shellQuote([file])}`);
  }
  if (problemOf(file, corrected).includes(': work_dir is missing')) {
    corrected += `\nwork_dir: ${workDir}\n`;
    commands.push(`printf '\\nwork_dir: %s\\n' ${shellQuote([workDir])} >> ${shellQuote([file])}`);
  }
  return problemOf(file, corrected) === '' && commands.length > 0 ? commands.join(' && ') : undefined;
}

/** What is wrong in the text of a `pilos.yml`, `''` for nothing. */
function problemOf(file: string, text: string): string {
  const read = attempt(() => parsePilos(parseMapping(text, file), file));
  return read instanceof ExpectedError ? read.message : '';
}
