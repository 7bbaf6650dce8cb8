/** Runs rsync once for a spool on another host, until it has ended. */
import { execa } from 'execa';
import type { SpoolAddress } from '../../config/spool-address.ts';
import { EXIT, ExpectedError } from '../../errors.ts';
import { shellQuote } from '../../system/shell-quote.ts';
import type { Parcel, SpoolWatcher } from '../spool.ts';
import { parseProgress, remoteDirectory, type Transfer } from './arguments.ts';
import { explainFailure } from './failure.ts';

export interface RsyncSpoolSettings {
  address: Exclude<SpoolAddress, { kind: 'local' }>;
  workDir: string;
  extraRsyncOptions: string[];
  retry: { attempts: number; maxSeconds: number };
}

export function transferOf(settings: RsyncSpoolSettings, name: string, subDir: string): Transfer {
  const { address, extraRsyncOptions: extraOptions } = settings;
  return { address, subDir, baseName: name.replace(/\.tar$/, ''), extraOptions };
}

/** Who is told of a run of rsync, and can end it. */
export type RsyncWatcher = SpoolWatcher & Pick<Parcel, 'onTransferred'>;

/**
 * Runs rsync until it has ended, also when we are told to stop.
 *
 * @param accepted exit statuses that are no failure
 */
export async function runRsync(
  { parcel, transfer }: { parcel: RsyncWatcher; transfer: Transfer },
  args: string[],
  accepted: readonly number[] = [0],
): Promise<{ stdout: string; exitCode: number }> {
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
  const { exitCode, stdout } = result;
  if (exitCode !== undefined && accepted.includes(exitCode)) return { stdout, exitCode };
  const isSpawned = exitCode !== undefined || result.signal !== undefined;
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
