/** Runs one rsync of `check`, which ends after some seconds whatever the other side does. */
import { setTimeout } from 'node:timers/promises';
import { remoteDirectory, type Transfer } from '../spool/rsync/arguments.ts';
import { childEnvironment } from '../spool/rsync/child-environment.ts';
import { explainFailure, type RsyncFailure } from '../spool/rsync/failure.ts';
import { type ChildOptions, type RunningChild, runChild, startChild } from '../system/child-process.ts';

export interface Transferred {
  stdout: string;
}

export interface FailedTransfer {
  failure: RsyncFailure;
  stderr: string;
}

/** A little more than `--timeout`, for what hangs before rsync counts. */
const limits = { silentSeconds: 10, seconds: 20 };
/** rsync's own status for a timeout. */
const timeoutStatus = 30;
/**
 * How long we wait for our turn when rrsync allows one transfer at a time, in milliseconds: for a renaming, which
 * takes a second; an archive takes minutes.
 */
const lockPatience = 5000;
const lockInterval = 1000;

export function hasFailed(result: Transferred | FailedTransfer): result is FailedTransfer {
  return 'failure' in result;
}

export async function runRsync(
  transfer: Transfer,
  args: readonly string[],
  options: ChildOptions,
): Promise<Transferred | FailedTransfer> {
  const result = await runChild(['rsync', ...args], rsyncOptions(options));
  const { exitStatus, signal, stdout, stderr, timedOut } = result;
  if (exitStatus === 0) return { stdout };
  const facts = { destination: remoteDirectory(transfer), host: transfer.address.host };
  const ended = { exitCode: timedOut ? timeoutStatus : exitStatus, signal, stderr };
  return { failure: explainFailure(ended, facts), stderr };
}

/** The same, again while another transfer is under way, or while it fails without a word. */
export async function runRsyncPatiently(
  transfer: Transfer,
  args: readonly string[],
  options: ChildOptions,
): Promise<Transferred | FailedTransfer> {
  const deadline = Date.now() + lockPatience;
  for (;;) {
    const result = await runRsync(transfer, args, options);
    const isPassing = hasFailed(result) && (result.failure.isLocked || isSpeechless(result));
    if (!isPassing || Date.now() > deadline) return result;
    await setTimeout(lockInterval, undefined, options.signal ? { signal: options.signal } : {});
  }
}

/** What rsync there says of a missing directory can get lost with the connection, and with it which one that is. */
function isSpeechless({ failure }: FailedTransfer): boolean {
  return failure.code === 'spool_dir_unusable';
}

/** Opens a connection that stays until its input is closed; undefined when it does not come about. */
export async function holdConnection(
  args: readonly string[],
  options: ChildOptions,
): Promise<RunningChild | undefined> {
  let open = (_isOpen: boolean) => {};
  const opened = new Promise<boolean>((resolve) => {
    open = resolve;
  });
  let said = '';
  const onOutput = (text: string) => {
    said += text;
    if (said.includes('file list')) open(true);
  };
  const running = startChild(['rsync', ...args], { ...rsyncOptions(options), onOutput, keepsInput: true });
  running.result.then(
    () => open(false),
    () => open(false),
  );
  if (await opened) return running;
  running.closeInput();
  return undefined;
}

function rsyncOptions(options: ChildOptions): ChildOptions {
  return { ...options, ...limits, environment: childEnvironment(process.env) };
}
