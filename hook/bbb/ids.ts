/** BBB's ids and format names: each is validated here, once, before it becomes part of a path or a command. */
import { EXIT, ExpectedError } from '../errors.ts';
import { quote } from '../terminal/escape.ts';

/** One segment of a path: never hidden, never an option, nothing that a shell or rsync would expand. */
export const segment = /^[A-Za-z0-9_][A-Za-z0-9._-]*$/;

// `.ID-FORMAT.tar.RUN` must fit into a file name of 255 bytes, with 60 left for the run.
const longestMeetingId = 140;

const longestFormat = 40;

/** A valid meeting id; throws an ExpectedError (64) otherwise. */
export function validateMeetingId(value: string): string {
  return validateSegment(value, 'meeting id', '-m', longestMeetingId);
}

/** A valid recording format such as `presentation`; throws an ExpectedError (64) otherwise. */
export function validateFormat(value: string): string {
  return validateSegment(value, 'format', '-f', longestFormat);
}

function validateSegment(value: string, name: string, option: string, longest: number): string {
  if (isSegment(value, longest)) return value;
  throw new ExpectedError(`${option} ${quote(value)} is not a ${name}`, {
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
export function isBbbRecordId(name: string): boolean {
  return /^[0-9a-f]{40}-\d{13}(?:-\d+)?$/.test(name);
}

/** True for what an admin makes of one of BBB's ids: `ID.bak`, `ID-old`. */
export function isCopyOfRecord(name: string): boolean {
  return !isBbbRecordId(name) && /^[0-9a-f]{40}-\d{13}(?!\d)/.test(name);
}

/** True for what {@link validateMeetingId} would accept, to pass over strange names in a directory. */
export function isRecordId(name: string): boolean {
  return isSegment(name, longestMeetingId);
}

/** True for what {@link validateFormat} would accept. */
export function isFormat(name: string): boolean {
  return isSegment(name, longestFormat);
}
