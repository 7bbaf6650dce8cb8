/**
 * A transfer that was cut leaves a part of its archive in the spool, under a name that PILOS ignores. The next try goes on
 * with it; when the recording has been deleted here there is none, and nobody else would ever remove it.
 */
import { existsSync } from 'node:fs';
import { archiveName } from '../bbb/bbb.ts';
import { attempt, ExpectedError } from '../errors.ts';
import type { DeliveryContext } from './context.ts';
import type { LedgerEntry, LedgerKey } from './ledger-entry.ts';
import { tolerate } from './result.ts';

/** Milliseconds: a recording that is being rebuilt is gone for a while. */
const patience = 7 * 24 * 3_600_000;

/** Removes what is left of recordings that have been gone for a week, with one question for each sub directory. */
export async function removeCutTransfers(
  context: DeliveryContext,
  entries: readonly LedgerEntry[],
): Promise<void> {
  const { config, run, spool, dead } = context;
  const orphans = entries.filter((entry) => isOrphan(entry, config.publishedDir));
  const bySubDir = Map.groupBy(orphans, ({ cut }) => cut?.sub_dir ?? '');
  for (const [subDir, group] of bySubDir) {
    const here = group.filter(({ cut }) => cut?.destination === spool.destination(subDir));
    if (here.length === 0 || dead.has(spool.location(subDir))) continue;
    run.signal.throwIfAborted();
    await tolerate(run, `parts of archives remain in ${spool.destination(subDir)}`, () =>
      removeThem(context, subDir, here.map(keyOf)),
    );
  }
}

function isOrphan({ cut, record_id, format }: LedgerEntry, publishedDir: string): boolean {
  if (cut === undefined || !(Date.now() - Date.parse(cut.at) > patience)) return false;
  return !existsSync(`${publishedDir}/${format}/${record_id}`);
}

function keyOf({ meeting_id: meetingId, record_id: recordId, format }: LedgerEntry): LedgerKey {
  return { meetingId, recordId, format };
}

async function removeThem(
  { run, spool, ledger }: DeliveryContext,
  subDir: string,
  keys: readonly LedgerKey[],
): Promise<void> {
  const names = keys.map(archiveName);
  try {
    await spool.removeCut(subDir, names, { signal: run.signal, warn: run.log.warn, debug: run.log.debug });
    run.log.info(`removed what cut transfers had left in ${spool.destination(subDir)}: ${names.join(', ')}`);
  } catch (error) {
    // It will never let us: not asked again.
    if (!(error instanceof ExpectedError && error.code === 'renaming_refused')) throw error;
    run.log.debug(error.message);
  }
  for (const key of keys) {
    const noted = attempt(() => ledger.forgetCut(key));
    if (noted instanceof ExpectedError) run.log.debug(noted.message);
  }
}
