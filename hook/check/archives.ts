/** Archives that PILOS has not imported, and those that it could not, as far as they can be seen. */
import { ExpectedError } from '../errors.ts';
import { openSpool } from '../spool/open-spool.ts';
import type { LocalSpool, SpoolContext } from './local-spool.ts';
import type { Recordings } from './recordings.ts';
import type { Archives } from './spool-probe.ts';

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
  { config, subDirs, options }: SpoolContext,
  recordings: Recordings,
): Promise<PlacedArchives[]> {
  const spool = await openSpool({ ...config, retry: { attempts: 1, maxSeconds: 5 } });
  const ignore = () => undefined;
  const watcher = { signal: options.signal ?? new AbortController().signal, warn: ignore, debug: ignore };
  const found: PlacedArchives[] = [];
  for (const subDir of ['', ...subDirs]) {
    const place = spool.destination(subDir);
    const delivered = deliveredTo(place, recordings);
    try {
      const seen = await spool.readArchives(subDir, [...delivered.keys()], watcher);
      const { waiting, refused, failedDirectory } = seen;
      const ages = [...waiting].map((name) => (Date.now() - (delivered.get(name) ?? Date.now())) / 1000);
      found.push({
        ...{ place, waiting: waiting.size, failed: [...refused.keys()], oldestSeconds: Math.max(0, ...ages) },
        failedDirectory: failedDirectory === 'not_a_directory' ? 'missing' : failedDirectory,
      });
    } catch (error) {
      // What is wrong there is said of the test file.
      if (!(error instanceof ExpectedError)) throw error;
    }
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
