/** BBB's ids and format names: each is validated here, once, before it becomes part of a path or a command. */
import { EXIT, ExpectedError } from '../errors.ts';
import { quote } from '../terminal/escape.ts';

/** One segment of a path: never hidden, never an option, nothing that a shell or rsync would expand. */
export const segment = /^[A-Za-z0-9_][A-Za-z0-9._-]*$/;

// `.ID-FORMAT.tar.RUN` must fit into a file name of 255 bytes, with 60 left for the run.
const longestMeetingId = 140;

const longestFormat = 40;

declare const brand: unique symbol;

/** The id of a recording: of a whole meeting, or of a segment of it, `<meeting id>-<break timestamp>`. Validated. */
export type RecordId = string & { readonly [brand]: { isRecord: true } };
/** The id of a meeting, which is that of its recording as long as it has one. Validated. */
export type MeetingId = string & { readonly [brand]: { isRecord: true; isMeeting: true } };
/** The name of a recording format. Validated. */
export type Format = string & { readonly [brand]: { isFormat: true } };

/** The valid id of a meeting, or of a segment of it; throws an ExpectedError (64) otherwise. */
export function validateRecordId(value: string): RecordId {
  if (isRecordId(value)) return value;
  throw invalid(value, 'meeting id', '-m', longestMeetingId);
}

/** A valid recording format such as `presentation`; throws an ExpectedError (64) otherwise. */
export function validateFormat(value: string): Format {
  if (isFormat(value)) return value;
  throw invalid(value, 'format', '-f', longestFormat);
}

function invalid(value: string, name: string, option: string, longest: number): ExpectedError {
  return new ExpectedError(`${option} ${quote(value)} is not a ${name}`, {
    code: `${name.replace(' ', '_')}_invalid`,
    exitStatus: EXIT.usage,
    fix: `a ${name} has letters, digits, '.', '_' and '-', starts with none of '.' and '-', and has at most ${longest} characters`,
  });
}

/** PharData refuses archives with `.phar`, `.zip` or `..` in their name. */
function isSegment(value: string, longest: number): boolean {
  return segment.test(value) && value.length <= longest && !/\.(?:phar|zip|\.)/.test(value);
}

/** `<40 hex digits>-<milliseconds>`, with one more time stamp for a segment: what BBB itself makes. */
export function isBbbRecordId(name: string): name is RecordId {
  return /^[0-9a-f]{40}-\d{13}(?:-\d+)?$/.test(name);
}

/** True for what an admin makes of one of BBB's ids: `ID.bak`, `ID-old`. */
export function isCopyOfRecord(name: string): boolean {
  return !isBbbRecordId(name) && /^[0-9a-f]{40}-\d{13}(?!\d)/.test(name);
}

/** True for what {@link validateRecordId} would accept, to pass over strange names in a directory. */
export function isRecordId(name: string): name is RecordId {
  return isSegment(name, longestMeetingId);
}

/** True for what {@link validateFormat} would accept. */
export function isFormat(name: string): name is Format {
  return isSegment(name, longestFormat);
}

// BBB makes meeting ids as <40 hex digits>-<milliseconds>; a segment has one more timestamp behind it.
const segmentId = /^(.+-\d{13})-\d+$/;

export function isMeetingId(name: string): name is MeetingId {
  return isRecordId(name) && !segmentId.test(name);
}

/** The meeting that a record id belongs to. */
export function meetingIdOf(recordId: RecordId): MeetingId {
  return (segmentId.exec(recordId)?.[1] ?? recordId) as MeetingId;
}

/** True for the id itself and, of a meeting, for those of its segments. */
export function belongsTo(recordId: RecordId, id: RecordId): boolean {
  return recordId === id || meetingIdOf(recordId) === id;
}
