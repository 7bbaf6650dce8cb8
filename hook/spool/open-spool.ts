/** `spool_dir` → the right {@link Spool}. The only place that distinguishes them. */
import type { SpoolAddress } from '../config/spool-address.ts';
import { ExpectedError } from '../errors.ts';
import { requireAnswers } from '../system/network-mount.ts';
import { routeSpools } from './route.ts';
import type { Spool } from './spool.ts';

/** What a spool takes from the configuration. */
export interface SpoolSettings {
  spool: SpoolAddress;
  /** By sub directory: those with an address of their own. */
  spoolDirs: ReadonlyMap<string, SpoolAddress>;
  workDir: string;
  extraRsyncOptions: string[];
  requireMount: boolean | string;
  retry: { attempts: number; maxSeconds: number };
  /** Bytes that archives may take in `work_dir` together, which wait for being sent. */
  workSpace: number;
}

export async function openSpool(settings: SpoolSettings): Promise<Spool> {
  const others = new Map<string, Spool>();
  // The mount point that is named is that of spool_dir.
  const requireMount = settings.requireMount !== false;
  for (const [subDir, address] of settings.spoolDirs)
    others.set(subDir, await openOne({ ...settings, requireMount }, address));
  return routeSpools(await openOne(settings, settings.spool), others);
}

/** Why nothing can be delivered to a mounted spool: its file system does not answer. Undefined when all of them do. */
export async function findSilence(
  { spool, spoolDirs }: Pick<SpoolSettings, 'spool' | 'spoolDirs'>,
  signal: AbortSignal,
): Promise<ExpectedError | undefined> {
  const paths = [spool, ...spoolDirs.values()].flatMap((one) => (one.kind === 'local' ? [one.path] : []));
  try {
    await requireAnswers(paths, signal);
    return undefined;
  } catch (error) {
    if (error instanceof ExpectedError) return error;
    throw error;
  }
}

async function openOne(settings: SpoolSettings, address: SpoolAddress): Promise<Spool> {
  if (address.kind === 'local') {
    const { localSpool } = await import('./local/local.ts');
    const { requireMount, workDir } = settings;
    return localSpool({ directory: address.path, requireMount, workDir });
  }
  const { rsyncSpool } = await import('./rsync/rsync.ts');
  return rsyncSpool({ ...settings, address });
}
