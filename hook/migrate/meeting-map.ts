/** The file of `--map`: ids that a load balancer gave the meetings → the ids by which PILOS knows them. */
import { EXIT, ExpectedError } from '../errors.ts';
import { hasControlCharacter, quote } from '../terminal/escape.ts';
import { readIdFile } from './meeting-ids.ts';

export type MeetingMap = ReadonlyMap<string, string>;

/**
 * Two ids a line, that of the recording first, with white space or a comma between them; blank lines and lines that
 * begin with `#` do not count.
 *
 * @param file for messages
 * @throws ExpectedError (64) for a line that has no two ids, or gives an id a second meaning
 */
export function parseMeetingMap(text: string, file: string): MeetingMap {
  const map = new Map<string, string>();
  for (const [index, line] of text.split(/\r\n|\r|\n/).entries()) {
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#')) continue;
    const where = `--map ${quote(file)}, line ${index + 1}:`;
    const [id = '', mapped = '', ...more] = trimmed.split(/\s*,\s*|\s+/);
    if (id === '' || mapped === '' || more.length > 0 || hasControlCharacter(trimmed.replaceAll('\t', ' ')))
      throw wrongMap(`${where} ${quote(trimmed)} is not two ids`);
    if (map.has(id) && map.get(id) !== mapped) throw wrongMap(`${where} ${quote(id)} has another id above`);
    map.set(id, mapped);
  }
  if (map.size === 0) throw wrongMap(`--map ${quote(file)} has no ids`);
  return map;
}

function wrongMap(message: string): ExpectedError {
  return new ExpectedError(message, {
    code: 'map_invalid',
    exitStatus: EXIT.usage,
    fix: 'write two ids a line: the meetingId of the recording, and that of the meeting in PILOS',
  });
}

/** @throws ExpectedError (64) also for a file that is not there */
export function readMeetingMap(file: string): MeetingMap {
  return parseMeetingMap(readIdFile('--map', file), file);
}
