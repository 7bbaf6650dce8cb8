/** Files that lie in a spool directory for as long as a run writes them: their names, and what killed runs leave. */
import { readdirSync, statSync, unlinkSync } from 'node:fs';
import { withErrnoTranslated } from '../../system/errno.ts';
import { createRunToken, isAbandoned } from '../../system/run-token.ts';
import type { OpenDirectory } from './directory.ts';

/** PILOS takes what ends in `.tar`. */
export function temporaryName(archive: string): string {
  return `.${archive}.${createRunToken()}`;
}

export function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // gone, or not reachable any more: the next run tries again
  }
}

/** Name of a file that `check` delivers, before its run's token. */
export const probeName = '.pilos-post-publish-check';
/** Archives that are being written, and what `check` has written, with their run's token. */
const abandonable = [/^\.[^.].*\.tar\.(.+)$/, /^\.{1,2}pilos-post-publish-check\.((?:\w+\.){4}\w+)/];

/** Removes temporary files of killed runs; those of living runs, here or on another server, stay. */
export function removeAbandoned(directory: OpenDirectory, warn: (message: string) => void): void {
  const names = withErrnoTranslated(`cannot read the spool directory ${directory.path}`, () =>
    readdirSync(directory.inside('.')),
  );
  for (const name of names) {
    const token = abandonable.map((pattern) => pattern.exec(name)?.[1]).find((found) => found !== undefined);
    if (token === undefined) continue;
    const stats = statSync(directory.inside(name), { throwIfNoEntry: false });
    if (stats === undefined || !isAbandoned(token, Date.now() - stats.mtimeMs)) continue;
    remove(directory.inside(name));
    warn(`removed ${directory.path}/${name}, which a killed run left behind`);
  }
}
