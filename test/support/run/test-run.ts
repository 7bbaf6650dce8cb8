/**
 * The run of vitest that a test belongs to: a few letters that stand in the name of whatever a test leaves on the
 * machine while it runs (directories by TMPDIR, users, namespaces, the environment of processes), so that what an
 * interrupted run has left can be distinguished from what others have, and be removed.
 */
export const runVariable = 'PPP_TEST_RUN';

/** `''` outside of a run, as for the demo. */
export function testRun(): string {
  return process.env[runVariable] ?? '';
}

/** In the run's temporary directory: the executable, where it cannot be linked to. Not what a test has left. */
export const programDirectory = 'program';
