/** How this program is started again. */
import { isSea } from 'node:sea';

/** Its executable, or Node with the main module. */
export function ownCommand(): string[] {
  if (isSea()) return [process.execPath];
  return [process.execPath, ...process.execArgv, ...process.argv.slice(1, 2)];
}
