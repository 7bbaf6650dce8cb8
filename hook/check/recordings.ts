/** The recordings of this server: what PILOS' meetings ask for, and what PILOS does not have. */
import { readStrayEntries, type StrayEntry } from '../bbb/stray-entries.ts';
import type { Config } from '../config/config.ts';
import { attempt, ExpectedError } from '../errors.ts';
import { readPilosMeetings } from '../pilos/meetings.ts';
import { type RecordingStatus, readStatus } from '../status/status.ts';

export interface Recordings {
  /** Valid sub directories that meetings ask for, sorted. */
  subDirs: string[];
  /** Meetings that ask for one that is not allowed, or whose metadata cannot be read. */
  refused: RefusedMeeting[];
  /** Directories that something was delivered to. */
  destinations: string[];
  /** What lies among the recordings and is none. */
  stray: StrayEntry[];
  /** An error: why they could not be read. */
  states: RecordingStatus[] | ExpectedError;
}

export interface RefusedMeeting {
  meetingId: string;
  reason: ExpectedError;
  /** The file with what it asks for; undefined when there is none. */
  source: string | undefined;
}

export function readRecordings(config: Config): Recordings {
  const all = () => true;
  const meetings = attempt(() => readPilosMeetings(config, all, () => undefined));
  const subDirs = new Set<string>();
  const refused: RefusedMeeting[] = [];
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
