/** The end-to-end tests run what is shipped, so it has to be there. */
import { accessSync, constants } from 'node:fs';
import { resolve } from 'node:path';

export default function requireExecutable(): void {
  const executable = resolve(import.meta.dirname, '../../../dist/pilos-post-publish');
  try {
    accessSync(executable, constants.X_OK);
  } catch (error) {
    throw new Error(`${executable} is not built: run 'make build', or 'make test' for everything`, {
      cause: error,
    });
  }
}
