/** The recordings of this server: which does PILOS not have, and why can they not be delivered? */
import type { StrayEntry } from '../bbb/stray-entries.ts';
import { ExpectedError } from '../errors.ts';
import { needsAdmin, type RecordingStatus } from '../status/status.ts';
import { sh } from '../system/shell-quote.ts';
import type { Facts } from './facts.ts';
import type { Recordings } from './recording-facts.ts';
import { ok, problem, type Rows, row, skipped, type Verdict, warning } from './table.ts';

export function recordingChecks({ recordings, commands: { configured: program } }: Facts): Rows {
  if (recordings === undefined) return [];
  const { states, refused, stray } = recordings;
  const [known, unread] = states instanceof ExpectedError ? [[], skipped(states.message)] : [states];
  // Those that are refused are reported once, with what has to be done before they can be delivered.
  const ids = new Set<string>(refused.map(({ meetingId }) => meetingId));
  const others = known.filter((one) => !ids.has(one.meeting_id));
  const here = `recordings of PILOS on this server${unread ? '' : `: ${known.length}`}`;
  const imported = 'PILOS has every recording as it is here';
  const allowed = 'every meeting asks for a sub directory that it may have';
  return [
    row('undelivered', here, unread ?? decideUndelivered(others, program)),
    row('not_imported', imported, unread ?? decideNotImported(known, program)),
    row('refused_meetings', allowed, decideRefused(refused, program)),
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
  const fix = `move ${it} out of published_dir if it is not a recording`;
  return warning([...named, ...others].join('; '), fix);
}

/** Formats that BBB has published and PILOS does not have; those that BBB still works on do not count. */
export function decideUndelivered(recordings: readonly RecordingStatus[], program: string): Verdict {
  const missing = recordings.flatMap(({ date, formats }) =>
    formats.flatMap(({ state }) => (state === 'failed' || state === 'waiting' ? [{ date, state }] : [])),
  );
  const [oldest] = missing.map(({ date }) => date).sort();
  if (oldest === undefined) return ok;
  const failed = missing.filter(({ state }) => state === 'failed').length;
  const number = missing.length === 1 ? '1 published format is' : `${missing.length} published formats are`;
  const why = failed === 0 ? '' : `; ${failed} failed, see '${program} status'`;
  const text = `${number} not delivered, the oldest of ${oldest.slice(0, 10)}${why}`;
  return warning(text, `${program} deliver`);
}

/** What was delivered, and has not arrived: nobody but the admin can do something about it. */
export function decideNotImported(recordings: readonly RecordingStatus[], program: string): Verdict {
  const states = recordings.flatMap(({ formats }) => formats.map(({ state }) => state));
  const wrong = states.filter((state) => state !== 'failed' && needsAdmin(state));
  if (wrong.length === 0) return ok;
  const counts = [...Map.groupBy(wrong, (state) => state)].map(([state, all]) => `${all.length} ${state}`);
  const text = `of the formats that PILOS was given, ${counts.join(' and ')}`;
  return warning(text, `see '${program} status', which says what to do for each`);
}

/** The value was written by an API client, so one that is not a sub directory at all is not this server's fault. */
function decideRefused(refused: Recordings['refused'], program: string): Verdict {
  const [first] = refused;
  if (first === undefined) return ok;
  const { meetingId, reason, source } = first;
  const others = refused.length === 1 ? '' : `, and ${refused.length - 1} more`;
  const text = `meeting ${meetingId}${others} is not delivered: ${reason.message}`;
  if (reason.code === 'sub_dir_not_allowed') return problem.setUp(text, reason.fix);
  if (source === undefined) return warning(text, sh`bbb-record --rebuild ${meetingId}`);
  // The setting is for meetings to come.
  const fix = `${reason.fix}; for this meeting, correct it in ${source} and run '${program} deliver'`;
  return warning(text, fix);
}
