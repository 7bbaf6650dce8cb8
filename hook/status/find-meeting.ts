/** A meeting id as an admin writes it: whole, that of a segment, or a beginning that only one meeting has. */
import { isBbbRecordId, type MeetingId, meetingIdOf, validateRecordId } from '../bbb/ids.ts';
import { readAllMeetingFiles } from '../bbb/meeting-files.ts';
import { readRawMeetingIds } from '../bbb/unpublished.ts';
import type { Config } from '../config/config.ts';
import { openLedger } from '../delivery/ledger.ts';
import { EXIT, ExpectedError } from '../errors.ts';
import { quote } from '../terminal/escape.ts';
import { readStatus } from './status.ts';

/** As short as an id may be cut, so that a slip does not name a meeting. */
const shortestPrefix = 6;

/** @throws ExpectedError (64) for a beginning that several meetings have */
export function findMeetingId(config: Config, option: string, written: string): MeetingId {
  const wanted = meetingIdOf(validateRecordId(written));
  // A whole id of BBB's is the beginning of no other meeting's.
  return isBbbRecordId(wanted) ? wanted : complete(option, wanted, () => readKnownIds(config), 'meetings');
}

/** The front end's own id of meetings; throws ExpectedError (64) for a beginning that several have. */
export function findRoom(config: Config, option: string, written: string): string {
  const all = { failed: false, missing: false, withLost: true, since: undefined, meetingIds: [] };
  const readIds = () => Array.from(readStatus(config, all), (one) => one.external_id.trim());
  return complete(option, written.trim(), readIds, 'rooms');
}

/** The one id that begins with what was written, or that itself when it is an id, or none begins so. */
function complete<Id extends string>(
  option: string,
  written: Id,
  readIds: () => Iterable<Id>,
  what: string,
): Id {
  if (written.length < shortestPrefix) return written;
  const fits = [...new Set(readIds())].filter((id) => id.startsWith(written));
  if (fits.length === 0 || fits.includes(written)) return written;
  const [only, other] = fits;
  if (only !== undefined && other === undefined) return only;
  throw new ExpectedError(`${option} ${quote(written)} fits ${fits.length} ${what}`, {
    code: 'id_ambiguous',
    exitStatus: EXIT.usage,
    fix: `give more of the id: ${fits.slice(0, 3).join(', ')}${fits.length > 3 ? ', …' : ''}`,
  });
}

function readKnownIds(config: Config): MeetingId[] {
  const recorded = openLedger(config.workDir)
    .readAll()
    .map((entry) => entry.meeting_id);
  return [...readAllMeetingFiles(config).keys(), ...readRawMeetingIds(config), ...recorded];
}
