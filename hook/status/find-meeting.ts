/** A meeting id as an admin writes it: whole, that of a segment, or a beginning that only one meeting has. */
import { meetingIdOf } from '../bbb/bbb.ts';
import { isBbbRecordId, validateMeetingId } from '../bbb/ids.ts';
import { readAllMeetingFiles } from '../bbb/meeting-files.ts';
import { readRawMeetingIds } from '../bbb/unpublished.ts';
import type { Config } from '../config/config.ts';
import { openLedger } from '../delivery/ledger.ts';
import { EXIT, ExpectedError } from '../errors.ts';
import { quote } from '../terminal/escape.ts';

/** As short as an id may be cut, so that a slip does not name a meeting. */
const shortestPrefix = 6;

/** @throws ExpectedError (64) for a beginning that several meetings have */
export function findMeetingId(config: Config, option: string, written: string): string {
  const wanted = meetingIdOf(validateMeetingId(written));
  // A whole id of BBB's is the beginning of no other meeting's.
  if (isBbbRecordId(wanted) || wanted.length < shortestPrefix) return wanted;
  const fits = readKnownIds(config).filter((id) => id.startsWith(wanted));
  if (fits.length === 0 || fits.includes(wanted)) return wanted;
  const [only, other] = fits;
  if (only !== undefined && other === undefined) return only;
  throw new ExpectedError(`${option} ${quote(written)} fits ${fits.length} meetings`, {
    code: 'meeting_id_ambiguous',
    exitStatus: EXIT.usage,
    fix: `give more of the id: ${fits.slice(0, 3).join(', ')}${fits.length > 3 ? ', …' : ''}`,
  });
}

function readKnownIds(config: Config): string[] {
  const recorded = openLedger(config.workDir)
    .readAll()
    .map((entry) => entry.meeting_id);
  return [...new Set([...readAllMeetingFiles(config).keys(), ...readRawMeetingIds(config), ...recorded])];
}
