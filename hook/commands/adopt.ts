/**
 * After an upgrade from PILOS' or Scalelite's script: what that has sent is noted in the ledger. Else the first
 * `resend` would send the whole history of the server again, and in PILOS deleted recordings would come back.
 */
import { statSync } from 'node:fs';
import { type Config, readConfig } from '../config.ts';
import { EXIT, type ExitStatus } from '../errors.ts';
import { openLedger, readStamp } from '../ledger.ts';
import { readOurMeetings } from '../ours.ts';
import { archiveName, type PublishedFormat } from '../recording.ts';
import { senderDoneFile } from '../sender-done.ts';
import { printJson, type Session } from '../session.ts';
import { becomeOwner } from '../user.ts';

/** The destination that the ledger has for what was sent before our time. */
export const sentBefore = 'sent before pilos-post-publish was installed';

export interface AdoptRequest {
  dryRun: boolean;
}

/** Notes as delivered what has no entry yet, and was published before its meeting's `-sender.done` was written. */
export async function adopt({ dryRun }: AdoptRequest, session: Session): Promise<ExitStatus> {
  const config = readConfig(session.choice, session.environment);
  becomeOwner(config.publishedDir);
  if (!dryRun) session.log.setFile(config.logFile);
  const ledger = openLedger(config.workDir);
  const adopted: string[] = [];
  for (const { published } of readOurMeetings(config, () => true, session.log.debug)) {
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
  session.log.info(`${many} ${noted} as sent before (-sender.done), which 'resend' will not send again`);
  if (session.json) printJson({ adopted, exit_status: EXIT.ok });
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
