/** The command lines of the programs in `importer/`. */
import { join } from 'node:path';

/** How many imports PILOS runs at the same time. */
export const importWorkers = 3;

/** Where the PHP files lie in the project. */
export const importerScripts = join(import.meta.dirname, 'importer');

export interface ImporterSettings {
  spool: string;
  store: string;
  /** How long an import is tried that throws. An hour by default, as in PILOS. */
  retrySeconds?: number;
  pauseMilliseconds?: number;
  /** Without it, one round. */
  intervalSeconds?: number;
  memoryLimit?: string;
}

/** @param scripts a directory with the PHP files, for the user who runs it */
export function importerCommand(scripts: string, settings: ImporterSettings): string[] {
  const { memoryLimit = '128M', ...given } = settings;
  const defaults = {
    workers: importWorkers,
    retrySeconds: 3600,
    pauseMilliseconds: 0,
    intervalSeconds: null,
  };
  const php = ['php', '-d', `memory_limit=${memoryLimit}`, '-d', 'display_errors=stderr'];
  return [...php, join(scripts, 'importer.php'), JSON.stringify({ ...defaults, ...given })];
}

/** @param action what `admin.php` takes behind the store */
export function adminCommand(scripts: string, store: string, ...action: string[]): string[] {
  return ['php', join(scripts, 'admin.php'), store, ...action];
}
