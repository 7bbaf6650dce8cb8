/** How this program is started again. */
import { existsSync } from 'node:fs';
import { isSea } from 'node:sea';

/** Its executable, or Node with the main module. */
export function ownCommand(): string[] {
  if (isSea()) return [process.execPath];
  return [process.execPath, ...process.execArgv, ...process.argv.slice(1, 2)];
}

/**
 * For at once: the file that runs now, whatever its name stands for by then, and though BBB's user may not enter the
 * directory that it lies in, such as root's home.
 */
export function ownCommandNow(): string[] {
  const self = '/proc/self/exe';
  return existsSync(self) ? [self, ...ownCommand().slice(1)] : ownCommand();
}
