/** What was delivered, what is missing, and why. */
import { userInfo } from 'node:os';
import { readConfig } from '../config.ts';
import { EXIT, type ExitStatus, ExpectedError } from '../errors.ts';
import { printOut } from '../output.ts';
import { meetingIdOf } from '../recording.ts';
import { validateMeetingId } from '../safe-path.ts';
import { isTerminal, printJson, type Session } from '../session.ts';
import { formatDetails, formatTable, type Layout } from '../status/format-status.ts';
import { type RecordingStatus, readStatus } from '../status/read-status.ts';
import { parseMoment } from '../time-span.ts';
import { becomeOwner } from '../user.ts';

export interface StatusRequest {
  failed: boolean;
  missing: boolean;
  since: string | undefined;
  meetingIds: string[];
}

/** Prints the recordings that the request asks for; 0 unless one that it names is not here (66). */
export async function status(request: StatusRequest, session: Session): Promise<ExitStatus> {
  const meetingIds = request.meetingIds.map((id) => meetingIdOf(validateMeetingId(id)));
  const since = request.since === undefined ? undefined : parseMoment('--since', request.since, Date.now());
  const config = readConfig(session.choice, session.environment);
  becomeOwner(config.publishedDir);
  const recordings = readStatus(config, { ...request, since, meetingIds });
  const unknown = meetingIds.find((id) => !recordings.some((one) => one.meeting_id === id));
  if (unknown !== undefined && !request.failed && !request.missing && since === undefined)
    throw notHere(unknown);
  const ranAs = userInfo().username;
  if (session.json) printJson({ ran_as: ranAs, recordings });
  else printOut(`${[...formatLines(request, recordings), summary(recordings, ranAs)].join('\n')}\n`);
  return EXIT.ok;
}

function formatLines({ meetingIds }: StatusRequest, recordings: RecordingStatus[]): string[] {
  const layout = readLayout();
  if (meetingIds.length === 0) return recordings.length === 0 ? [] : formatTable(recordings, layout);
  return recordings.flatMap((one) => [...formatDetails(one, layout), '']);
}

function readLayout(): Layout {
  if (!isTerminal(1)) return { width: undefined, colours: false };
  return { width: process.stdout.columns || 80, colours: process.stdout.hasColors() };
}

function summary(recordings: readonly RecordingStatus[], ranAs: string): string {
  const count = (state: string) =>
    recordings.flatMap((one) => one.formats).filter((one) => one.state === state).length;
  const states = ['delivered', 'failed', 'waiting', 'processing'].map((state) => `${count(state)} ${state}`);
  const many = recordings.length === 1 ? '1 recording' : `${recordings.length} recordings`;
  return `${many}; formats: ${states.join(', ')} (as user ${ranAs})`;
}

function notHere(meetingId: string): ExpectedError {
  return new ExpectedError(`meeting '${meetingId}' has no published recording here, or is not from PILOS`, {
    exitStatus: EXIT.noRecording,
    remedy: "check the id with 'bbb-record --list'; it may be on another BBB server",
  });
}
