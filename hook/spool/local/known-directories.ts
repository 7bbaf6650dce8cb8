/** Which directory each spool directory was at its last delivery, and on which file system: `work_dir/spools.json`. */
import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { EXIT, ExpectedError } from '../../errors.ts';
import { errnoName, withErrnoTranslated } from '../../system/errno.ts';
import { type FileSystem, isSameFileSystem, readFileSystem } from '../../system/file-system.ts';
import { replaceFile } from '../../system/work-dir.ts';
import { type DirectoryId, isSameDirectory, readDirectoryId } from './directory-id.ts';

interface KnownDirectory extends FileSystem {
  directory?: DirectoryId;
  /** Since when it is this one, ISO 8601, UTC: what was delivered before lies in another one. Absent: from the first. */
  since?: string | undefined;
}

/** Directory, as pilos.yml and the meeting name it → what it was. */
type KnownDirectories = Record<string, KnownDirectory>;

function readKnownDirectories(workDir: string): KnownDirectories {
  try {
    const read: unknown = JSON.parse(readFileSync(fileOf(workDir)).toString());
    const entries = Object.entries(read ?? {}).filter(([, one]) => isKnownDirectory(one));
    return Object.fromEntries(entries) as KnownDirectories;
  } catch {
    return {};
  }
}

/** After a delivery. Does nothing when it is known. Throws what writing to `work_dir` does. */
export function rememberDirectory(workDir: string, name: string, descriptor: number): void {
  const before = readKnownDirectories(workDir)[name];
  const now = readDirectory(descriptor);
  if (now === undefined) return;
  const since = before && readSince(before, now);
  // Of the same one, what is not to be found now, as an id without udev, stays.
  const known = since === before?.since ? { ...before, ...now } : { ...now, since };
  if (JSON.stringify(known) !== JSON.stringify(before)) write(workDir, name, known);
}

/**
 * Archives that were delivered before this moment (ISO 8601) went into another directory of the same name, on the same
 * file system: it was exchanged since. That they are gone from here does not say that PILOS has taken them. Undefined when
 * it is the same as ever.
 */
export function readExchange(workDir: string, name: string, descriptor: number): string | undefined {
  const before = readKnownDirectories(workDir)[name];
  const now = before && readDirectory(descriptor);
  return before && now && readSince(before, now);
}

/** As {@link readExchange}, of a directory that is opened for it. */
export function readExchangeAt(workDir: string, name: string): string | undefined {
  return withDescriptor(name, (descriptor) => readExchange(workDir, name, descriptor));
}

/** Now, when it is another one. */
function readSince(before: KnownDirectory, now: KnownDirectory): string | undefined {
  return isSameDirectory(before.directory, now.directory) ? before.since : new Date().toISOString();
}

/**
 * Archives that lie on another file system than the last ones are seen by nobody, and those that were delivered
 * before look as if PILOS had taken them. Throws ExpectedError (73).
 */
export function checkFileSystem(workDir: string, name: string, descriptor: number): void {
  const before = readKnownDirectories(workDir)[name];
  const now = before && readFileSystem(descriptor);
  if (before === undefined || now === undefined || isSameFileSystem(before, now)) return;
  throw new ExpectedError(
    `the spool directory ${name} is not on the file system of the last delivery (${before.title}), but on ${now.title}`,
    {
      code: 'spool_file_system_changed',
      exitStatus: EXIT.spool,
      scope: 'spool',
      fix: "mount what was there; only if this one is right, confirm it once with 'pilos-post-publish deliver --confirm-mount'",
    },
  );
}

/** What a spool directory is now, of which something was delivered to another one. */
export interface Exchange {
  /** As pilos.yml and the meeting name it. */
  name: string;
  now: FileSystem;
  /** What was delivered before, ISO 8601, went into the other one. */
  since: string;
}

/**
 * Takes what each directory is now for right. One that is not there any more, as when `spool_dir` is another path now, is
 * passed over.
 *
 * @param onExchange called first, and only of another one
 */
export function confirmDirectories(workDir: string, onExchange: (exchange: Exchange) => void): void {
  for (const [name, before] of Object.entries(readKnownDirectories(workDir))) {
    const now = withErrnoTranslated(`cannot open the spool directory ${name}`, () => readDirectoryAt(name));
    if (now === undefined) continue;
    const isOther = !isSameFileSystem(before, now);
    // Nothing was delivered to another file system: that is refused.
    const since = isOther ? new Date().toISOString() : readSince(before, now);
    if (since === undefined) continue;
    onExchange({ name, now, since });
    write(workDir, name, now);
  }
}

function readDirectoryAt(path: string): KnownDirectory | undefined {
  try {
    return withDescriptor(path, readDirectory);
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function withDescriptor<T>(path: string, action: (descriptor: number) => T): T {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    return action(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function readDirectory(descriptor: number): KnownDirectory | undefined {
  const fileSystem = readFileSystem(descriptor);
  const directory = fileSystem && readDirectoryId(descriptor, fileSystem.type);
  return fileSystem && { ...fileSystem, ...(directory === undefined ? {} : { directory }) };
}

function write(workDir: string, name: string, one: KnownDirectory): void {
  const text = JSON.stringify({ ...readKnownDirectories(workDir), [name]: one }, null, 2);
  replaceFile(workDir, fileOf(workDir), `${text}\n`);
}

function fileOf(workDir: string): string {
  return `${workDir}/spools.json`;
}

function isKnownDirectory(value: unknown): boolean {
  const { title, family, id, isRoot, since, directory } = (value ?? {}) as Record<string, unknown>;
  const { inode, born } = (directory ?? {}) as Record<string, unknown>;
  const isText = (one: unknown) => typeof one === 'string';
  return (
    [title, family].every(isText) &&
    typeof isRoot === 'boolean' &&
    (directory === undefined || isText(inode)) &&
    [id, since, born].every((one) => one === undefined || isText(one))
  );
}
