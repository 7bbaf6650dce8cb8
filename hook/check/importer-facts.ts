/** Archives that PILOS has not imported, and those that it could not, as far as they can be seen. */
import { isFromBefore } from '../delivery/left-behind.ts';
import { attemptAsync, ExpectedError } from '../errors.ts';
import type { Answers, Archives } from '../spool/local/probe.ts';
import type { Spool } from '../spool/spool.ts';
import type { Recordings } from './recording-facts.ts';

export interface PlacedArchives extends Omit<Archives, 'exchanged'> {
  /** The spool or a sub directory of it, as PILOS has one. */
  place: string;
  /** How many went into a directory that was exchanged since, and were not seen imported. */
  leftBehind: number;
}

/** In a directory of this server: everybody's. @param answers by sub directory */
export function readLocalArchives(
  directory: string,
  answers: ReadonlyMap<string, Answers>,
  { formats }: Recordings,
): PlacedArchives[] {
  return [...answers].flatMap(([subDir, { archives: step }]) => {
    if (step?.found === undefined) return [];
    const place = subDir === '' ? directory : `${directory}/${subDir}`;
    const { exchanged, ...archives } = step.found;
    const leftBehind = formats.filter(
      ({ state, delivered }) =>
        state === 'delivered' &&
        delivered?.destination === place &&
        isFromBefore(delivered, exchanged?.since) &&
        exchanged?.here.includes(delivered.archive) === false,
    );
    return [{ ...archives, place, leftBehind: leftBehind.length }];
  });
}

/** So many are asked about, the newest of those that were delivered there. */
const mostNames = 1000;

/** On another host: those that this server has delivered. */
export async function readRemoteArchives(
  spool: Spool,
  subDirs: readonly string[],
  { formats }: Recordings,
  signal: AbortSignal,
): Promise<PlacedArchives[]> {
  const ignore = () => undefined;
  const found: PlacedArchives[] = [];
  for (const subDir of subDirs) {
    const place = spool.destination(subDir);
    const here = formats.flatMap(({ delivered }) => (delivered?.destination === place ? [delivered] : []));
    const times = new Map(here.slice(0, mostNames).map(({ archive, at }) => [archive, Date.parse(at)]));
    const watcher = { signal, warn: ignore, debug: ignore };
    const seen = await attemptAsync(() => spool.readArchives(subDir, [...times.keys()], watcher));
    signal.throwIfAborted();
    // What is wrong there is said of the test file.
    if (seen instanceof ExpectedError) continue;
    const { waiting, refused, failedDirectory } = seen;
    const ages = [...waiting].map((name) => (Date.now() - (times.get(name) ?? Date.now())) / 1000);
    found.push({
      ...{ place, waiting: waiting.size, failed: [...refused.keys()], oldestSeconds: Math.max(0, ...ages) },
      failedDirectory: failedDirectory === 'not_a_directory' ? 'missing' : failedDirectory,
      leftBehind: 0,
    });
  }
  return found;
}
