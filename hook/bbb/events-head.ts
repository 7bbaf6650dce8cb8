/**
 * Whose meeting is it, and which sub directory does it ask for? Read from the first few KB of BBB's `events.xml`,
 * by our own hand: BBB calls for every recording of every front end, and loading an XML parser would cost more
 * than the rest of the way to "not from PILOS".
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { errnoName } from '../system/errno.ts';

export interface MeetingMetadata {
  /** Value of `bbb-origin`, `''` when the meeting has none. */
  origin: string;
  /** Value of `pilos-sub-spool-dir`, as written by an API client: hostile until validated. */
  subDir: string;
  meetingName: string;
  /** The front end's own id of the meeting, `''` when there is none. */
  externalId: string;
  /** The file that says it. */
  source: string;
}

/** How far into `events.xml` its `<metadata>` is searched for, and the largest `metadata.xml` that we read. */
export const headLimit = 1024 * 1024;
const firstRead = 16 * 1024;
/** Shared by all calls, which are synchronous: with a buffer for each, `status` spent its time in the garbage collector. */
let firstBuffer: Buffer | undefined;

/** What is wrong with a file that should say it. */
export class XmlProblem extends Error {}

/** Reads `events.xml`, or says why that is not possible. */
export function readEvents(file: string): MeetingMetadata | Unreadable {
  return attemptRead(file, readEventsHead);
}

/** Why a file does not say it, in a sentence that begins with its name. */
export interface Unreadable {
  unreadable: string;
}

/** Runs `read`; only our own findings and errors of system calls are reasons, anything else is a bug. */
export function attemptRead<T>(file: string, read: (file: string) => T): T | Unreadable {
  try {
    return read(file);
  } catch (error) {
    if (error instanceof XmlProblem) return { unreadable: `${file} ${error.message}` };
    const name = errnoName(error);
    if (name === 'ENOENT') return { unreadable: `${file} does not exist` };
    if (name?.startsWith('E')) return { unreadable: `${file} cannot be read (${name})` };
    throw error;
  }
}

/** Reads `events.xml` up to the end of its `<metadata …>` and not further. */
export function readEventsHead(file: string): MeetingMetadata {
  const descriptor = openRegularFile(file);
  try {
    firstBuffer ??= Buffer.allocUnsafeSlow(firstRead);
    let buffer = firstBuffer;
    let length = 0;
    for (;;) {
      const wanted = length === 0 ? firstRead : Math.min(length * 3, headLimit - length);
      if (length + wanted > buffer.length) buffer = grow(buffer);
      const read = readSync(descriptor, buffer, length, wanted, null);
      length += read;
      const element = findMetadataElement(buffer.toString('utf8', 0, length));
      if (element !== undefined) return parseMetadata(element, file);
      if (read === 0) throw new XmlProblem('ends before its <metadata> is complete');
      if (length >= headLimit) throw new XmlProblem(`has no <metadata> in its first ${headLimit} bytes`);
    }
  } finally {
    closeSync(descriptor);
  }
}

function grow(small: Buffer): Buffer {
  const large = Buffer.allocUnsafe(headLimit);
  small.copy(large);
  return large;
}

/**
 * The start tag `<metadata …>` that is a child of the root element, with its `<` and `>`; undefined when the
 * text ends before it. Comments, CDATA, processing instructions and a DOCTYPE are passed over.
 *
 * @throws XmlProblem when the text cannot be the beginning of such a file
 */
export function findMetadataElement(text: string): string | undefined {
  let depth = 0;
  let at = 0;
  for (;;) {
    const start = text.indexOf('<', at);
    if (start === -1) return undefined;
    const end = endOfMarkup(text, start);
    if (end === undefined) return undefined;
    const [, closing, name] = /^<(\/?)([^\s/>!?]+)/.exec(text.slice(start, Math.min(end, start + 200))) ?? [];
    if (name !== undefined) {
      if (closing === '/') depth -= 1;
      else if (depth === 1 && name === 'metadata') return text.slice(start, end);
      else if (!text.startsWith('/>', end - 2)) depth += 1;
      if (depth <= 0) throw new XmlProblem('has no <metadata> in its root element');
    } else if (!/^<[!?]/.test(text.slice(start, start + 2))) {
      throw new XmlProblem('is not well-formed XML');
    }
    at = end;
  }
}

/** Index behind the markup that starts at `start`; undefined when the text ends within it. */
function endOfMarkup(text: string, start: number): number | undefined {
  for (const [opening, closing] of [
    ['<!--', '-->'],
    ['<![CDATA[', ']]>'],
    ['<?', '?>'],
  ] as const) {
    if (text.startsWith(opening, start)) {
      const end = text.indexOf(closing, start + opening.length);
      return end === -1 ? undefined : end + closing.length;
    }
  }
  // A tag or a DOCTYPE: quoted text may hold `>`, the DOCTYPE's internal subset stands in brackets.
  let brackets = 0;
  for (let at = start + 1; at < text.length; at += 1) {
    const character = text[at];
    if (character === '"' || character === "'") {
      at = text.indexOf(character, at + 1);
      if (at === -1) return undefined;
    } else if (character === '[') brackets += 1;
    else if (character === ']') brackets -= 1;
    else if (character === '<' && brackets <= 0) throw new XmlProblem('is not well-formed XML');
    else if (character === '>' && brackets <= 0) return at + 1;
  }
  return undefined;
}

function parseMetadata(element: string, source: string): MeetingMetadata {
  const attributes = parseAttributes(element);
  // A copy: as part of the text that was read, a value of twenty characters would keep all of it in memory.
  const attribute = (name: string) => Buffer.from(attributes.get(name) ?? '').toString();
  return {
    origin: attribute('bbb-origin'),
    subDir: attribute('pilos-sub-spool-dir'),
    meetingName: attribute('meetingName'),
    externalId: attribute('meetingId'),
    source,
  };
}

/** Attributes of a start tag, decoded; throws XmlProblem where XML would not allow them. */
function parseAttributes(tag: string): Map<string, string> {
  const attributes = new Map<string, string>();
  const attribute = /\s+([^\s=<>"'/]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/y;
  attribute.lastIndex = '<metadata'.length;
  let end = attribute.lastIndex;
  for (let match = attribute.exec(tag); match !== null; match = attribute.exec(tag)) {
    const [, name = '', doubleQuoted, singleQuoted] = match;
    if (attributes.has(name)) throw new XmlProblem('is not well-formed XML (an attribute stands twice)');
    attributes.set(name, decodeEntities(doubleQuoted ?? singleQuoted ?? ''));
    end = attribute.lastIndex;
  }
  if (!/^\s*\/?>$/.test(tag.slice(end)))
    throw new XmlProblem('is not well-formed XML (attributes of <metadata>)');
  return attributes;
}

/** Never blocks, as a plain open of a FIFO would. */
export function openRegularFile(file: string): number {
  const descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  if (fstatSync(descriptor).isFile()) return descriptor;
  closeSync(descriptor);
  throw new XmlProblem('is not a regular file');
}

const namedEntities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** Decodes XML's five predefined entities and character references; any other stays as it is written. */
export function decodeEntities(text: string): string {
  return text.replace(
    /&(?:#x([0-9A-Fa-f]{1,6})|#([0-9]{1,7})|(amp|lt|gt|quot|apos));/g,
    (whole, hex, decimal, name) => {
      if (name !== undefined) return namedEntities[name] ?? whole;
      const code = hex === undefined ? Number.parseInt(decimal, 10) : Number.parseInt(hex, 16);
      return code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff)
        ? String.fromCodePoint(code)
        : whole;
    },
  );
}
