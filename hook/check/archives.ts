/** Archives that PILOS has not imported, and those that it could not, as far as they can be seen. */
import { attemptAsync, ExpectedError } from '../errors.ts';
import type { Archives } from '../spool/local/probe.ts';
import type { Spool } from '../spool/spool.ts';
import type { LocalSpool } from './local-spool.ts';
import type { Recordings } from './recordings.ts';

export interface PlacedArchives extends Archives {
  /** The spool or a sub directory of it, as PILOS has one. */
  place: string;
}

/** In a directory of this server: everybody's. */
export function readLocalArchives({ answers, directory, subDirs }: LocalSpool): PlacedArchives[] {
  return ['', ...subDirs].flatMap((subDir) => {
    const found = answers.get(subDir)?.archives?.found;
    return found === undefined
      ? []
      : [{ place: subDir === '' ? directory : `${directory}/${subDir}`, ...found }];
  });
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
    });
  }
  return found;
}

/** Names of archives, and when they were delivered. */
function deliveredTo(place: string, { states }: Recordings): Map<string, number> {
  const formats = states instanceof ExpectedError ? [] : states.flatMap((one) => one.formats);
  const names = formats.flatMap(({ delivered }) =>
    delivered?.destination === place ? [[delivered.archive, Date.parse(delivered.at)] as const] : [],
  );
  return new Map(names.slice(0, mostNames));
}
