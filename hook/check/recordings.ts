/** The recordings of this server: what PILOS' meetings ask for, what PILOS does not have, and why it cannot be delivered. */
import { readStrayEntries, type StrayEntry } from '../bbb/stray-entries.ts';
import type { Config } from '../config/config.ts';
import { attempt, EXIT, ExpectedError } from '../errors.ts';
import { readPilosMeetings } from '../pilos/meetings.ts';
import { needsAdmin, type RecordingStatus, readStatus } from '../status/status.ts';
import { sh } from '../system/shell-quote.ts';
import { ok, problem, type Row, rowsOf, skipped, type Verdict, warning } from './table.ts';

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

const row = rowsOf('Recordings');

/** @param ownCommand this program as an admin calls it */
export function recordingChecks(recordings: Recordings | undefined, ownCommand: string): Row[] {
  if (recordings === undefined)
    return [rowsOf('Spool')('spool_directory', 'spool directory', skipped('fix pilos_yml first'))];
  const { states, refused, stray } = recordings;
  const here = 'recordings of PILOS on this server';
  const imported = 'PILOS has every recording as it is here';
  const unread = states instanceof ExpectedError ? skipped(states.message) : undefined;
  const known = states instanceof ExpectedError ? [] : states;
  // Those that are refused are reported once, with what has to be done before they can be delivered.
  const ids = new Set(refused.map(({ meetingId }) => meetingId));
  const others = known.filter((one) => !ids.has(one.meeting_id));
  return [
    row(
      'undelivered',
      unread ? here : `${here}: ${known.length}`,
      unread ?? decideUndelivered(others, ownCommand),
    ),
    row('not_imported', imported, unread ?? decideNotImported(known, ownCommand)),
    row(
      'refused_meetings',
      'every meeting asks for a sub directory that it may have',
      decideRefused(refused, ownCommand),
    ),
    row('stray_entries', 'there are no stray files among the recordings', decideStray(stray)),
  ];
}

/** More of them are only counted. */
const mostNamed = 10;

/** Each is named once. */
export function decideStray(stray: readonly StrayEntry[]): Verdict {
  if (stray.length === 0) return ok;
  const named = stray.slice(0, mostNamed).map(({ path, reason }) => `${path} is passed over: ${reason}`);
  const others = stray.length > mostNamed ? [`and ${stray.length - mostNamed} more`] : [];
  const it = stray.length === 1 ? 'it' : 'each';
  return warning(
    [...named, ...others].join('; '),
    `move ${it} out of published_dir if it is not a recording`,
  );
}

/** Formats that BBB has published and PILOS does not have; those that BBB still works on do not count. */
export function decideUndelivered(recordings: readonly RecordingStatus[], ownCommand: string): Verdict {
  const isMissing = ({ state }: { state: string }) => state === 'failed' || state === 'waiting';
  const missing = recordings.filter(({ formats }) => formats.some(isMissing));
  const [oldest] = missing.map(({ date }) => date).sort();
  if (oldest === undefined) return ok;
  const formats = missing.flatMap((one) => one.formats).filter(isMissing);
  const failed = formats.filter(({ state }) => state === 'failed').length;
  const number = formats.length === 1 ? '1 published format is' : `${formats.length} published formats are`;
  const why = failed === 0 ? '' : `; ${failed} failed, see '${ownCommand} status'`;
  return warning(
    `${number} not delivered, the oldest of ${oldest.slice(0, 10)}${why}`,
    `${ownCommand} deliver`,
  );
}

/** What was delivered, and has not arrived: nobody but the admin can do something about it. */
export function decideNotImported(recordings: readonly RecordingStatus[], ownCommand: string): Verdict {
  const formats = recordings
    .flatMap((one) => one.formats)
    .filter(({ state }) => state !== 'failed' && needsAdmin(state));
  if (formats.length === 0) return ok;
  const counts = [...Map.groupBy(formats, ({ state }) => state)].map(
    ([state, of]) => `${of.length} ${state}`,
  );
  const text = `of the formats that PILOS was given, ${counts.join(' and ')}`;
  return warning(text, `see '${ownCommand} status', which says what to do for each`);
}

/** The value was written by an API client, so one that is not a sub directory at all is not this server's fault. */
function decideRefused(refused: Recordings['refused'], ownCommand: string): Verdict {
  const [first] = refused;
  if (first === undefined) return ok;
  const { meetingId, reason, source } = first;
  const others = refused.length === 1 ? '' : `, and ${refused.length - 1} more`;
  const text = `meeting ${meetingId}${others} is not delivered: ${reason.message}`;
  if (reason.code === 'sub_dir_not_allowed') return problem(EXIT.config, text, reason.fix);
  if (source === undefined) return warning(text, sh`bbb-record --rebuild ${meetingId}`);
  // The setting is for meetings to come.
  const fix = `${reason.fix}; for this meeting, correct it in ${source} and run '${ownCommand} deliver'`;
  return warning(text, fix);
}
