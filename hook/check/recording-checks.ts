/** What this server has not delivered, and why it cannot be. */
import type { StrayEntry } from '../bbb/stray-entries.ts';
import { EXIT, ExpectedError } from '../errors.ts';
import { needsAdmin, type RecordingStatus } from '../status/status.ts';
import { shellQuote } from '../system/shell-quote.ts';
import { definer } from './define.ts';
import type { Facts } from './facts.ts';
import type { RefusedMeeting } from './recordings.ts';
import { ok, problem, skipped, type Verdict, warning } from './result.ts';

const { one } = definer<Facts>('Recordings');

export const recordingChecks = [
  definer<Facts>('Spool').one({
    check: 'spool_directory',
    of: ({ config }) => (config === undefined ? {} : undefined),
    title: 'spool directory',
    decide: () => skipped('fix pilos_yml first'),
  }),
  one({
    check: 'undelivered',
    of: ({ recordings }) => recordings,
    title: ({ states }) =>
      `recordings of PILOS on this server${states instanceof ExpectedError ? '' : `: ${states.length}`}`,
    // Those that are refused are reported once, with what has to be done before they can be delivered.
    decide: ({ states, refused }, { commands }) => {
      if (states instanceof ExpectedError) return skipped(states.message);
      const ids = new Set(refused.map(({ meetingId }) => meetingId));
      return decideUndelivered(
        states.filter((one) => !ids.has(one.meeting_id)),
        commands.configured,
      );
    },
  }),
  one({
    check: 'not_imported',
    of: ({ recordings }) => recordings?.states,
    title: 'PILOS has every recording as it is here',
    decide: (states, { commands }) =>
      states instanceof ExpectedError
        ? skipped(states.message)
        : decideNotImported(states, commands.configured),
  }),
  one({
    check: 'refused_meetings',
    of: ({ recordings }) => recordings?.refused,
    title: 'every meeting asks for a sub directory that it may have',
    decide: (refused, { commands }) => decideRefused(refused, commands.configured),
  }),
  one({
    check: 'stray_entries',
    of: ({ recordings }) => recordings?.stray,
    title: 'nothing lies among the recordings that is none',
    decide: decideStray,
  }),
];

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
  const number = (count: number) =>
    count === 1 ? '1 published format is' : `${count} published formats are`;
  const why = failed === 0 ? '' : `; ${failed} failed, see '${ownCommand} status'`;
  return warning(
    `${number(formats.length)} not delivered, the oldest of ${oldest.slice(0, 10)}${why}`,
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
function decideRefused(refused: readonly RefusedMeeting[], ownCommand: string): Verdict {
  const [first] = refused;
  if (first === undefined) return ok;
  const { meetingId, reason, source } = first;
  const others = refused.length === 1 ? '' : `, and ${refused.length - 1} more`;
  const text = `meeting ${meetingId}${others} is not delivered: ${reason.message}`;
  if (reason.code === 'sub_dir_not_allowed') return problem(EXIT.config, text, reason.fix);
  if (source === undefined) return warning(text, `bbb-record --rebuild ${shellQuote([meetingId])}`);
  // The setting is for meetings to come.
  const fix = `${reason.fix}; for this meeting, correct it in ${source} and run '${ownCommand} deliver'`;
  return warning(text, fix);
}
