/** Arguments in, exit status out; the one place that catches everything. */
import type { CommanderError } from 'commander';
import { EXIT, type ExitStatus, ExpectedError, exitStatusOf } from './errors.ts';
import { createRun, type Run } from './run.ts';
import { isSystemError, translateErrno } from './system/errno.ts';
import { errorDocument } from './terminal/escape.ts';
import { printJson } from './terminal/lines.ts';

/** A terminal or systemd signals the launcher too, which passes it on: the same signal again, at once, or on a busy machine a little later. */
const doubledSignalMilliseconds = 2000;

/**
 * The first signal lets the run clean up, the second one ends it at once. The listener stays: execa has one of
 * its own while a child runs, which ends the process at once where nobody else listens any more.
 */
function abortOnSignals(): AbortSignal {
  const controller = new AbortController();
  let abortedAt = 0;
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) {
        if (performance.now() - abortedAt < doubledSignalMilliseconds) return;
        process.removeAllListeners(name);
        process.kill(process.pid, name);
      }
      abortedAt = performance.now();
      const fix = "nothing is lost: run it again, or 'pilos-post-publish deliver'";
      controller.abort(
        new ExpectedError(`interrupted by ${name}`, { code: 'interrupted', exitStatus: EXIT.temporary, fix }),
      );
    });
  }
  return controller.signal;
}

/** Runs a command and turns whatever it throws into one message and an exit status. */
async function execute(run: Run, command: (run: Run) => Promise<ExitStatus>): Promise<void> {
  try {
    process.exitCode = await command(run);
  } catch (error) {
    process.exitCode = reportError(error, run);
  }
}

function reportError(error: unknown, { signal, log, json, verbose }: Run): ExitStatus {
  // Timers and streams throw an AbortError of their own; what counts is the signal behind it.
  const reason: unknown = signal.aborted ? signal.reason : error;
  const failure = isSystemError(reason) ? translateErrno(reason, 'a system call failed') : reason;
  log.failure(failure);
  const stack = verbose && failure instanceof ExpectedError ? failure.stack : undefined;
  for (const line of stack?.split('\n') ?? []) log.debug(line);
  const exitStatus = exitStatusOf(failure);
  if (json) printJson({ error: errorDocument(failure), exit_status: exitStatus });
  return exitStatus;
}

function isCommanderError(error: unknown): error is CommanderError {
  return error instanceof Error && String((error as Partial<CommanderError>).code).startsWith('commander.');
}

/** `--help` and `--version` end in a CommanderError too. What it says is on stderr already. */
function reportUsage({ exitCode, message }: CommanderError, args: readonly string[]): ExitStatus {
  if (exitCode === 0) return EXIT.ok;
  if (args.includes('--json')) {
    const fix = "see 'pilos-post-publish --help'";
    const error = new ExpectedError(message.replace(/^error: /, ''), {
      code: 'wrong_arguments',
      exitStatus: EXIT.usage,
      fix,
    });
    printJson({ error: errorDocument(error), exit_status: EXIT.usage });
  }
  return EXIT.usage;
}

/**
 * `-m MEETING_ID -f FORMAT`, as BBB calls after every recording of every front end: understood without
 * loading the argument table, which costs more than the rest of the way to "not from PILOS".
 */
function parseBbbCall(args: readonly string[]): { meetingId: string; format: string } | undefined {
  const [first, meetingId, second, format] = args;
  if (args.length !== 4 || first !== '-m' || second !== '-f') return undefined;
  return meetingId && format && !meetingId.startsWith('-') && !format.startsWith('-')
    ? { meetingId, format }
    : undefined;
}

async function main(): Promise<void> {
  // Whatever the caller's is: status files that others read, and none that others can write.
  process.umask(0o022);
  // Node ends with 0 when nothing is left to wait for: what ends before its work is done must not.
  process.exitCode = EXIT.bug;
  const args = process.argv.slice(2);
  const signal = abortOnSignals();
  const call = parseBbbCall(args);
  if (call !== undefined) {
    const { publish } = await import('./commands/publish.ts');
    return await execute(createRun({}, signal), (run) =>
      publish({ ...call, again: false, dryRun: false }, run),
    );
  }
  const [command, request] = args;
  // What `check` calls; no help mentions it.
  if (command === 'probe-spool' && request !== undefined) {
    const { probeSpool } = await import('./spool/local/probe.ts');
    return await execute(createRun({}, signal), () => probeSpool(JSON.parse(request)));
  }
  const { createProgram } = await import('./cli/program.ts');
  try {
    const program = createProgram((options, command) => execute(createRun(options, signal), command));
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (!isCommanderError(error)) throw error;
    process.exitCode = reportUsage(error, args);
  }
}

void main();
