/** `on_failure`: a command of the admin's (a mail, a webhook) that is told of a delivery that failed. */
import { execa } from 'execa';
import { EXIT, ExpectedError, quote } from './errors.ts';

/** Seconds that the command may take: BBB's worker waits for us meanwhile. */
const timeLimit = 30;

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
  [program = '', ...args]: readonly string[],
  failure: Failure,
): Promise<void> {
  const { meetingId, recordId, format, destination, error, exitStatus } = failure;
  const result = await execa(program, args, {
    env: {
      PILOS_POST_PUBLISH_MEETING_ID: meetingId,
      PILOS_POST_PUBLISH_RECORD_ID: recordId,
      PILOS_POST_PUBLISH_FORMAT: format,
      PILOS_POST_PUBLISH_DESTINATION: destination,
      PILOS_POST_PUBLISH_ERROR: error,
      PILOS_POST_PUBLISH_EXIT_STATUS: String(exitStatus),
    },
    reject: false,
    stdin: 'ignore',
    timeout: timeLimit * 1000,
    maxBuffer: 1_000_000,
  });
  if (!result.failed) return;
  const how = result.timedOut
    ? `took over ${timeLimit} s`
    : `ended with ${result.exitCode ?? result.code ?? result.signal}`;
  throw new ExpectedError(`on_failure ${quote(program)} ${how}: ${quote(result.stderr.trim())}`, {
    exitStatus: EXIT.unavailable,
    remedy: 'correct on_failure in pilos.yml',
  });
}
