/** `deliver --confirm-mount`: what is mounted at the spool now is right, though earlier deliveries went elsewhere. */
import { existsSync } from 'node:fs';
import { confirmFileSystems } from '../spool/local/known-file-systems.ts';
import { findSilence } from '../spool/open-spool.ts';
import { archiveFolders } from '../spool/spool.ts';
import type { DeliveryContext } from './context.ts';

/**
 * What lay in the former file system and was not seen imported would now look as if PILOS had taken it: it is
 * delivered again, and PILOS drops what it has.
 */
export async function confirmMount({ config, ledger, run }: DeliveryContext): Promise<void> {
  const silence = await findSilence(config, run.signal);
  if (silence !== undefined) throw silence;
  confirmFileSystems(config.workDir, (directory, { title }) => {
    for (const { delivered, ...entry } of ledger.readAll()) {
      const isOpen =
        delivered?.destination === directory && (delivered.import?.state ?? 'delivered') === 'delivered';
      if (!isOpen || archiveFolders.some((folder) => existsSync(`${directory}/${folder}${delivered.name}`)))
        continue;
      const { meeting_id: meetingId, record_id: recordId, format } = entry;
      ledger.forgetDelivery({ meetingId, recordId, format });
      run.log.info(
        `${delivered.name} is delivered again: it was not imported, and is not on the file system that is mounted now`,
      );
    }
    run.log.info(`${directory}: ${title} is the right file system from now on`);
  });
}
