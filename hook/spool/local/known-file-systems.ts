/** Which file system each spool directory was on at its last delivery: `work_dir/spools.json`. */
import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { EXIT, ExpectedError } from '../../errors.ts';
import { withErrnoTranslated } from '../../system/errno.ts';
import { type FileSystem, isSameFileSystem, readFileSystem } from '../../system/file-system.ts';
import { replaceFile } from '../../system/work-dir.ts';

/** Directory, as pilos.yml and the meeting name it → its file system. */
type KnownFileSystems = Record<string, FileSystem>;

function readKnownFileSystems(workDir: string): KnownFileSystems {
  try {
    const read: unknown = JSON.parse(readFileSync(fileOf(workDir)).toString());
    const entries = Object.entries(read ?? {}).filter(([, one]) => isFileSystem(one));
    return Object.fromEntries(entries) as KnownFileSystems;
  } catch {
    return {};
  }
}

/** Does nothing when it is known. Throws what writing to `work_dir` does. */
export function rememberFileSystem(workDir: string, directory: string, now: FileSystem): void {
  const known = readKnownFileSystems(workDir);
  const before = known[directory];
  // An id that was not to be found before, as without udev, is added; one that is not to be found now stays.
  if (before !== undefined && isSameFileSystem(before, now) && (before.id ?? now.id) === before.id) return;
  const text = JSON.stringify({ ...known, [directory]: now }, null, 2);
  replaceFile(workDir, fileOf(workDir), `${text}\n`);
}

/**
 * Archives that lie on another file system than the last ones are seen by nobody, and those that were delivered
 * before look as if PILOS had taken them. Throws ExpectedError (73).
 */
export function checkFileSystem(workDir: string, directory: string, descriptor: number): void {
  const before = readKnownFileSystems(workDir)[directory];
  const now = before && readFileSystem(descriptor);
  if (before === undefined || now === undefined || isSameFileSystem(before, now)) return;
  throw new ExpectedError(
    `the spool directory ${directory} is not on the file system of the last delivery (${before.title}), but on ${now.title}`,
    {
      code: 'spool_file_system_changed',
      exitStatus: EXIT.spool,
      scope: 'spool',
      fix: "mount what was there; only if this one is right, confirm it once with 'pilos-post-publish deliver --confirm-mount'",
    },
  );
}

/** Takes what each directory is on now for right. @param onChange told first, and only of what is another one */
export function confirmFileSystems(
  workDir: string,
  onChange: (directory: string, now: FileSystem) => void,
): void {
  for (const [directory, before] of Object.entries(readKnownFileSystems(workDir))) {
    const now = withErrnoTranslated(`cannot open the spool directory ${directory}`, () =>
      readFileSystemAt(directory),
    );
    if (now === undefined || isSameFileSystem(before, now)) continue;
    onChange(directory, now);
    rememberFileSystem(workDir, directory, now);
  }
}

function readFileSystemAt(directory: string): FileSystem | undefined {
  const descriptor = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    return readFileSystem(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function fileOf(workDir: string): string {
  return `${workDir}/spools.json`;
}

function isFileSystem(value: unknown): boolean {
  const { title, family, id, isRoot } = (value ?? {}) as Record<string, unknown>;
  return (
    typeof title === 'string' &&
    typeof family === 'string' &&
    typeof isRoot === 'boolean' &&
    (id === undefined || typeof id === 'string')
  );
}
