/** The sub directory of the spool that a meeting asks for. */
import { segment } from '../bbb/ids.ts';
import { EXIT, ExpectedError } from '../errors.ts';
import { quote } from '../terminal/escape.ts';

/** Directories of PILOS' own in its spool: what it refused, and what it imports for everyone to see. */
const reservedNames: readonly string[] = ['failed', 'public'];

/**
 * The sub directory of the spool that a meeting asks for, `''` for none. The value was written by an API
 * client, so anything that could lead out of the spool directory, or into one of PILOS' own at any depth, is an
 * ExpectedError (65).
 */
export function validateSubDir(value: string, allowed: readonly string[] | undefined): string {
  if (value === '') return '';
  if (value.length > 200 || !value.split('/').every((part) => segment.test(part))) {
    throw new ExpectedError(`the meeting asks for the sub directory ${quote(value)}, which is not allowed`, {
      code: 'sub_dir_invalid',
      exitStatus: EXIT.data,
      fix: "set RECORDING_SPOOL_SUB_DIRECTORY in PILOS to names of letters, digits, '.', '_' and '-', separated by '/'",
    });
  }
  const reserved = reservedNameIn(value);
  if (reserved !== undefined) {
    throw new ExpectedError(
      `the meeting asks for the sub directory ${quote(value)}, and PILOS keeps '${reserved}' for itself`,
      {
        code: 'sub_dir_reserved',
        exitStatus: EXIT.data,
        fix: 'set RECORDING_SPOOL_SUB_DIRECTORY in PILOS to another name',
      },
    );
  }
  if (allowed !== undefined && !allowed.includes(value)) {
    const only = allowed.length === 0 ? 'is empty' : `has only ${allowed.join(', ')}`;
    throw new ExpectedError(
      `the meeting asks for the sub directory ${quote(value)}, but allowed_sub_dirs ${only}`,
      {
        code: 'sub_dir_not_allowed',
        exitStatus: EXIT.data,
        fix: 'add it to allowed_sub_dirs in pilos.yml, or correct RECORDING_SPOOL_SUB_DIRECTORY in PILOS',
      },
    );
  }
  return value;
}

/** The first segment of a sub directory that PILOS keeps for itself; undefined when there is none. */
export function reservedNameIn(subDir: string): string | undefined {
  return subDir.split('/').find((part) => reservedNames.includes(part));
}
