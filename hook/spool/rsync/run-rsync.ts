/** Runs rsync once for a spool on another host, until it has ended, through the run's one connection. */
import { EXIT, ExpectedError } from '../../errors.ts';
import { type ChildOptions, type RunningChild, startChild } from '../../system/child-process.ts';
import { shellQuote } from '../../system/shell-quote.ts';
import type { Parcel, SpoolWatcher } from '../spool.ts';
import { childEnvironment } from './child-environment.ts';
import { type Connection, createConnection } from './connection.ts';
import { explainFailure, type RsyncFailure } from './failure.ts';
import { parseProgress } from './output.ts';
import type { RenamingRefusal } from './renaming-refusal.ts';
import { choosesShell } from './ssh-arguments.ts';
import { type RemoteAddress, remoteDirectory, type Transfer } from './transfer.ts';

export interface RsyncSpoolSettings {
  address: RemoteAddress;
  workDir: string;
  extraRsyncOptions: string[];
  retry: { attempts: number; maxSeconds: number };
  workSpace: number;
  connectSeconds?: number | undefined;
}

/** A spool on another host, and the way there. */
export interface RsyncLink {
  settings: RsyncSpoolSettings;
  /** Undefined to a daemon, and with an `-e` of the admin's own. */
  connection: Connection | undefined;
  /** How the server has refused to rename: what comes next is sent whole, and that is not said again. */
  renamingRefusal?: RsyncFailure;
  /** What earlier runs have found of that; a check finds it out anew. */
  knownRefusal?: RenamingRefusal;
}

export function createLink(settings: RsyncSpoolSettings): RsyncLink {
  const transfer = transferOf(settings, '', '');
  const isOurs = settings.address.kind === 'ssh' && !choosesShell(transfer.extraOptions);
  return { settings, connection: isOurs ? createConnection(transfer, settings.workDir) : undefined };
}

export function transferOf(settings: RsyncSpoolSettings, name: string, subDir: string): Transfer {
  const { address, extraRsyncOptions: extraOptions, connectSeconds } = settings;
  return { address, subDir, baseName: name.replace(/\.tar$/, ''), extraOptions, connectSeconds };
}

export interface RsyncRun {
  link: RsyncLink;
  transfer: Transfer;
  /** Who hears of it, and can end it. */
  watcher: SpoolWatcher & Pick<Parcel, 'onTransferred'>;
}

/** Starts rsync through the run's connection. */
export async function startRsync(
  { link, transfer, watcher }: RsyncRun,
  build: (transfer: Transfer) => string[],
  options: Pick<ChildOptions, 'onOutput' | 'keepsInput'>,
): Promise<{ running: RunningChild; socket: { name: string } | undefined }> {
  const socket = await link.connection?.socket(watcher);
  const command = ['rsync', ...build({ ...transfer, controlSocket: socket?.name })];
  watcher.debug(`running: ${shellQuote(command)}`);
  const running = startChild(command, {
    ...options,
    ...(socket === undefined ? {} : { directory: socket.directory }),
    environment: childEnvironment(process.env),
    signal: watcher.signal,
    endsWithUs: true,
  });
  return { running, socket };
}

/**
 * Runs rsync until it has ended, also when we are to stop.
 *
 * @param build makes its arguments
 * @param accepted exit statuses that are no failure
 */
export async function runRsync(
  { link, transfer, watcher }: RsyncRun,
  build: (transfer: Transfer) => string[],
  accepted: readonly number[] = [0],
): Promise<{ stdout: string; exitCode: number }> {
  const { onTransferred } = watcher;
  const progress = onTransferred === undefined ? [] : ['--info=progress2', '--no-human-readable'];
  const { running, socket } = await startRsync(
    { link, transfer, watcher },
    (to) => [...progress, ...build(to)],
    {
      onOutput: (text) => {
        const bytes = parseProgress(text);
        if (bytes !== undefined) onTransferred?.(bytes);
      },
    },
  );
  const result = await running.result;
  const { exitStatus: exitCode, stdout, stderr } = result;
  if (exitCode !== undefined && accepted.includes(exitCode)) return { stdout, exitCode };
  if (result.spawnError !== undefined) throw notInstalled(result.spawnError);
  const facts = { destination: remoteDirectory(transfer), host: transfer.address.host };
  const isStanding = socket !== undefined && (await link.connection?.isStanding());
  const phase = socket === undefined ? undefined : isStanding ? 'transfer' : 'cut';
  throw explainFailure({ exitCode, signal: result.signal, stderr }, facts, phase);
}

function notInstalled(cause: string): ExpectedError {
  return new ExpectedError('rsync cannot be run here', {
    code: 'rsync_missing',
    exitStatus: EXIT.unavailable,
    fix: 'apt-get install rsync openssh-client',
    cause,
  });
}
