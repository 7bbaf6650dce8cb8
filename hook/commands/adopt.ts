/**
 * After an upgrade from PILOS' or Scalelite's script: what that has sent is noted in the ledger. Else the first
 * `resend` would send the whole history of the server again, and in PILOS deleted recordings would come back.
 */
import { statSync } from 'node:fs';
import { archiveName, type PublishedFormat } from '../bbb/bbb.ts';
import { senderDoneFile } from '../bbb/sender-done.ts';
import { type Config, readConfig } from '../config/config.ts';
import { openLedger, readStamp } from '../delivery/ledger.ts';
import { EXIT, type ExitStatus } from '../errors.ts';
import { readOurMeetings } from '../pilos/meetings.ts';
import type { Run } from '../run.ts';
import { becomeOwner } from '../system/user.ts';
import { printJson } from '../terminal/lines.ts';

/** The destination that the ledger has for what was sent before our time. */
export const sentBefore = 'sent before pilos-post-publish was installed';

export interface AdoptRequest {
  dryRun: boolean;
}

/** Notes as delivered what has no entry yet, and was published before its meeting's `-sender.done` was written. */
export async function adopt({ dryRun }: AdoptRequest, run: Run): Promise<ExitStatus> {
  const config = readConfig(run.choice, run.environment);
  becomeOwner(config.publishedDir);
  if (!dryRun) run.log.setFile(config.logFile);
  const ledger = openLedger(config.workDir);
  const adopted: string[] = [];
  for (const { published } of readOurMeetings(config, () => true, run.log.debug)) {
    for (const one of published) {
      const sentAt = wasSentAt(config, one);
      if (sentAt === undefined || ledger.read(one) !== undefined) continue;
      adopted.push(archiveName(one));
      if (dryRun) continue;
      const delivery = { at: new Date(sentAt).toISOString(), bytes: 0, seconds: 0, destination: sentBefore };
      // No fingerprint: nobody knows which files were sent.
      ledger.recordDelivery(one, {
        ...delivery,
        name: archiveName(one),
        fingerprint: '',
        stamp: readStamp(one),
      });
    }
  }
  const many = adopted.length === 1 ? '1 format' : `${adopted.length} formats`;
  const noted = dryRun ? 'would be noted' : 'noted';
  run.log.info(`${many} ${noted} as sent before (-sender.done), which 'resend' will not send again`);
  if (run.json) printJson({ adopted, exit_status: EXIT.ok });
  return EXIT.ok;
}

/** Those scripts write the `-sender.done` anew after each format; milliseconds since 1970. */
function wasSentAt(config: Config, { meetingId, directory }: PublishedFormat): number | undefined {
  const done = statSync(senderDoneFile(config.recordingDir, meetingId), { throwIfNoEntry: false });
  const published = statSync(`${directory}/metadata.xml`, { throwIfNoEntry: false });
  return done !== undefined && published !== undefined && published.mtimeMs <= done.mtimeMs
    ? done.mtimeMs
    : undefined;
}
