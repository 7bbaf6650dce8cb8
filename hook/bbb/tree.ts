/**
 * A directory of BBB's with `FORMAT/RECORD_ID/` in it: `published_dir`, and `unpublished` and `deleted` beside it.
 * What else lies there is no recording: it is passed over, and named by {@link readStrayEntries}.
 */
import { accessSync, constants, lstatSync, readdirSync, statSync } from 'node:fs';
import { errnoName } from '../system/errno.ts';
import { type Format, isBbbRecordId, isCopyOfRecord, isFormat, isRecordId, type RecordId } from './ids.ts';

/** Names of the formats, sorted; throws the error of the system call when the directory cannot be read. */
export function readFormatNames(tree: string): Format[] {
  return readdirSync(tree)
    .filter(isFormat)
    .filter((name) => whyNoFormat(tree, name) === undefined)
    .sort();
}

/**
 * Names of the recordings of a format that `isWanted`, sorted; there may be tens of thousands of others. Throws the
 * error of the system call when the directory cannot be read.
 */
export function readRecordNames(
  tree: string,
  format: Format,
  isWanted: (id: RecordId) => boolean = () => true,
): RecordId[] {
  const directory = `${tree}/${format}`;
  return readdirSync(directory)
    .filter(isRecordId)
    .filter((name) => isWanted(name) && whyNoRecording(directory, name) === undefined)
    .sort();
}

/** Why an entry of the directory is no format of BBB's; undefined for one that is. */
export function whyNoFormat(tree: string, name: string): string | undefined {
  if (!isFormatName(name)) return 'not the name of a format';
  return whyNoDirectory(`${tree}/${name}`) ?? whyUnreadable(`${tree}/${name}`);
}

/** Why a directory that has the name of a format, and so may have recordings in it, cannot be read; else undefined. */
export function whyUnreadableFormat(tree: string, name: string): string | undefined {
  const path = `${tree}/${name}`;
  return isFormatName(name) && whyNoDirectory(path) === undefined ? whyUnreadable(path) : undefined;
}

/** BBB names a format after the script that makes it; an admin's copy is `presentation.old`. */
function isFormatName(name: string): boolean {
  return isFormat(name) && !name.includes('.');
}

/** Why an entry of a format's directory is no recording; undefined for one that is. */
export function whyNoRecording(directory: string, name: string): string | undefined {
  const path = `${directory}/${name}`;
  const metadata = `${path}/metadata.xml`;
  if (isBbbRecordId(name)) {
    // One system call for nearly all of them. What may not be read is one: its delivery fails, and says why.
    if (statOrReason(metadata) === undefined) return undefined;
    return whyNoDirectory(path) ?? (isEmpty(path) ? emptyDirectory : undefined);
  }
  if (!isRecordId(name)) return 'not the id of a recording';
  if (isCopyOfRecord(name)) return 'a copy of a recording';
  // Ids of other forms exist; what has no metadata.xml is anything.
  const reason = whyNoDirectory(path) ?? whyUnreadable(path);
  return reason ?? (statOrReason(metadata) === undefined ? undefined : 'without a metadata.xml');
}

const emptyDirectory = 'an empty directory';

/**
 * True when something is in the place of a recording, such as a link to a disk that is not mounted, or may be there, in
 * a directory that we may not enter.
 */
export function isOccupied(tree: string, format: Format, recordId: RecordId): boolean {
  const directory = `${tree}/${format}`;
  try {
    if (lstatSync(`${directory}/${recordId}`, { throwIfNoEntry: false }) === undefined) return false;
  } catch (error) {
    if (errnoName(error) === undefined) throw error;
    return errnoName(error) !== 'ENOTDIR';
  }
  return whyNoRecording(directory, recordId) !== emptyDirectory;
}

function whyNoDirectory(path: string): string | undefined {
  const reason = statOrReason(path);
  if (reason !== undefined) return reason;
  return statSync(path).isDirectory() ? undefined : 'not a directory';
}

function whyUnreadable(path: string): string | undefined {
  try {
    accessSync(path, constants.R_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    return `cannot be read (${errnoName(error)})`;
  }
}

function statOrReason(path: string): string | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false }) === undefined ? 'a link to nothing' : undefined;
  } catch (error) {
    return errnoName(error) === 'ELOOP' ? 'a loop of links' : `cannot be read (${errnoName(error)})`;
  }
}

function isEmpty(path: string): boolean {
  try {
    return readdirSync(path).length === 0;
  } catch {
    return false;
  }
}
