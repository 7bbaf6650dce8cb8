/** Runs one rsync of `check`, which ends after some seconds whatever the other side does. */
import { setTimeout } from 'node:timers/promises';
import { remoteDirectory, type Transfer } from '../spool/rsync/arguments.ts';
import { childEnvironment } from '../spool/rsync/child-environment.ts';
import { explainFailure, type RsyncFailure } from '../spool/rsync/failure.ts';
import { type ChildOptions, type RunningChild, runChild, startChild } from '../system/child-process.ts';

/** Without a `failure` it did what it was asked. */
export interface RsyncEnd {
  stdout: string;
  stderr: string;
  failure?: RsyncFailure;
}

/** rsync's own status for a timeout. */
const timeoutStatus = 30;
/** How long we wait for our turn when rrsync allows one transfer at a time, in milliseconds: for a renaming, which takes a second; an archive takes minutes. */
const lockPatience = 5000;
const lockInterval = 1000;

export async function runRsync(
  transfer: Transfer,
  args: readonly string[],
  options: ChildOptions,
): Promise<RsyncEnd> {
  const result = await runChild(['rsync', ...args], rsyncOptions(options));
  const { exitStatus, signal, stdout, stderr, timedOut } = result;
  if (exitStatus === 0) return { stdout, stderr };
  const facts = { destination: remoteDirectory(transfer), host: transfer.address.host };
  const ended = { exitCode: timedOut ? timeoutStatus : exitStatus, signal, stderr };
  return { stdout, stderr, failure: explainFailure(ended, facts) };
}

/**
 * The same, again while another transfer is under way, or while it is not known which directory is missing: what rsync
 * there says of it can get lost with the connection.
 */
export async function runRsyncPatiently(
  transfer: Transfer,
  args: readonly string[],
  options: ChildOptions,
): Promise<RsyncEnd> {
  const deadline = Date.now() + lockPatience;
  for (;;) {
    const end = await runRsync(transfer, args, options);
    const isPassing = end.failure?.isLocked || end.failure?.code === 'spool_dir_unusable';
    if (!isPassing || Date.now() > deadline) return end;
    await setTimeout(lockInterval, undefined, options.signal ? { signal: options.signal } : {});
  }
}

/** Opens a connection that stays until its input is closed; undefined when it does not come about. */
export async function holdConnection(
  args: readonly string[],
  options: ChildOptions,
): Promise<RunningChild | undefined> {
  const { promise: opened, resolve: open } = Promise.withResolvers<boolean>();
  let said = '';
  const onOutput = (text: string) => {
    said += text;
    if (said.includes('file list')) open(true);
  };
  const running = startChild(['rsync', ...args], { ...rsyncOptions(options), onOutput, keepsInput: true });
  const fail = () => open(false);
  running.result.then(fail, fail);
  if (await opened) return running;
  running.closeInput();
  return undefined;
}

/** A little more than `--timeout`, for what hangs before rsync counts. */
function rsyncOptions(options: ChildOptions): ChildOptions {
  return { ...options, silentSeconds: 10, seconds: 20, environment: childEnvironment(process.env) };
}
