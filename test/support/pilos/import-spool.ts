/** A look into a spool by a PILOS that knows every meeting: enough to see what has arrived. */
import type { ImportAttempt } from './import-attempt.ts';
import { createPilos, type PilosOptions } from './pilos.ts';

/**
 * In the order of the archives' names.
 *
 * @param store of PILOS, which has the recordings of earlier calls with the same one
 */
export async function importSpool(
  spool: string,
  store: string,
  options: Pick<PilosOptions, 'memoryLimit'> = {},
): Promise<ImportAttempt[]> {
  const pilos = await createPilos({ spool, store, ...options });
  const attempts = await pilos.importOnce();
  return attempts.sort((one, other) => (one.archive < other.archive ? -1 : 1));
}
