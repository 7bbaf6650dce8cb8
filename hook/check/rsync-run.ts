/** Runs one rsync of `check`, which ends after some seconds whatever the other side does. */
import { setTimeout } from 'node:timers/promises';
import { remoteDirectory, type Transfer } from '../spool/rsync/arguments.ts';
import { childEnvironment } from '../spool/rsync/child-environment.ts';
import { explainFailure, type RsyncFailure } from '../spool/rsync/failure.ts';
import { type Running, type RunOptions, run, start } from './run.ts';

export interface RsyncSuccess {
  stdout: string;
}

export interface RsyncTrouble {
  failure: RsyncFailure;
  stderr: string;
}

/** A little more than `--timeout`, for what hangs before rsync counts. */
const silentSeconds = 10;
const seconds = 20;
/**
 * How long we wait for our turn when rrsync allows one transfer at a time, in milliseconds: for a renaming, which
 * takes a second; an archive takes minutes.
 */
const lockPatience = 5000;
const lockInterval = 1000;

export function isTrouble(result: RsyncSuccess | RsyncTrouble): result is RsyncTrouble {
  return 'failure' in result;
}

export async function runRsync(
  transfer: Transfer,
  args: readonly string[],
  options: RunOptions,
): Promise<RsyncSuccess | RsyncTrouble> {
  const result = await run(['rsync', ...args], rsyncOptions(options));
  if (result.how === 'ended' && result.exitCode === 0) return { stdout: result.stdout };
  const facts = { destination: remoteDirectory(transfer), host: transfer.address.host };
  // rsync's own status for a timeout.
  const ended = result.how === 'hung' ? { ...result, exitCode: 30 } : result;
  return { failure: explainFailure(ended, facts), stderr: result.stderr };
}

/** The same, again while another transfer is under way, or while it fails without a word. */
export async function runRsyncPatiently(
  transfer: Transfer,
  args: readonly string[],
  options: RunOptions,
): Promise<RsyncSuccess | RsyncTrouble> {
  const deadline = Date.now() + lockPatience;
  for (;;) {
    const result = await runRsync(transfer, args, options);
    const isPassing = isTrouble(result) && (result.failure.isLocked || isSpeechless(result));
    if (!isPassing || Date.now() > deadline) return result;
    await setTimeout(lockInterval, undefined, { signal: options.signal });
  }
}

/** What rsync there says of a missing directory can get lost with the connection, and with it which one that is. */
function isSpeechless({ failure }: RsyncTrouble): boolean {
  return failure.code === 'spool_dir_unusable';
}

/** Opens a connection that stays until it is ended; undefined when it does not come about. */
export async function holdConnection(
  args: readonly string[],
  options: RunOptions,
): Promise<Running | undefined> {
  let open = (_isOpen: boolean) => {};
  const opened = new Promise<boolean>((resolve) => {
    open = resolve;
  });
  let said = '';
  const onOutput = (text: string) => {
    said += text;
    if (said.includes('file list')) open(true);
  };
  const running = start(['rsync', ...args], { ...rsyncOptions(options), onOutput, keepsInput: true });
  void running.result.then(() => open(false));
  if (await opened) return running;
  running.end();
  return undefined;
}

function rsyncOptions(options: RunOptions): RunOptions {
  const environment = childEnvironment(options.environment ?? process.env);
  return { ...options, environment, silentSeconds, seconds };
}
