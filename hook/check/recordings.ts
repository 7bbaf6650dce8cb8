/** The recordings of this server: what PILOS asks for, and what it does not have yet. */
import type { Config } from '../config/config.ts';
import { attempt, EXIT, ExpectedError } from '../errors.ts';
import { readPilosMeetings } from '../pilos/meetings.ts';
import { type RecordingStatus, readStatus } from '../status/status.ts';
import { shellQuote } from '../system/shell-quote.ts';
import { type Look, ok, problem, skipped, warning } from './finding.ts';

export interface RecordingFacts {
  /** Valid sub directories that meetings ask for, sorted. */
  subDirs: string[];
  /** Meetings that ask for one that is not allowed, or that do not tell. */
  refused: RefusedMeeting[];
}

interface RefusedMeeting {
  meetingId: string;
  reason: ExpectedError;
  /** The file that tells what it asks for; undefined when none does. */
  source: string | undefined;
}

/** What the meetings ask for; nothing when `published_dir` cannot be read, which is told elsewhere. */
export function readRecordingFacts(config: Config): RecordingFacts {
  const meetings = attempt(() =>
    readPilosMeetings(
      config,
      () => true,
      () => undefined,
    ),
  );
  if (meetings instanceof ExpectedError) return { subDirs: [], refused: [] };
  const subDirs = new Set<string>();
  const refused: RefusedMeeting[] = [];
  for (const { meetingId, metadata, subDir } of meetings) {
    if (subDir instanceof ExpectedError)
      refused.push({ meetingId, reason: subDir, source: metadata?.source });
    else if (subDir !== '') subDirs.add(subDir);
  }
  return { subDirs: [...subDirs].sort(), refused };
}

export function lookAtRecordings(config: Config, { refused }: RecordingFacts, ownCommand: string): Look[] {
  return [lookAtUndelivered(config, refused, ownCommand), decideRefused(refused, ownCommand)];
}

/** Those that are refused are told once, with what has to be done before they can be delivered. */
function lookAtUndelivered(config: Config, refused: readonly RefusedMeeting[], ownCommand: string): Look {
  const lookedAt = 'recordings of PILOS on this server';
  const filter = { failed: false, missing: false, since: undefined, meetingIds: [] };
  const recordings = attempt(() => [...readStatus(config, filter)]);
  if (recordings instanceof ExpectedError) return skipped('undelivered', lookedAt, recordings.message);
  const ids = new Set(refused.map(({ meetingId }) => meetingId));
  return decideUndelivered(
    recordings.filter((one) => !ids.has(one.meeting_id)),
    ownCommand,
  );
}

/** Formats that BBB has published and PILOS does not have; those that BBB still works on do not count. */
export function decideUndelivered(recordings: readonly RecordingStatus[], ownCommand: string): Look {
  const isMissing = ({ state }: { state: string }) => state === 'failed' || state === 'waiting';
  const missing = recordings.filter(({ formats }) => formats.some(isMissing));
  const lookedAt = `recordings of PILOS on this server: ${recordings.length}, of which ${missing.length} are not delivered`;
  const [oldest] = missing.map(({ date }) => date).sort();
  if (oldest === undefined) return ok('undelivered', lookedAt);
  const formats = missing.flatMap((one) => one.formats).filter(isMissing);
  const failed = formats.filter(({ state }) => state === 'failed').length;
  const why =
    failed === 0
      ? ''
      : `; ${failed} ${failed === 1 ? 'was' : 'were'} tried without success, see '${ownCommand} status'`;
  // Ours is not there while something is missing, so another script has written it.
  const isSentByOther = missing.some((one) => one.sender_done);
  const adopt = isSentByOther ? `${ownCommand} adopt && ` : '';
  const other = isSentByOther ? ", some of which PILOS' own script may have sent" : '';
  const count = formats.length === 1 ? '1 published format is' : `${formats.length} published formats are`;
  return warning('undelivered', lookedAt, {
    problem: `${count} not delivered${other}, the oldest of ${oldest.slice(0, 10)}${why}`,
    fix: `${adopt}${ownCommand} deliver`,
  });
}

/** The value was written by an API client, so one that is no sub directory at all is not this server's fault. */
function decideRefused(refused: readonly RefusedMeeting[], ownCommand: string): Look {
  const lookedAt = 'every meeting asks for a sub directory that it may have';
  const [first] = refused;
  if (first === undefined) return ok('refused-meetings', lookedAt);
  const { meetingId, reason, source } = first;
  const others = refused.length === 1 ? '' : `, and ${refused.length - 1} more`;
  const text = `meeting ${meetingId}${others} is not delivered: ${reason.message}: ${reason.fix}`;
  if (reason.message.includes('allowed_sub_dirs'))
    return problem('refused-meetings', lookedAt, EXIT.config, { problem: text });
  if (source === undefined) {
    const fix = `bbb-record --rebuild ${shellQuote([meetingId])}`;
    return warning('refused-meetings', lookedAt, { problem: text, fix });
  }
  // The setting is for meetings to come.
  return warning('refused-meetings', lookedAt, {
    problem: `${text}; for this meeting, correct it in ${source} and run '${ownCommand} deliver'`,
  });
}
