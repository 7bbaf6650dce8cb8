/** What a PILOS has: its database and its files, read from outside. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { contentDigest } from '../files/content-digest.ts';

/** A format of a recording in PILOS' database. */
export interface StoredFormat {
  id: string;
  format: string;
  meetingId: string;
  /** Who may see the recording. */
  access: 'owner' | 'everyone';
  /** The link of its metadata without the host. */
  url: string;
  /** Its files; they need not be there. */
  directory: string;
  /** Of its files, see {@link contentDigest}; undefined without any. */
  digest: string | undefined;
  /** Whether a user who opens it sees it, and no error. */
  isPlayable: boolean;
}

interface Recording {
  id: string;
  meetingId: string;
  access: 'owner' | 'everyone';
  /** Links of its formats; PHP writes an empty list without any. */
  formats: Record<string, string> | [];
}

function readRecordings(store: string): Recording[] {
  const directory = join(store, 'database/recordings');
  const files = existsSync(directory) ? readdirSync(directory) : [];
  return files
    .map((file) => JSON.parse(readFileSync(join(directory, file), 'utf8')) as Recording)
    .sort((one, other) => (one.id < other.id ? -1 : 1));
}

/** Ids of recordings, those without a format too, sorted. */
export function readRecordingIds(store: string): string[] {
  return readRecordings(store).map(({ id }) => id);
}

export function readFormats(store: string): StoredFormat[] {
  return readRecordings(store).flatMap(({ id, meetingId, access, formats }) =>
    Object.entries(formats).map(([format, url]) => {
      const directory = join(store, 'recordings', id, format);
      const isPlayable = isFormatPlayable(join(store, 'recordings'), id, format, url);
      return { id, format, meetingId, access, url, directory, digest: contentDigest(directory), isPlayable };
    }),
  );
}

/**
 * BBB's player is given the id and finds the presentation by itself. Of every other format the link must have the
 * id in it, and what follows there must be among the format's files. White space does not survive an address.
 */
function isFormatPlayable(recordings: string, id: string, format: string, url: string): boolean {
  const isAddress = [id, format].every((part) => part !== '' && part.trim() === part);
  if (!isAddress) return false;
  if (format === 'presentation') return existsSync(join(recordings, id, format, 'metadata.xml'));
  const start = url.indexOf(`${id}/`);
  return start >= 0 && existsSync(join(recordings, id, format, url.slice(start + id.length + 1)));
}

/** Paths of files below a directory of PILOS, relative to it, sorted; none without it. */
export function listFilesBelow(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .sort();
}
