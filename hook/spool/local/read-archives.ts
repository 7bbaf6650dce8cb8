/** Which archives lie in a spool directory of this server, and which of them PILOS could not import. */
import { lstatSync, readdirSync } from 'node:fs';
import { errnoName, withErrnoTranslated } from '../../system/errno.ts';
import type { ArchivesSeen, EarlierRefusals } from '../spool.ts';
import type { OpenDirectory } from './directory.ts';

export function readArchivesIn(
  directory: OpenDirectory,
  names: readonly string[],
  earlier: EarlierRefusals = new Map(),
): ArchivesSeen {
  return withErrnoTranslated(`cannot read the spool directory ${directory.path}`, () => {
    // The directory first: PILOS moves archives from here to there, so none can be missed in between.
    const waiting = new Set(readdirSync(directory.inside('.')));
    const inPublic = readFolder(directory.inside('public'), names);
    const failed = readFolder(directory.inside('failed'), names);
    const failedPublic = readFolder(directory.inside('failed/public'), names);
    const isLater = (time: number | undefined, name: string) =>
      time !== undefined && time > (earlier.get(name) ?? Number.NEGATIVE_INFINITY);
    return {
      waiting: new Set(names.filter((name) => waiting.has(name) || inPublic.found.has(name))),
      refused: new Set(
        names.filter((name) => [failed, failedPublic].some(({ found }) => isLater(found.get(name), name))),
      ),
      failedDirectory: failed.state,
    };
  });
}

interface Folder {
  state: ArchivesSeen['failedDirectory'];
  /** Name → its time, milliseconds since 1970. */
  found: Map<string, number>;
}

const states: Record<string, Folder['state']> = {
  ENOENT: 'missing',
  ENOTDIR: 'not_a_directory',
  ELOOP: 'not_a_directory',
  EACCES: 'hidden',
};

function readFolder(path: string, names: readonly string[]): Folder {
  const found: Folder['found'] = new Map();
  try {
    // A directory is read anew, where NFS may answer for a single name from what it remembers.
    const listed = readNames(path);
    // May it at least be entered?
    if (listed === undefined) lstatSync(`${path}/.`);
    const present = new Set(listed ?? names);
    for (const name of names) {
      const stats = present.has(name) ? lstatSync(`${path}/${name}`, { throwIfNoEntry: false }) : undefined;
      if (stats !== undefined) found.set(name, stats.mtimeMs);
    }
    return { state: 'visible', found };
  } catch (error) {
    const state = states[errnoName(error) ?? ''];
    if (state === undefined) throw error;
    return { state, found };
  }
}

/** Undefined when the directory may not be listed: what it has may be known all the same. */
function readNames(path: string): string[] | undefined {
  try {
    return readdirSync(path);
  } catch (error) {
    if (errnoName(error) === 'EACCES') return undefined;
    throw error;
  }
}
