/**
 * Whose meeting is it, and which sub directory does it ask for? The answer stands in the first few KB of
 * BBB's `events.xml`, or, once BBB has deleted that file, in the published `metadata.xml`.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { XMLParser } from 'fast-xml-parser';
import { EXIT, ExpectedError, errnoName, escapeText } from './errors.ts';

export interface MeetingMetadata {
  /** Value of `bbb-origin`, `''` when the meeting has none. */
  origin: string;
  /** Value of `pilos-sub-spool-dir`, as written by an API client: hostile until validated. */
  subDir: string;
  meetingName: string;
  /** The file that told. */
  source: string;
}

/** How far into `events.xml` we look for its `<metadata>`, and the largest `metadata.xml` that we read. */
const headLimit = 1024 * 1024;
const firstRead = 16 * 1024;

/**
 * @param eventsFile `<recording_dir>/raw/<meeting id>/events.xml`
 * @param metadataFiles lists the `metadata.xml` of each published format; asked only when needed
 * @param warn is told why `events.xml` did not serve
 * @throws ExpectedError (65) when no file tells
 */
export function readMeetingMetadata(
  eventsFile: string,
  metadataFiles: () => readonly string[],
  warn: (message: string) => void,
): MeetingMetadata {
  const reasons: string[] = [];
  const told = tryRead(eventsFile, readEventsHead, reasons);
  if (told !== undefined) return told;
  for (const file of metadataFiles()) {
    const metadata = tryRead(file, readPublishedMetadata, reasons);
    if (metadata === undefined) continue;
    warn(`${reasons.join('; ')}: the metadata was taken from ${file}`);
    return metadata;
  }
  throw new ExpectedError(`nothing tells which front end the meeting belongs to: ${reasons.join('; ')}`, {
    exitStatus: EXIT.data,
    remedy: "restore metadata.xml from a backup, or publish the recording again with 'bbb-record --rebuild'",
  });
}

function tryRead<T>(file: string, read: (file: string) => T, reasons: string[]): T | undefined {
  try {
    return read(file);
  } catch (error) {
    reasons.push(`${file} ${reasonOf(error)}`);
    return undefined;
  }
}

/** Why a file could not tell; only our own findings and system calls' errors, anything else is a bug. */
function reasonOf(error: unknown): string {
  if (error instanceof XmlProblem) return error.message;
  const name = errnoName(error);
  if (name === 'ENOENT') return 'does not exist';
  if (name?.startsWith('E')) return `cannot be read (${name})`;
  throw error;
}

class XmlProblem extends Error {}

/** Reads `events.xml` up to the end of its `<metadata …>` and not further. */
function readEventsHead(file: string): MeetingMetadata {
  const descriptor = openRegularFile(file);
  try {
    const buffer = Buffer.allocUnsafe(headLimit);
    let length = 0;
    for (;;) {
      const wanted = length === 0 ? firstRead : Math.min(length * 3, headLimit - length);
      const read = readSync(descriptor, buffer, length, wanted, null);
      length += read;
      const element = findMetadataElement(buffer.toString('utf8', 0, length));
      if (element !== undefined) return parseEventsMetadata(element, file);
      if (read === 0) throw new XmlProblem('ends before its <metadata> is complete');
      if (length >= headLimit) throw new XmlProblem(`has no <metadata> in its first ${headLimit} bytes`);
    }
  } finally {
    closeSync(descriptor);
  }
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

// Entities are decoded by `decodeEntities` alone, so that none of a DTD can ever be expanded.
const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  parseAttributeValue: false,
  parseTagValue: false,
  trimValues: false,
  processEntities: false,
  ignoreDeclaration: true,
  ignorePiTags: true,
});

function parseXml(text: string): Record<string, unknown> {
  try {
    return parser.parse(text, true);
  } catch (error) {
    throw new XmlProblem(
      `is not well-formed XML (${escapeText(String((error as Error).message)).slice(0, 200)})`,
    );
  }
}

function parseEventsMetadata(element: string, source: string): MeetingMetadata {
  const closed = element.endsWith('/>') ? element : `${element}</metadata>`;
  const attributes = child(parseXml(closed), 'metadata');
  const attribute = (name: string) => textOf(attributes, `@${name}`);
  return {
    origin: attribute('bbb-origin'),
    subDir: attribute('pilos-sub-spool-dir'),
    meetingName: attribute('meetingName'),
    source,
  };
}

/** What a published format's `metadata.xml` says. */
export interface PublishedMetadata extends MeetingMetadata {
  /** Milliseconds since 1970, undefined when the file does not tell. */
  startTime: number | undefined;
}

/** Reads `<published_dir>/<format>/<meeting id>/metadata.xml`. */
export function readPublishedMetadata(file: string): PublishedMetadata {
  const recording = child(parseXml(readLimited(file)), 'recording');
  const meta = child(recording, 'meta');
  if (meta === undefined) throw new XmlProblem('has no <recording> with a <meta> in it');
  const start = Number(textOf(recording, 'start_time'));
  return {
    origin: textOf(meta, 'bbb-origin'),
    subDir: textOf(meta, 'pilos-sub-spool-dir'),
    meetingName: textOf(meta, 'meetingName'),
    startTime: Number.isFinite(start) && start > 0 ? start : undefined,
    source: file,
  };
}

/** Never blocks, as a plain open of a FIFO would. */
function openRegularFile(file: string): number {
  const descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  if (fstatSync(descriptor).isFile()) return descriptor;
  closeSync(descriptor);
  throw new XmlProblem('is not a regular file');
}

function readLimited(file: string): string {
  const descriptor = openRegularFile(file);
  try {
    const buffer = Buffer.allocUnsafe(64 * 1024);
    const parts: string[] = [];
    const decoder = new TextDecoder();
    for (let length = 0; ; ) {
      const read = readSync(descriptor, buffer, 0, buffer.length, null);
      if (read === 0) break;
      length += read;
      if (length > headLimit) throw new XmlProblem(`is larger than ${headLimit} bytes`);
      parts.push(decoder.decode(buffer.subarray(0, read), { stream: true }));
    }
    return parts.join('') + decoder.decode();
  } finally {
    closeSync(descriptor);
  }
}

function child(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Record<string, unknown>)[name];
}

/** Text of an attribute or of an element without children; `''` when there is none. */
function textOf(parent: unknown, name: string): string {
  const value = child(parent, name) ?? '';
  if (typeof value === 'string') return decodeEntities(value);
  throw new XmlProblem(`has more than one ${name.replace('@', '')}, or one that is no plain text`);
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
