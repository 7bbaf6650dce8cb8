/** The recordings of this server: what PILOS' meetings ask for, and what PILOS does not have. */
import { readStrayEntries } from '../bbb/stray-entries.ts';
import type { Config } from '../config/config.ts';
import { attempt, ExpectedError } from '../errors.ts';
import { readPilosMeetings } from '../pilos/meetings.ts';
import { readStatus } from '../status/status.ts';

export type Recordings = ReturnType<typeof readRecordings>;

/**
 * `subDirs`: the valid ones that meetings ask for, sorted; `refused`: meetings that ask for another one, or whose metadata
 * cannot be read; `destinations`: where something was delivered to; `states` is an error when they cannot be read.
 */
export function readRecordings(config: Config) {
  const all = () => true;
  const meetings = attempt(() => readPilosMeetings(config, all, () => undefined));
  const subDirs = new Set<string>();
  const refused: { meetingId: string; reason: ExpectedError; source: string | undefined }[] = [];
  // That published_dir cannot be read is another check's.
  for (const { meetingId, metadata, subDir } of meetings instanceof ExpectedError ? [] : meetings) {
    if (subDir instanceof ExpectedError)
      refused.push({ meetingId, reason: subDir, source: metadata?.source });
    else if (subDir !== '') subDirs.add(subDir);
  }
  const filter = { failed: false, missing: false, withLost: true, since: undefined, meetingIds: [] };
  const states = attempt(() => [...readStatus(config, filter)]);
  const formats = states instanceof ExpectedError ? [] : states.flatMap((one) => one.formats);
  const destinations = [...new Set(formats.flatMap(({ delivered }) => delivered?.destination ?? []))];
  return { subDirs: [...subDirs].sort(), refused, states, destinations, stray: readStrayEntries(config) };
}
