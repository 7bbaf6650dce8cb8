/** Arguments in, exit status out; the one place that catches everything. */
import type { CommanderError } from 'commander';
import { type ProbeRequest, probeVariable } from './check/probe-request.ts';
import { EXIT, type ExitStatus, ExpectedError, exitStatusOf } from './errors.ts';
import { createRun, type Run } from './run.ts';
import { isSystemError, translateErrno } from './system/errno.ts';
import { describeError } from './terminal/escape.ts';

/**
 * The first signal lets the run clean up, the second one ends it at once. The listener stays: execa has one of
 * its own while a child runs, which ends the process at once where nobody else listens any more.
 */
function abortOnSignals(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) {
        process.removeAllListeners(name);
        process.kill(process.pid, name);
      }
      const fix = "nothing is lost: run it again, or 'pilos-post-publish resend'";
      controller.abort(new ExpectedError(`interrupted by ${name}`, { exitStatus: EXIT.temporary, fix }));
    });
  }
  return controller.signal;
}

/** Runs a command and turns whatever it throws into one line and an exit status. */
async function execute(run: Run, command: () => Promise<ExitStatus>): Promise<void> {
  try {
    process.exitCode = await command();
  } catch (error) {
    process.exitCode = reportError(error, run);
  }
}

function reportError(error: unknown, run: Run): ExitStatus {
  // Timers and streams throw an AbortError of their own; what counts is the signal behind it.
  const reason: unknown = run.signal.aborted ? run.signal.reason : error;
  const told = isSystemError(reason) ? translateErrno(reason, 'a system call failed') : reason;
  run.log.error(describeError(told));
  if (run.verbose && error instanceof Error) run.log.debug(error.stack ?? '');
  return exitStatusOf(told);
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
  const args = process.argv.slice(2);
  const signal = abortOnSignals();
  const call = parseBbbCall(args);
  if (call !== undefined) {
    const { publish } = await import('./commands/publish.ts');
    const run = createRun({}, signal);
    return await execute(run, () => publish({ ...call, dryRun: false }, run));
  }
  const probe = process.env[probeVariable];
  if (args[0] === 'check' && probe !== undefined) {
    const { probeSpool } = await import('./check/spool-probe.ts');
    return await execute(createRun({}, signal), () => probeSpool(JSON.parse(probe) as ProbeRequest));
  }
  const { createProgram } = await import('./cli/program.ts');
  try {
    await createProgram(signal, execute).parseAsync(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof Error && error.name === 'CommanderError')) throw error;
    process.exitCode = (error as CommanderError).exitCode === 0 ? EXIT.ok : EXIT.usage;
  }
}

void main();
