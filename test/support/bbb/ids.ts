/** Ids as the program has them once it has validated them. */
import {
  type Format,
  isMeetingId,
  type MeetingId,
  meetingIdOf as meetingOf,
  type RecordId,
  validateFormat,
  validateRecordId,
} from '../../../hook/bbb/ids.ts';

export const recordIdOf: (text: string) => RecordId = validateRecordId;
export const formatOf: (text: string) => Format = validateFormat;

export function meetingIdOf(text: string): MeetingId {
  if (!isMeetingId(text)) throw new Error(`'${text}' is not the id of a meeting`);
  return text;
}

/** What the ledger knows an archive by. @param meeting its id, or that of one of its recordings */
export function keyOf(meeting: string, record: string, format: string) {
  return {
    meetingId: meetingOf(recordIdOf(meeting)),
    recordId: recordIdOf(record),
    format: formatOf(format),
  };
}
