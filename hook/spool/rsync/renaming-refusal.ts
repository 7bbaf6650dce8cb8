/**
 * A server that does not let us rename (`rrsync -no-del` or `-no-overwrite`): remembered in `<work_dir>/hosts/`, or each
 * call would find it out anew, with `-no-overwrite` only after the archive was sent.
 */
import { readFileSync } from 'node:fs';
import { attempt, ExpectedError } from '../../errors.ts';
import { replaceFile } from '../../system/work-dir.ts';
import { hostFile } from '../host-state.ts';
import type { SpoolWatcher } from '../spool.ts';

export interface RenamingRefusal {
  /** Whether the server is known to refuse; says what that costs, once in a run. */
  isKnown(watcher: SpoolWatcher): boolean;
  remember(warning: string, watcher: SpoolWatcher): void;
}

/** Milliseconds: a key may be corrected, and with a better one a cut transfer resumes. */
const patience = 24 * 3600_000;

export function openRenamingRefusal(workDir: string, destination: string): RenamingRefusal {
  const file = hostFile(workDir, destination, '-renaming');
  let isKnown: boolean | undefined;
  return {
    isKnown: (watcher) => {
      if (isKnown !== undefined) return isKnown;
      const warning = readWarning(file, destination);
      if (warning !== undefined) watcher.warn(warning);
      isKnown = warning !== undefined;
      return isKnown;
    },
    remember: (warning, watcher) => {
      const known = { destination, at: Date.now(), warning };
      const noted = attempt(() => replaceFile(workDir, file, `${JSON.stringify(known)}\n`));
      if (noted instanceof ExpectedError) watcher.debug(noted.message);
    },
  };
}

function readWarning(file: string, expected: string): string | undefined {
  try {
    const { destination, at, warning } = JSON.parse(readFileSync(file).toString()) as Record<string, unknown>;
    if (destination !== expected || typeof at !== 'number' || typeof warning !== 'string') return undefined;
    const age = Date.now() - at;
    return age >= 0 && age < patience ? warning : undefined;
  } catch {
    return undefined;
  }
}
