/** `deliver --confirm-mount`: what is mounted at the spool now is right, though earlier deliveries went elsewhere. */
import { existsSync } from 'node:fs';
import { confirmDirectories, type Exchange } from '../spool/local/known-directories.ts';
import { findSilence } from '../spool/open-spool.ts';
import { archiveFolders } from '../spool/spool.ts';
import type { DeliveryContext } from './context.ts';
import { openLedger } from './ledger.ts';
import { importStateOf } from './ledger-entry.ts';
import { isFromBefore } from './left-behind.ts';

/**
 * What lay in the former file system or directory and was not seen imported would now look as if PILOS had taken it: it is
 * delivered again, and PILOS drops what it has.
 */
export async function confirmMount(context: DeliveryContext): Promise<void> {
  const { config, run } = context;
  const silence = await findSilence(config, run.signal);
  if (silence !== undefined) throw silence;
  confirmDirectories(config.workDir, (exchange) => {
    forgetLeftBehind(context, exchange);
    run.log.info(`${exchange.name} is right from now on: ${exchange.now.title}`);
  });
}

function forgetLeftBehind(
  { config, run, ledger }: DeliveryContext,
  { name: directory, since }: Exchange,
): void {
  for (const [one, sender] of [
    [ledger, 'deliver'],
    [openLedger(config.workDir, 'migrated'), 'migrate'],
  ] as const)
    for (const { delivered, ...entry } of one.readAll()) {
      if (delivered?.destination !== directory || !isFromBefore(delivered, since)) continue;
      if (importStateOf(delivered) !== 'delivered') continue;
      if (archiveFolders.some((folder) => existsSync(`${directory}/${folder}${delivered.name}`))) continue;
      const { meeting_id: meetingId, record_id: recordId, format } = entry;
      one.forgetDelivery({ meetingId, recordId, format });
      run.log.info(
        `${delivered.name}: ${sender} sends it again, since it was not seen imported, and does not lie in ${directory} as it is now`,
      );
    }
}
