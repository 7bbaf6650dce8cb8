/** `on_failure`: a command of the admin's (a mail, a webhook) that is told of a delivery that failed. */
import { EXIT, ExpectedError } from '../errors.ts';
import { type ChildResult, runChild } from '../system/child-process.ts';
import { quote } from '../terminal/escape.ts';

/** Seconds that the command may take: BBB's worker waits for us meanwhile. */
const defaultTimeLimit = 30;
/** Characters of its stderr that are kept. */
const keptOutput = 1000;

export interface Failure {
  meetingId: string;
  recordId: string;
  format: string;
  destination: string;
  error: string;
  exitStatus: number;
}

/** Runs the command with what failed in its environment, never through a shell; throws ExpectedError when it fails. */
export async function runOnFailure(
  command: readonly string[],
  failure: Failure,
  timeLimit = defaultTimeLimit,
): Promise<void> {
  const environment = { ...process.env, ...environmentOf(failure) };
  const result = await runChild(command, { environment, seconds: timeLimit, ownGroup: true });
  if (result.exitStatus === 0) return;
  const ending = describeEnding(result, timeLimit);
  const stderr = result.stderr.slice(0, keptOutput).trim();
  const said = stderr === '' ? '' : `: ${quote(stderr)}`;
  throw new ExpectedError(`on_failure ${quote(command[0] ?? '')} ${ending}${said}`, {
    code: 'on_failure_failed',
    exitStatus: EXIT.unavailable,
    fix: 'correct on_failure in pilos.yml',
  });
}

function environmentOf(failure: Failure): Record<string, string> {
  const { meetingId, recordId, format, destination, error, exitStatus } = failure;
  return {
    PILOS_POST_PUBLISH_MEETING_ID: meetingId,
    PILOS_POST_PUBLISH_RECORD_ID: recordId,
    PILOS_POST_PUBLISH_FORMAT: format,
    PILOS_POST_PUBLISH_DESTINATION: destination,
    PILOS_POST_PUBLISH_ERROR: error,
    PILOS_POST_PUBLISH_EXIT_STATUS: String(exitStatus),
  };
}

function describeEnding(
  { spawnError, timedOut, signal, exitStatus }: ChildResult,
  timeLimit: number,
): string {
  if (spawnError !== undefined) return `cannot be run (${spawnError})`;
  return timedOut ? `took over ${timeLimit} s` : `ended with ${signal ?? exitStatus}`;
}
