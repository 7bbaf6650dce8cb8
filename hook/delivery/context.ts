/** What every delivery of a run shares, and the lock that keeps two runs from the same format. */
import { archiveName, type PublishedFormat } from '../bbb/bbb.ts';
import type { Config } from '../config/config.ts';
import type { Run } from '../run.ts';
import { openSpool } from '../spool/open-spool.ts';
import type { Spool } from '../spool/spool.ts';
import { acquireLock } from '../system/lock.ts';
import { requireProc } from '../system/proc.ts';
import type { ResultBasis } from './outcome.ts';

export interface DeliveryContext {
  config: Config;
  spool: Spool;
  run: Run;
}

export async function openDelivery(config: Config, run: Run): Promise<DeliveryContext> {
  requireProc();
  return { config, run, spool: await openSpool(config) };
}

/** The lock that every run holds while it works on one format of one recording. */
export function lockFormat(config: Config, published: PublishedFormat, signal: AbortSignal) {
  return acquireLock(`${config.workDir} ${archiveName(published)}`, { wait: true, signal });
}

export function resultBasis(
  { spool }: DeliveryContext,
  published: PublishedFormat,
  subDir: string,
): ResultBasis {
  const { recordId, format } = published;
  return {
    record_id: recordId,
    format,
    archive: archiveName(published),
    destination: spool.destination(subDir),
  };
}
