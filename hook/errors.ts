/**
 * Expected failures, with what an admin needs to act on them, and the exit statuses of this program.
 * Anything else that is thrown is a bug.
 */

/** Exit statuses after sysexits.h, as `--help` and docs/commands.md list them. */
export const EXIT = {
  ok: 0,
  usage: 64,
  data: 65,
  noRecording: 66,
  unavailable: 69,
  bug: 70,
  spool: 73,
  io: 74,
  temporary: 75,
  permission: 77,
  config: 78,
} as const;

export type ExitStatus = (typeof EXIT)[keyof typeof EXIT];

/** What else would fail in the same way: nothing, all of the same destination, or all of the same host. */
export type ErrorScope = 'recording' | 'destination' | 'spool';

export interface ErrorFacts {
  /** What went wrong, for programs: `sub_dir_not_allowed`. It never changes; the sentence may. */
  code: string;
  /** What to do about it: a sentence, or the command that does it. */
  fix: string;
  exitStatus: ExitStatus;
  /** Worth trying again within the same call. */
  retryable?: boolean;
  scope?: ErrorScope;
  /** Each thing that is wrong, when it is more than one; `message` has them all. */
  problems?: readonly string[];
  /** The error of the operating system or of a library that lies behind it. */
  cause?: unknown;
}

/** A failure that we foresaw: `message` says what is wrong and with which value, `fix` what to do. */
export class ExpectedError extends Error {
  readonly code: string;
  readonly fix: string;
  readonly exitStatus: ExitStatus;
  readonly retryable: boolean;
  readonly scope: ErrorScope;
  readonly problems: readonly string[];

  constructor(message: string, facts: ErrorFacts) {
    super(message, { cause: facts.cause });
    this.name = 'ExpectedError';
    this.code = facts.code;
    this.fix = facts.fix;
    this.exitStatus = facts.exitStatus;
    this.retryable = facts.retryable ?? false;
    this.scope = facts.scope ?? 'recording';
    this.problems = facts.problems ?? [message];
  }
}

/** The result of `action`, or the failure that we foresaw; a bug is thrown on. */
export function attempt<T>(action: () => T): T | ExpectedError {
  try {
    return action();
  } catch (error) {
    if (error instanceof ExpectedError) return error;
    throw error;
  }
}

/** The same for a promise. */
export async function attemptAsync<T>(action: () => Promise<T>): Promise<T | ExpectedError> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof ExpectedError) return error;
    throw error;
  }
}

/** The exit status that an error ends the program with. */
export function exitStatusOf(error: unknown): ExitStatus {
  return error instanceof ExpectedError ? error.exitStatus : EXIT.bug;
}
