/** `work_dir`: temporary files of this run, each under a name that says whether its run is still alive. */
import { mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { errnoName, translateErrno, withErrnoTranslated } from './errno.ts';
import { createRunToken, isAbandoned } from './run-token.ts';

/** Creates `work_dir` when it is missing, as PILOS' Ruby script does, and the directory for temporary files in it. */
function temporaryDirectory(workDir: string): string {
  const directory = `${workDir}/tmp`;
  withErrnoTranslated(`cannot create work_dir ${workDir}`, () => makeDirectories(directory));
  return directory;
}

/** Not with `recursive: true`, which says ENOENT for a read-only file system. */
function makeDirectories(path: string): void {
  try {
    makeDirectory(path);
  } catch (error) {
    if (errnoName(error) !== 'ENOENT' || path === '/') throw error;
    makeDirectories(dirname(path));
    makeDirectory(path);
  }
}

function makeDirectory(path: string): void {
  try {
    mkdirSync(path, { mode: 0o755 });
  } catch (error) {
    if (errnoName(error) !== 'EEXIST' || !statSync(path, { throwIfNoEntry: false })?.isDirectory())
      throw error;
  }
}

/** A path in `work_dir` that no other run uses; nothing is created but the directory around it. */
export function temporaryPath(workDir: string): string {
  return `${temporaryDirectory(workDir)}/${createRunToken()}`;
}

/** Removes what killed runs left in `work_dir`; returns the names. Never fails: it is only tidying. */
export function removeAbandonedWorkFiles(workDir: string): string[] {
  try {
    const directory = `${workDir}/tmp`;
    const abandoned = readdirSync(directory).filter((name) => {
      const stats = statSync(`${directory}/${name}`, { throwIfNoEntry: false });
      return stats !== undefined && isAbandoned(name, Date.now() - stats.mtimeMs);
    });
    for (const name of abandoned) rmSync(`${directory}/${name}`, { recursive: true, force: true });
    return abandoned;
  } catch (error) {
    if (errnoName(error) === undefined) throw translateErrno(error, `cannot tidy ${workDir}`);
    return [];
  }
}

/** Writes a file of `work_dir`: readers see the old text or the new one, never half of it; a crash of the machine may lose the new one. */
export function replaceFile(workDir: string, file: string, text: string): void {
  const temporary = temporaryPath(workDir);
  try {
    writeFileSync(temporary, text, { mode: 0o644 });
    try {
      renameSync(temporary, file);
    } catch (error) {
      if (errnoName(error) !== 'ENOENT') throw error;
      makeDirectories(file.slice(0, file.lastIndexOf('/')));
      renameSync(temporary, file);
    }
  } finally {
    rmSync(temporary, { force: true });
  }
}
