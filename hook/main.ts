/** Arguments in, exit status out; the one place that catches everything. */
import { CommanderError } from 'commander';
import { createProgram } from './cli.ts';
import {
  describeError,
  EXIT,
  type ExitStatus,
  ExpectedError,
  exitStatusOf,
  isSystemError,
  translateErrno,
} from './errors.ts';
import type { Session } from './session.ts';

/** The first signal lets the run clean up, the second one ends it at once. */
function abortOnSignals(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.once(name, () => {
      const remedy = "nothing is lost: run it again, or 'pilos-post-publish resend'";
      controller.abort(new ExpectedError(`interrupted by ${name}`, { exitStatus: EXIT.temporary, remedy }));
    });
  }
  return controller.signal;
}

/** A pipe that nobody reads any more (`… | head`) must not end a delivery. */
function ignoreClosedOutput(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
}

/** Runs a command and turns whatever it throws into one line and an exit status. */
async function execute(session: Session, command: () => Promise<ExitStatus>): Promise<void> {
  try {
    process.exitCode = await command();
  } catch (error) {
    process.exitCode = reportError(error, session);
  }
}

function reportError(error: unknown, session: Session): ExitStatus {
  // Timers and streams throw an AbortError of their own; what counts is the signal behind it.
  const reason: unknown = session.signal.aborted ? session.signal.reason : error;
  const told = isSystemError(reason) ? translateErrno(reason, 'a system call failed') : reason;
  session.log.error(describeError(told));
  if (session.verbose && error instanceof Error) session.log.debug(error.stack ?? '');
  return exitStatusOf(told);
}

async function main(): Promise<void> {
  ignoreClosedOutput();
  const program = createProgram(abortOnSignals(), execute);
  try {
    await program.parseAsync(process.argv.slice(2), { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  }
}

void main();
