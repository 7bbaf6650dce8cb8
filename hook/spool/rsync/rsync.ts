/** A spool on another host: the archive is made in `work_dir`, sent with rsync, and renamed there when complete. */
import { closeSync, mkdirSync, openSync, renameSync, rmSync, statfsSync } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { execa } from 'execa';
import pRetry from 'p-retry';
import type { SpoolAddress } from '../../config/spool-address.ts';
import { EXIT, ExpectedError } from '../../errors.ts';
import { translateErrno, withErrnoTranslated, withErrnoTranslatedAsync } from '../../system/errno.ts';
import { shellQuote } from '../../system/shell-quote.ts';
import { temporaryPath } from '../../system/work-dir.ts';
import type { Parcel, Spool } from '../spool.ts';
import {
  listArguments,
  parseListedArchives,
  parseProgress,
  remoteDirectory,
  renameArguments,
  saysRenamed,
  saysSent,
  sendArguments,
  sendWholeArguments,
  type Transfer,
} from './arguments.ts';
import { explainFailure, RsyncFailure } from './failure.ts';

export interface RsyncSpoolSettings {
  address: Exclude<SpoolAddress, { kind: 'local' }>;
  workDir: string;
  extraRsyncOptions: string[];
  retry: { attempts: number; maxSeconds: number };
}

/** How much longer than `retry.max_seconds` we wait for rrsync's lock: another archive may take its time. */
const lockPatience = 5;

export function rsyncSpool(settings: RsyncSpoolSettings): Spool {
  const { address } = settings;
  return {
    destination: (subDir) => remoteDirectory({ address, subDir }),
    deliver: (parcel) => deliverOverRsync(settings, parcel),
    readWaiting: (subDir, watcher) => readWaiting(settings, subDir, watcher),
    describeDelivery: ({ name, size, subDir }) => {
      checkSpace(settings.workDir, size);
      const transfer = transferOf(settings, name, subDir);
      const work = `${settings.workDir}/tmp/RUN`;
      return [
        `write the archive to ${work}/${transfer.baseName}`,
        `run: ${shellQuote(['rsync', ...sendArguments(transfer, `${work}/${transfer.baseName}`)])}`,
        `run: ${shellQuote(['rsync', ...renameArguments(transfer, `${work}/empty`)])}`,
        `remove ${work}`,
      ];
    },
  };
}

function transferOf(settings: RsyncSpoolSettings, name: string, subDir: string): Transfer {
  const { address, extraRsyncOptions: extraOptions } = settings;
  return { address, subDir, baseName: name.replace(/\.tar$/, ''), extraOptions };
}

async function deliverOverRsync(settings: RsyncSpoolSettings, parcel: Parcel): Promise<void> {
  const directory = temporaryPath(settings.workDir);
  try {
    const shipment = await prepare(settings, parcel, directory);
    await retrying(settings, parcel, () => whenUnlocked(settings, parcel, () => sendAndRename(shipment)));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Tries again what may pass, as often as `retry` in `pilos.yml` says. */
function retrying<T>(settings: RsyncSpoolSettings, watcher: Watcher, action: () => Promise<T>): Promise<T> {
  return pRetry(action, {
    retries: settings.retry.attempts - 1,
    maxRetryTime: settings.retry.maxSeconds * 1000,
    minTimeout: 2000,
    randomize: true,
    signal: watcher.signal,
    shouldRetry: ({ error }) => error instanceof ExpectedError && error.retryable,
    onFailedAttempt: ({ error, retriesLeft, retryDelay }) => {
      const isRetried = error instanceof ExpectedError && error.retryable && retryDelay > 0;
      if (isRetried)
        watcher.warn(`${error.message}; ${retriesLeft} more ${retriesLeft === 1 ? 'try' : 'tries'}`);
    },
  });
}

/** The archive and what else rsync needs, in a directory of this run. */
interface Shipment {
  transfer: Transfer;
  parcel: Parcel;
  archive: string;
  emptyDirectory: string;
  /** Set once the server has refused to rename. */
  isSentWhole: boolean;
}

async function prepare(settings: RsyncSpoolSettings, parcel: Parcel, directory: string): Promise<Shipment> {
  const transfer = transferOf(settings, parcel.name, parcel.subDir);
  const archive = `${directory}/${transfer.baseName}`;
  const emptyDirectory = `${directory}/empty`;
  await withErrnoTranslatedAsync(`cannot write ${archive}`, async () => {
    mkdirSync(directory, { mode: 0o700 });
    mkdirSync(emptyDirectory);
    checkSpace(settings.workDir, parcel.size);
    const file = openSync(archive, 'wx', 0o600);
    try {
      await parcel.write(file, archive);
    } finally {
      closeSync(file);
    }
  });
  return { transfer, parcel, archive, emptyDirectory, isSentWhole: false };
}

function checkSpace(workDir: string, size: number): void {
  const { bavail, bsize } = existingSpace(workDir);
  if (size <= bavail * bsize) return;
  throw new ExpectedError(
    `not enough space in work_dir: the archive needs ${size} bytes, of which ${bavail * bsize} are free`,
    {
      exitStatus: EXIT.io,
      fix: `free some space in ${workDir}, or set work_dir in pilos.yml to a larger disk`,
    },
  );
}

/** Before the first run, and in a dry run, `work_dir` need not exist: its nearest directory that does counts. */
function existingSpace(directory: string): { bavail: number; bsize: number } {
  try {
    return statfsSync(directory);
  } catch (error) {
    const parent = directory.slice(0, directory.lastIndexOf('/')) || '/';
    if (directory === '/') throw translateErrno(error, `cannot look at ${directory}`);
    return existingSpace(parent);
  }
}

/** Of several transfers at once rrsync refuses all but one: wait for our turn, without using up the retries. */
async function whenUnlocked<T>(
  settings: RsyncSpoolSettings,
  watcher: Watcher,
  action: () => Promise<T>,
): Promise<T> {
  const deadline = Date.now() + settings.retry.maxSeconds * lockPatience * 1000;
  for (;;) {
    try {
      return await action();
    } catch (error) {
      if (!(error instanceof RsyncFailure && error.isLocked && Date.now() < deadline)) throw error;
      watcher.debug(`${error.message}: waiting`);
      await setTimeout(1000 + Math.random() * 2000, undefined, { signal: watcher.signal });
    }
  }
}

async function readWaiting(
  settings: RsyncSpoolSettings,
  subDir: string,
  watcher: Watcher,
): Promise<string[] | undefined> {
  const transfer = transferOf(settings, '', subDir);
  try {
    const list = () => runRsync({ transfer, parcel: watcher }, listArguments(transfer));
    return parseListedArchives(
      await retrying(settings, watcher, () => whenUnlocked(settings, watcher, list)),
    );
  } catch (error) {
    const isRefused =
      error instanceof RsyncFailure &&
      (['refused', 'option refused'].includes(error.kind) || /write[- ]only/.test(error.message));
    if (!isRefused) throw error;
    watcher.debug(error.message);
    return undefined;
  }
}

async function sendAndRename(shipment: Shipment): Promise<void> {
  if (shipment.isSentWhole) return await sendWhole(shipment);
  const { transfer, parcel, archive, emptyDirectory } = shipment;
  try {
    checkSent(shipment, await runRsync(shipment, sendArguments(transfer, archive)));
  } catch (error) {
    if (!(error instanceof RsyncFailure && error.isDeletionRefused)) throw error;
    parcel.warn(`${error.message}: a cut transfer cannot be resumed there; ${error.fix}`);
    return await sendWhole(shipment);
  }
  const output = await runRsync(shipment, renameArguments(transfer, emptyDirectory));
  if (saysRenamed(output, transfer.baseName)) return;
  throw new ExpectedError(
    `${transfer.baseName} was sent to ${remoteDirectory(transfer)}, but is not there any more`,
    {
      exitStatus: EXIT.temporary,
      retryable: true,
      fix: 'check whether something else removes files there, and extra_rsync_opts in pilos.yml',
    },
  );
}

/** An option such as `--update` may have kept the file from being sent: what lies there is then not this archive. */
function checkSent({ transfer, archive }: Shipment, output: string): void {
  if (saysSent(output, basename(archive))) return;
  throw new ExpectedError(
    `rsync has not sent ${basename(archive)} to ${remoteDirectory(transfer)}, and does not say why`,
    {
      exitStatus: EXIT.config,
      fix: 'check extra_rsync_opts in pilos.yml',
      scope: 'spool',
    },
  );
}

async function sendWhole(shipment: Shipment): Promise<void> {
  if (!shipment.isSentWhole) {
    const named = `${shipment.archive}.tar`;
    withErrnoTranslated(`cannot rename ${shipment.archive}`, () => renameSync(shipment.archive, named));
    Object.assign(shipment, { archive: named, isSentWhole: true });
  }
  checkSent(shipment, await runRsync(shipment, sendWholeArguments(shipment.transfer, shipment.archive)));
}

/** Who is told of a run of rsync, and can end it. */
type Watcher = Pick<Parcel, 'signal' | 'warn' | 'debug' | 'onTransferred'>;

/** Runs rsync until it has ended, also when we are told to stop; returns its output. */
async function runRsync(
  { parcel, transfer }: { parcel: Watcher; transfer: Transfer },
  args: string[],
): Promise<string> {
  const isWatched = parcel.onTransferred !== undefined;
  const command = ['rsync', ...(isWatched ? ['--info=progress2', '--no-human-readable'] : []), ...args];
  parcel.debug(`running: ${shellQuote(command)}`);
  // If we are killed, rsync must not go on sending beside the run that comes after us.
  const child = execa('setpriv', ['--pdeathsig', 'TERM', '--', ...command], {
    cancelSignal: parcel.signal,
    forceKillAfterDelay: 10_000,
    env: childEnvironment(process.env),
    extendEnv: false,
    reject: false,
    stdin: 'ignore',
    maxBuffer: 10_000_000,
  });
  child.stdout.on('data', (chunk: Buffer) => {
    const bytes = parseProgress(chunk.toString('latin1'));
    if (bytes !== undefined) parcel.onTransferred?.(bytes);
  });
  const result = await child;
  parcel.signal.throwIfAborted();
  if (result.exitCode === 0) return result.stdout;
  const isSpawned = result.exitCode !== undefined || result.signal !== undefined;
  if (!isSpawned || /^setpriv: failed to execute/m.test(result.stderr)) throw notInstalled(result.stderr);
  throw explainFailure(result, { destination: remoteDirectory(transfer), host: transfer.address.host });
}

/** rsync's own variables change what it does (`RSYNC_RSH` runs a command); its messages are read in English. */
export function childEnvironment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(environment).filter(
    ([name]) => !/^(?:RSYNC_.*|LANG|LANGUAGE|LC_.*|NODE_OPTIONS)$/.test(name),
  );
  // Without one, rsync would ask on the terminal, and wait for ever; the file of --password-file still wins.
  return { ...Object.fromEntries(kept), LC_ALL: 'C', RSYNC_PASSWORD: '' };
}

function notInstalled(cause: string): ExpectedError {
  return new ExpectedError('rsync cannot be run here', {
    exitStatus: EXIT.unavailable,
    fix: 'apt-get install rsync openssh-client',
    cause,
  });
}
