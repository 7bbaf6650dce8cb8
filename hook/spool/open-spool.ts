/** `spool_dir` → the right {@link Spool}. The only place that tells them apart. */
import type { SpoolAddress } from '../config/spool-address.ts';
import type { Spool } from './spool.ts';

/** What a spool takes from the configuration. */
export interface SpoolSettings {
  spool: SpoolAddress;
  workDir: string;
  extraRsyncOptions: string[];
  requireMount: boolean | string;
  retry: { attempts: number; maxSeconds: number };
}

export async function openSpool(settings: SpoolSettings): Promise<Spool> {
  const { spool } = settings;
  if (spool.kind === 'local') {
    const { localSpool } = await import('./local/local.ts');
    return localSpool({ directory: spool.path, requireMount: settings.requireMount });
  }
  const { rsyncSpool } = await import('./rsync/rsync.ts');
  return rsyncSpool({ ...settings, address: spool });
}
