/**
 * Whose meeting is it, and which sub directory does it ask for? The answer stands in the first few KB of
 * BBB's `events.xml`, or, once BBB has deleted that file, in the published `metadata.xml`.
 */
import { closeSync, readSync } from 'node:fs';
import { XMLParser } from 'fast-xml-parser';
import { EXIT, ExpectedError } from '../errors.ts';
import { errnoName, translateErrno } from '../system/errno.ts';
import { escapeText } from '../terminal/escape.ts';
import {
  attemptRead,
  decodeEntities,
  headLimit,
  type MeetingMetadata,
  openRegularFile,
  readEvents,
  XmlProblem,
} from './events-head.ts';

/**
 * Reads whose meeting it is from `events.xml`, or else from the first published `metadata.xml` that says.
 *
 * @param eventsFile `<recording_dir>/raw/<meeting id>/events.xml`
 * @param metadataFiles lists the `metadata.xml` of each published format; asked only when needed
 * @param warn is given the reason why `events.xml` did not serve
 * @throws ExpectedError (65) when no file says
 */
export function readMeetingMetadata(
  eventsFile: string,
  metadataFiles: () => readonly string[],
  warn: (message: string) => void,
): MeetingMetadata {
  const events = readEvents(eventsFile);
  return 'unreadable' in events ? readFirstPublished(metadataFiles(), events.unreadable, warn) : events;
}

/** The first of these `metadata.xml` that says whose it is; `unreadable` is why `events.xml` does not. */
export function readFirstPublished(
  files: readonly string[],
  unreadable: string,
  warn: (message: string) => void,
): MeetingMetadata {
  const reasons = [unreadable];
  for (const file of files) {
    const metadata = attemptRead(file, readPublishedMetadata);
    if (!('unreadable' in metadata)) {
      warn(`${reasons.join('; ')}: the metadata was taken from ${file}`);
      return metadata;
    }
    reasons.push(metadata.unreadable);
  }
  throw new ExpectedError(`no file says which front end the meeting belongs to: ${reasons.join('; ')}`, {
    code: 'metadata_unreadable',
    exitStatus: EXIT.data,
    fix: "restore metadata.xml from a backup, or publish the recording again with 'bbb-record --rebuild'",
  });
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

/** What a published format's `metadata.xml` says. */
export interface PublishedMetadata extends MeetingMetadata {
  /** Milliseconds since 1970, undefined when the file does not say. */
  startTime: number | undefined;
}

/** Reads `<published_dir>/<format>/<meeting id>/metadata.xml`. */
export function readPublishedMetadata(file: string): PublishedMetadata {
  return publishedMetadataOf(readRecording(file), file);
}

/** What PILOS' importer reads, beside what a delivery needs. */
export interface ImportedMetadata extends PublishedMetadata {
  /** Under which PILOS keeps the recording. */
  recordId: string;
  /** False for one that somebody has hidden in its front end. */
  isPublished: boolean;
  /** What the front end noted under a key; `''` for nothing. */
  readMeta(key: string): string;
}

/** Reads the same file for a recording of which nothing else says that. @throws ExpectedError when it does not either */
export function readImportedMetadata(file: string): ImportedMetadata {
  try {
    const { recording, meta } = readRecording(file);
    return {
      ...publishedMetadataOf({ recording, meta }, file),
      recordId: textOf(recording, 'id'),
      isPublished: textOf(recording, 'state').trim() !== 'unpublished',
      readMeta: (key) => textOf(meta, key),
    };
  } catch (error) {
    const isXml = error instanceof XmlProblem;
    if (!isXml && errnoName(error) !== 'ENOENT') throw translateErrno(error, `cannot read ${file}`);
    throw new ExpectedError(`${file} ${isXml ? error.message : 'does not exist'}`, {
      code: isXml ? 'metadata_unusable' : 'metadata_missing',
      exitStatus: EXIT.data,
      fix: "restore it from a backup, or publish the recording again with 'bbb-record --rebuild'",
      cause: error,
    });
  }
}

interface RecordingElement {
  recording: unknown;
  meta: unknown;
}

function readRecording(file: string): RecordingElement {
  const recording = child(parseXml(readLimited(file)), 'recording');
  const meta = child(recording, 'meta');
  if (meta === undefined) throw new XmlProblem('has no <recording> with a <meta> in it');
  return { recording, meta };
}

function publishedMetadataOf({ recording, meta }: RecordingElement, file: string): PublishedMetadata {
  const start = Number(textOf(recording, 'start_time'));
  return {
    origin: textOf(meta, 'bbb-origin'),
    subDir: textOf(meta, 'pilos-sub-spool-dir'),
    meetingName: textOf(meta, 'meetingName'),
    externalId: textOf(meta, 'meetingId'),
    startTime: Number.isFinite(start) && start > 0 ? start : undefined,
    source: file,
  };
}

/** Shared by all calls, which are synchronous. */
let readBuffer: Buffer | undefined;

function readLimited(file: string): string {
  const descriptor = openRegularFile(file);
  try {
    readBuffer ??= Buffer.allocUnsafeSlow(64 * 1024);
    const buffer = readBuffer;
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
