/** The recordings of this server: what PILOS' meetings ask for, and what became of them. */
import { readStrayEntries } from '../bbb/stray-entries.ts';
import type { Config } from '../config/config.ts';
import { attempt, ExpectedError } from '../errors.ts';
import { readPilosMeetings } from '../pilos/meetings.ts';
import { readStatus } from '../status/status.ts';

export type Recordings = ReturnType<typeof readRecordings>;

/**
 * `subDirs`: the valid ones that meetings ask for, sorted; `refused`: meetings that ask for another one, or whose metadata
 * cannot be read; `states` is an error when they cannot be read.
 */
export function readRecordings(config: Config) {
  const all = () => true;
  const read = attempt(() => readPilosMeetings(config, all, () => undefined));
  // That published_dir cannot be read is another check's.
  const meetings = read instanceof ExpectedError ? [] : read;
  const subDirs = meetings.flatMap(({ subDir }) => (typeof subDir === 'string' && subDir ? [subDir] : []));
  const refused = meetings.flatMap(({ meetingId, metadata, subDir: reason }) =>
    reason instanceof ExpectedError ? [{ meetingId, reason, source: metadata?.source }] : [],
  );
  const filter = { failed: false, missing: false, withLost: true, since: undefined, meetingIds: [] };
  const states = attempt(() => [...readStatus(config, filter)]);
  const formats = states instanceof ExpectedError ? [] : states.flatMap((one) => one.formats);
  const stray = readStrayEntries(config);
  return { subDirs: [...new Set(subDirs)].sort(), refused, states, formats, stray };
}
