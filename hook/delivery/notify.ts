/** `notify`: a command of the admin's (a mail, a webhook) that is run when something needs a person. */
import { EXIT, ExpectedError } from '../errors.ts';
import type { ConfiguredRun } from '../run.ts';
import { type ChildResult, runChild } from '../system/child-process.ts';
import { describeError, quote } from '../terminal/escape.ts';

/** Seconds that the command may take: BBB's worker waits for us meanwhile. */
const defaultTimeLimit = 30;
/** Characters of its stderr that are kept. */
const keptOutput = 1000;

/**
 * `failure`: a delivery; `refused`: by PILOS; `stuck`: PILOS takes nothing; `check`: it has found something new;
 * `recovered`: PILOS takes archives again, or what `check` had found is gone.
 */
type NotificationEvent = 'failure' | 'refused' | 'stuck' | 'check' | 'recovered';

/** What a notification says; the ids are `''` where it is about no recording in particular. */
export interface Notification {
  event: NotificationEvent;
  meetingId: string;
  recordId: string;
  format: string;
  destination: string;
  error: string;
  exitStatus: number;
}

/** Runs `notify`, where there is one; that it fails is only a warning. @returns false when it has failed */
export async function notify(run: ConfiguredRun, notification: Notification): Promise<boolean> {
  const command = run.config.notify;
  if (command === undefined) return true;
  try {
    await runNotify(command, notification);
    return true;
  } catch (error) {
    if (!(error instanceof ExpectedError) || run.signal.aborted) throw error;
    run.log.warn(`nobody was notified: ${describeError(error)}`);
    return false;
  }
}

/** Runs the command with what happened in its environment, never through a shell; throws ExpectedError when it fails. */
export async function runNotify(
  command: readonly string[],
  notification: Notification,
  timeLimit = defaultTimeLimit,
): Promise<void> {
  const environment = { ...process.env, ...environmentOf(notification) };
  const result = await runChild(command, { environment, seconds: timeLimit, ownGroup: true });
  if (result.exitStatus === 0) return;
  const ending = describeEnding(result, timeLimit);
  const stderr = result.stderr.slice(0, keptOutput).trim();
  const said = stderr === '' ? '' : `: ${quote(stderr)}`;
  throw new ExpectedError(`notify ${quote(command[0] ?? '')} ${ending}${said}`, {
    code: 'notify_failed',
    exitStatus: EXIT.unavailable,
    fix: 'correct notify in pilos.yml',
  });
}

function environmentOf(notification: Notification): Record<string, string> {
  const { event, meetingId, recordId, format, destination, error, exitStatus } = notification;
  return {
    PILOS_POST_PUBLISH_EVENT: event,
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
