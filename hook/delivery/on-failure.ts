/** `on_failure`: a command of the admin's (a mail, a webhook) that is told of a delivery that failed. */
import { spawn } from 'node:child_process';
import { EXIT, ExpectedError } from '../errors.ts';
import { errnoName } from '../system/errno.ts';
import { quote } from '../terminal/escape.ts';

/** Seconds that the command may take: BBB's worker waits for us meanwhile. */
const defaultTimeLimit = 30;
/** Milliseconds after its end in which its pipe must be closed. */
const backgroundPatience = 500;
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

/** How the command ended: `undefined` for well, or the rest of a sentence. */
type Ending = string | undefined;

/** Runs the command with what failed in its environment, never through a shell; throws ExpectedError when it fails. */
export async function runOnFailure(
  command: readonly string[],
  failure: Failure,
  timeLimit = defaultTimeLimit,
): Promise<void> {
  const { ending, stderr } = await run(command, environmentOf(failure), timeLimit);
  if (ending === undefined) return;
  const said = stderr.trim() === '' ? '' : `: ${quote(stderr.trim())}`;
  throw new ExpectedError(`on_failure ${quote(command[0] ?? '')} ${ending}${said}`, {
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

/**
 * Waits for the command itself and not for its pipes: what it has left running in the background may hold them
 * open for ever. Out of time, it is killed with all that it has started.
 */
function run(
  [program = '', ...args]: readonly string[],
  environment: Record<string, string>,
  timeLimit: number,
): Promise<{ ending: Ending; stderr: string }> {
  return new Promise((resolve) => {
    // A group of its own, to be killed as a whole.
    const child = spawn(program, args, {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, ...environment },
      detached: true,
    });
    let stderr = '';
    let lateTimer: NodeJS.Timeout | undefined;
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (stderr.length < keptOutput) stderr += text;
    });
    const timer = setTimeout(() => end(`took over ${timeLimit} s`), timeLimit * 1000);
    function end(ending: Ending): void {
      clearTimeout(timer);
      clearTimeout(lateTimer);
      if (child.exitCode === null && child.signalCode === null) killGroup(child.pid);
      child.stderr.destroy();
      child.unref();
      resolve({ ending, stderr });
    }
    child.once('error', (error) => end(`cannot be run (${errnoName(error) ?? error.message})`));
    const how = (status: number | null, signal: NodeJS.Signals | null) =>
      status === 0 ? undefined : `ended with ${status ?? signal}`;
    child.once('close', (status, signal) => end(how(status, signal)));
    child.once('exit', (status, signal) => {
      lateTimer = setTimeout(() => end(how(status, signal)), backgroundPatience);
    });
  });
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has just ended.
  }
}
