/** Packs a published format into the spool. */
import { futimesSync } from 'node:fs';
import { type ArchivePlan, importMemory, PublishedFilesChanged } from '../archive/archive.ts';
import { readStamp } from '../archive/stamp.ts';
import { writeArchive } from '../archive/write-archive.ts';
import { planDeliveredArchive } from './content.ts';
import type { DeliveryContext, FormatDelivery } from './context.ts';
import type { Delivery } from './ledger-entry.ts';
import type { Sent } from './result.ts';

/** Starts over once when the published files changed meanwhile. */
export async function packAndSend(context: DeliveryContext, delivery: FormatDelivery): Promise<Sent> {
  try {
    return await packAndSendOnce(context, delivery);
  } catch (error) {
    if (!(error instanceof PublishedFilesChanged)) throw error;
    context.run.log.warn(`${delivery.archive}: ${error.message}; starting over`);
    return await packAndSendOnce(context, delivery);
  }
}

async function packAndSendOnce(
  { spool, run, ledger }: DeliveryContext,
  delivery: FormatDelivery,
): Promise<Sent> {
  const { published, archive: name, subDir, mapMeetingId } = delivery;
  // Before the plan: files that change between the two must not pass for the delivered ones.
  const stamp = readStamp(published.directory);
  const plan = planDeliveredArchive(published, mapMeetingId);
  warnOf(plan, name, run.log.warn);
  const modifiedAt = chooseTime(ledger.read(published)?.delivered);
  let checksum = '';
  let waited = 0;
  const bar = run.progress.start(name, plan.size, spool.lanes(subDir) > 1 ? 'sending' : 'packing');
  try {
    await spool.deliver({
      ...{ name, subDir, size: plan.size, signal: run.signal },
      warn: (message) => {
        bar.clear();
        run.log.warn(message);
      },
      debug: run.log.debug,
      logFile: run.config.logFile,
      write: async (target, path, onProgress) => {
        const written = await writeArchive(plan, target, {
          path,
          signal: run.signal,
          onProgress: (bytes) => {
            onProgress?.();
            bar.update(bytes, 'packing');
          },
        });
        checksum = written.checksum;
        setTime(target, modifiedAt);
      },
      onWaited: (milliseconds) => {
        waited = milliseconds;
      },
      onTransferred: run.progress.isShown ? (bytes) => bar.update(bytes, 'sending') : undefined,
    });
  } finally {
    bar.clear();
  }
  return { plan, stamp, checksum, modifiedAt, waited };
}

/** Whole seconds, which every file system and every rsync keeps, and none that an earlier archive had. */
function chooseTime(earlier: Delivery | undefined): number {
  const now = Math.floor(Date.now() / 1000) * 1000;
  return Math.max(now, ...(earlier?.modified_at === undefined ? [] : [earlier.modified_at + 1000]));
}

/** By its time an archive in `failed/` is distinguished from an earlier one there; without it, the state is the safer one. */
function setTime(file: number, time: number): void {
  try {
    futimesSync(file, time / 1000, time / 1000);
  } catch {
    // a file system that keeps no times
  }
}

function warnOf({ size, skipped, notice }: ArchivePlan, name: string, warn: (message: string) => void): void {
  const memory = importMemory(size);
  if (memory > 100)
    warn(`${name} is large: to import it, PILOS' PHP needs a memory_limit of ${memory + 100}M`);
  for (const one of skipped) warn(`${one}: left out of the archive`);
  if (notice !== undefined) warn(notice);
}
