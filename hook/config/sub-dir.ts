/** The sub directory of the spool that a meeting asks for. */
import { segment } from '../bbb/ids.ts';
import { EXIT, ExpectedError } from '../errors.ts';
import { quote } from '../terminal/escape.ts';

/**
 * The sub directory of the spool that a meeting asks for, `''` for none. The value was written by an API
 * client, so anything that could lead out of the spool directory is an ExpectedError (65).
 */
export function validateSubDir(value: string, allowed: readonly string[] | undefined): string {
  if (value === '') return '';
  if (value.length > 200 || !value.split('/').every((part) => segment.test(part))) {
    throw new ExpectedError(`the meeting asks for the sub directory ${quote(value)}, which is not allowed`, {
      exitStatus: EXIT.data,
      fix: "set RECORDING_SPOOL_SUB_DIRECTORY in PILOS to names of letters, digits, '.', '_' and '-', separated by '/'",
    });
  }
  if (allowed !== undefined && !allowed.includes(value)) {
    const only = allowed.length === 0 ? 'is empty' : `has only ${allowed.join(', ')}`;
    throw new ExpectedError(
      `the meeting asks for the sub directory ${quote(value)}, but allowed_sub_dirs ${only}`,
      {
        exitStatus: EXIT.data,
        fix: 'add it to allowed_sub_dirs in pilos.yml, or correct RECORDING_SPOOL_SUB_DIRECTORY in PILOS',
      },
    );
  }
  return value;
}
