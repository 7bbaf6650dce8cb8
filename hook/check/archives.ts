/** Archives that PILOS has not imported, and those that it could not, as far as they can be seen. */
import { isFromBefore } from '../delivery/left-behind.ts';
import { attemptAsync, ExpectedError } from '../errors.ts';
import type { Archives } from '../spool/local/probe.ts';
import type { Spool } from '../spool/spool.ts';
import type { FormatStatus } from '../status/recording-status.ts';
import type { LocalSpool } from './local-spool.ts';
import type { Recordings } from './recordings.ts';

export interface PlacedArchives extends Omit<Archives, 'exchanged'> {
  /** The spool or a sub directory of it, as PILOS has one. */
  place: string;
  /** How many went into a directory that was exchanged since, and were not seen imported. */
  leftBehind: number;
}

/** In a directory of this server: everybody's. */
export function readLocalArchives(
  { answers, directory, subDirs }: LocalSpool,
  recordings: Recordings,
): PlacedArchives[] {
  return ['', ...subDirs].flatMap((subDir) => {
    const found = answers.get(subDir)?.archives?.found;
    if (found === undefined) return [];
    const place = subDir === '' ? directory : `${directory}/${subDir}`;
    const { exchanged, ...archives } = found;
    return [{ ...archives, place, leftBehind: countLeftBehind(place, recordings, exchanged) }];
  });
}

function countLeftBehind(place: string, recordings: Recordings, exchanged: Archives['exchanged']): number {
  if (exchanged === undefined) return 0;
  const { since, here } = exchanged;
  const delivered = formatsOf(recordings).filter(({ state }) => state === 'delivered');
  return delivered.filter(
    ({ delivered: one }) =>
      one?.destination === place && isFromBefore(one, since) && !here.includes(one.archive),
  ).length;
}

/** So many are asked about, the newest of those that were delivered there. */
const mostNames = 1000;

/** On another host: those that this server has delivered. */
export async function readRemoteArchives(
  spool: Spool,
  subDirs: readonly string[],
  recordings: Recordings,
  signal: AbortSignal,
): Promise<PlacedArchives[]> {
  const ignore = () => undefined;
  const watcher = { signal, warn: ignore, debug: ignore };
  const found: PlacedArchives[] = [];
  for (const subDir of subDirs) {
    const place = spool.destination(subDir);
    const delivered = deliveredTo(place, recordings);
    const seen = await attemptAsync(() => spool.readArchives(subDir, [...delivered.keys()], watcher));
    signal.throwIfAborted();
    // What is wrong there is said of the test file.
    if (seen instanceof ExpectedError) continue;
    const { waiting, refused, failedDirectory } = seen;
    const ages = [...waiting].map((name) => (Date.now() - (delivered.get(name) ?? Date.now())) / 1000);
    found.push({
      ...{ place, waiting: waiting.size, failed: [...refused.keys()], oldestSeconds: Math.max(0, ...ages) },
      failedDirectory: failedDirectory === 'not_a_directory' ? 'missing' : failedDirectory,
      leftBehind: 0,
    });
  }
  return found;
}

/** Names of archives, and when they were delivered. */
function deliveredTo(place: string, recordings: Recordings): Map<string, number> {
  const names = formatsOf(recordings).flatMap(({ delivered }) =>
    delivered?.destination === place ? [[delivered.archive, Date.parse(delivered.at)] as const] : [],
  );
  return new Map(names.slice(0, mostNames));
}

function formatsOf({ states }: Recordings): FormatStatus[] {
  return states instanceof ExpectedError ? [] : states.flatMap((one) => one.formats);
}
