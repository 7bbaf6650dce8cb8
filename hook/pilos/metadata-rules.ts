/**
 * Which `metadata.xml` PILOS' importer can take, and files where it belongs; measured with its import job (4.1) and
 * SimpleXML. What it would refuse after an hour, or import in the wrong place without a word, is an error here.
 */
import { isUtf8 } from 'node:buffer';
import type { CheckedMetadata } from '../archive/archive.ts';
import { EXIT, ExpectedError } from '../errors.ts';
import { escapeText, quote } from '../terminal/escape.ts';
import { findValue, identityOf, isPlayable, readValue } from './metadata-values.ts';
import {
  findElement,
  NotWellFormed,
  parseStrictXml,
  replaceContents,
  trimXml,
  type XmlElement,
} from './strict-xml.ts';

/** What the file must agree with. */
export interface ExpectedMetadata {
  recordId: string;
  format: string;
  /** For messages. */
  directory: string;
  /** Gives the id by which PILOS knows the meeting, where that is not the one in the file. */
  mapMeetingId?: ((meetingId: string) => string) | undefined;
}

/** Those that PILOS compares, or makes paths and addresses of: white space around them breaks the import or the player. */
const mustBeTrimmed = ['id', 'meetingId', 'format', 'link'] as const;

/**
 * Checks a published `metadata.xml`, for `planArchive`.
 *
 * White space around its values, as BBB's pretty printer adds it on `publishRecordings`, is removed in the content
 * that is returned, with a notice; so is a meeting id replaced that `mapMeetingId` changes.
 *
 * @throws ExpectedError (65), with a code that begins with `metadata_`
 */
export function validateMetadata(bytes: Buffer, expected: ExpectedMetadata): CheckedMetadata {
  const file = `${expected.directory}/metadata.xml`;
  const text = decode(bytes, file);
  const root = parse(text, file);
  validateValues(root, expected, file);
  const trimmed = mustBeTrimmed.some((key) => isUntrimmed(findValue(root, key)));
  const replacements = new Map([...(trimmed ? trimAll(root, file) : []), ...mapMeeting(root, expected)]);
  return {
    content: replacements.size === 0 ? bytes : Buffer.from(replaceContents(text, replacements)),
    identity: identityOf(root, expected.mapMeetingId),
    notice: trimmed
      ? `${file} has white space around its values, with which PILOS could not play the recording: removed in the archive, the file stays as it is`
      : undefined,
  };
}

function decode(bytes: Buffer, file: string): string {
  const text = bytes.toString();
  const [, encoding = 'UTF-8'] = /^\uFEFF?<\?xml[^>]*?encoding\s*=\s*["']([^"']*)/.exec(text) ?? [];
  if (isUtf8(bytes) && /^(utf-?8|us-ascii|ascii)$/i.test(encoding)) return text.replace(/^\uFEFF/, '');
  const what = isUtf8(bytes) ? `says that it is in ${quote(encoding)}, not in UTF-8` : 'is not valid UTF-8';
  throw unusable('metadata_not_utf8', `${file} ${what}`, 'PILOS could not read it');
}

function parse(text: string, file: string): XmlElement {
  try {
    return parseStrictXml(text);
  } catch (error) {
    if (!(error instanceof NotWellFormed)) throw error;
    const where = escapeText(error.message).slice(0, 200);
    throw unusable(
      'metadata_not_well_formed',
      `${file} is not well-formed XML (${where})`,
      'PILOS could not read it',
    );
  }
}

function isUntrimmed(element: XmlElement | undefined): boolean {
  return element !== undefined && element.text !== trimXml(element.text);
}

function validateValues(root: XmlElement, { recordId, format }: ExpectedMetadata, file: string): void {
  const wrongPlace = 'PILOS would put it in the wrong place';
  if (findElement(root, 'playback') === undefined)
    throw unusable('metadata_playback_missing', `${file} has no <playback>`, wrongPlace);
  const agreeing = [
    ['id', 'id', recordId],
    ['format', 'playback format', format],
  ] as const;
  for (const [key, title, wanted] of agreeing) {
    const value = readValue(root, key);
    if (value === wanted) continue;
    if (value === '') throw unusable(`metadata_${key}_missing`, `${file} has no ${title}`, wrongPlace);
    throw refuse(
      `metadata_${key}_mismatch`,
      `${file} has the ${title} ${quote(value)}, but belongs to ${quote(wanted)}`,
      `PILOS would import it as ${quote(value)}; find out which of the two is right, and correct the file or the name of its directory`,
    );
  }
  if (readValue(root, 'meetingId') === '') {
    throw unusable(
      'metadata_meeting_id_missing',
      `${file} has no meetingId in its <meta>`,
      'PILOS would find no room for it',
    );
  }
  const link = readValue(root, 'link');
  if (isPlayable(link)) return;
  const what = link === '' ? 'has no playback link' : `has the playback link ${quote(link)}, without a path`;
  throw unusable('metadata_link_without_path', `${file} ${what}`, 'PILOS could not make its own link of it');
}

/** All values, not only those that PILOS reads: the player reads others. */
function trimAll(root: XmlElement, file: string): [XmlElement, string][] {
  for (const key of mustBeTrimmed) {
    const element = findValue(root, key);
    if (element === undefined || element.children.length === 0) continue;
    throw unusable(
      'metadata_not_plain',
      `${file} has an element in its <${element.name}>`,
      'PILOS takes text only',
    );
  }
  return leavesOf(root)
    .filter((leaf) => isUntrimmed(leaf) && trimXml(leaf.text) !== '')
    .map((element) => [element, trimXml(element.text)]);
}

function leavesOf(element: XmlElement): XmlElement[] {
  return element.children.length === 0 ? [element] : element.children.flatMap(leavesOf);
}

function mapMeeting(root: XmlElement, { mapMeetingId }: ExpectedMetadata): [XmlElement, string][] {
  const element = findValue(root, 'meetingId');
  const value = mapMeetingId?.(readValue(root, 'meetingId'));
  return element === undefined || value === undefined || value === element.text ? [] : [[element, value]];
}

function refuse(code: string, message: string, fix: string): ExpectedError {
  return new ExpectedError(message, { code, exitStatus: EXIT.data, fix });
}

function unusable(code: string, message: string, consequence: string): ExpectedError {
  return refuse(
    code,
    message,
    `${consequence}; restore metadata.xml from a backup, or publish the recording again with 'bbb-record --rebuild'`,
  );
}
