/** Why there is nothing to deliver of a meeting: what BBB has instead. */
import { dirname, join } from 'node:path';
import { EXIT, ExpectedError } from '../errors.ts';
import type { BbbDirectories } from './bbb.ts';
import { type BbbState, type FormatState, readFormatStates } from './format-states.ts';
import { type Format, meetingIdOf, type RecordId } from './ids.ts';
import { readMeetingFiles } from './meeting-files.ts';

/** `empty`: BBB has finished and published nothing, which is no failure. */
export type NothingPublished =
  | { kind: 'empty'; formats: string[] }
  | { kind: 'missing'; error: ExpectedError };

/**
 * What became of a format that is not published, or of all of a meeting when none is named.
 *
 * @param id of a meeting, or of one of its segments
 */
export function readNothingPublished(
  bbb: BbbDirectories,
  steps: readonly Format[],
  id: RecordId,
  format: Format | undefined,
): NothingPublished {
  const meetingId = meetingIdOf(id);
  const files = readMeetingFiles(bbb, meetingId);
  const states = readFormatStates(bbb, format === undefined ? steps : [...steps, format], files).filter(
    ({ recordId }) => id === meetingId || recordId === id,
  );
  const asked = states.filter((one) => format === undefined || one.format === format);
  if (asked.length > 0 && asked.every(({ state }) => state === 'empty'))
    return { kind: 'empty', formats: formatsIn(asked, 'empty') };
  const error = withdrawnError(bbb, id, asked) ?? missingError(bbb, id, format, states);
  return { kind: 'missing', error };
}

/** Somebody has withdrawn the meeting, or this format of it. */
function withdrawnError(
  bbb: BbbDirectories,
  meetingId: string,
  states: readonly FormatState[],
): ExpectedError | undefined {
  for (const state of ['unpublished', 'deleted'] as const) {
    const formats = formatsIn(states, state);
    if (formats.length === 0) continue;
    const directory = join(dirname(bbb.publishedDir), state);
    const message = `meeting '${meetingId}' was ${state}: BBB keeps its ${formats.join(', ')} in ${directory}`;
    return new ExpectedError(message, {
      code: state,
      exitStatus: EXIT.noRecording,
      fix: `publish it again with BBB's API call publishRecordings, or send it as it is with 'pilos-post-publish migrate --from ${directory}'`,
    });
  }
  return undefined;
}

/** How a state that cannot be delivered is explained, and what to do about it. */
const explanations: Partial<Record<BbbState, [what: string, fix: (meetingId: string) => string]>> = {
  failed_in_bbb: [
    'failed in BBB',
    (meetingId) => `see why in /var/log/bigbluebutton, then 'bbb-record --rebuild ${meetingId}'`,
  ],
  processing: [
    'is not published yet',
    (meetingId) =>
      `see how far BBB is with 'bbb-record --watch', or start again with 'bbb-record --rebuild ${meetingId}'`,
  ],
  not_produced: [
    'was never made, and BBB has no raw files for it any more',
    () => 'nothing can be done; other formats of the meeting are delivered',
  ],
};

function missingError(
  bbb: BbbDirectories,
  meetingId: string,
  format: string | undefined,
  states: readonly FormatState[],
): ExpectedError {
  const asked = states.filter((one) => format === undefined || one.format === format);
  const state = Object.keys(explanations).find((name) => asked.some((one) => one.state === name));
  const explanation = explanations[state as BbbState];
  if (state === undefined || explanation === undefined) {
    return new ExpectedError(`BBB has no recording of meeting '${meetingId}' in ${bbb.publishedDir}`, {
      code: 'no_such_recording',
      exitStatus: EXIT.noRecording,
      fix: "check the id with 'bbb-record --list'; it may be on another BBB server",
    });
  }
  const [what, fix] = explanation;
  const published = formatsIn(states, 'published');
  const others = published.length === 0 ? 'nothing' : published.join(', ');
  const name = format ?? formatsIn(asked, state as BbbState).join(', ');
  return new ExpectedError(`'${name}' of meeting '${meetingId}' ${what} (published: ${others})`, {
    code: state,
    exitStatus: EXIT.noRecording,
    fix: fix(meetingId),
  });
}

/** Each once, however many segments it has. */
function formatsIn(states: readonly FormatState[], state: BbbState): string[] {
  return [...new Set(states.filter((one) => one.state === state).map(({ format }) => format))].sort();
}
