/** The file of `--meeting-ids`: the ids by which the front end knew its meetings, as its database has them. */
import { readFileSync } from 'node:fs';
import { EXIT, ExpectedError } from '../errors.ts';
import { errnoName, translateErrno } from '../system/errno.ts';
import { quote } from '../terminal/escape.ts';

export interface MeetingIds {
  ids: Set<string>;
  /** Lines that repeat an earlier one. */
  repeated: number;
}

/** One id a line; blank lines, spaces around an id and lines that begin with `#` do not count. */
export function parseMeetingIds(text: string): MeetingIds {
  const ids = new Set<string>();
  let repeated = 0;
  for (const line of text.split(/\r\n|\r|\n/)) {
    // `trim` takes a byte order mark away, too.
    const id = line.trim();
    if (id === '' || id.startsWith('#')) continue;
    if (ids.has(id)) repeated += 1;
    ids.add(id);
  }
  return { ids, repeated };
}

/** Throws ExpectedError (64) for a file that is not there or names none. */
export function readMeetingIds(file: string): MeetingIds {
  const found = parseMeetingIds(readIdFile('--meeting-ids', file));
  if (found.ids.size > 0) return found;
  throw new ExpectedError(`--meeting-ids ${quote(file)} has no ids`, {
    code: 'meeting_ids_empty',
    exitStatus: EXIT.usage,
    fix: 'write one external meeting id a line, as the database of the front end has it',
  });
}

/** Throws ExpectedError (64) for a file that is not there. @param option for messages */
export function readIdFile(option: string, file: string): string {
  try {
    return readFileSync(file).toString();
  } catch (error) {
    if (errnoName(error) !== 'ENOENT' && errnoName(error) !== 'EISDIR')
      throw translateErrno(error, `cannot read ${option} ${quote(file)}`);
    const what = errnoName(error) === 'ENOENT' ? 'does not exist' : 'is a directory';
    throw new ExpectedError(`${option} ${quote(file)} ${what}`, {
      code: 'meeting_ids_unreadable',
      exitStatus: EXIT.usage,
      fix: 'check the path',
      cause: error,
    });
  }
}
