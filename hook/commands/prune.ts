/** Deletes local copies of recordings that are safely delivered, with BBB's own `bbb-record --delete`. */
import { readConfig } from '../config.ts';
import { openDelivery } from '../delivery.ts';
import { EXIT, type ExitStatus } from '../errors.ts';
import { type DeletionResult, deleteLocalCopy } from '../local-copy.ts';
import { readAllPublished } from '../recording.ts';
import { printJson, type Session } from '../session.ts';
import { parseMoment } from '../time-span.ts';
import { becomeOwner } from '../user.ts';

export interface PruneRequest {
  /** Delivered at least so long ago: a span of time or a date. */
  olderThan: string;
  dryRun: boolean;
}

/** Deletes what was completely delivered before `olderThan`; returns the exit status. */
export async function prune(request: PruneRequest, session: Session): Promise<ExitStatus> {
  const before = parseMoment('--older-than', request.olderThan, Date.now());
  const config = readConfig(session.choice, session.environment);
  becomeOwner(config.publishedDir);
  if (!request.dryRun) session.log.setFile(config.logFile);
  const context = await openDelivery(config, session);
  const results: DeletionResult[] = [];
  for (const meetingId of readAllPublished(config).keys()) {
    session.signal.throwIfAborted();
    const result = await deleteLocalCopy(context, meetingId, { before, dryRun: request.dryRun });
    if (result !== undefined) results.push(result);
  }
  return report(session, results);
}

function report(session: Session, results: DeletionResult[]): ExitStatus {
  const status = results.find((result) => result.exit_status !== undefined)?.exit_status ?? EXIT.ok;
  if (session.json) {
    printJson({ results, exit_status: status });
    return status;
  }
  for (const { meeting_id, state, reason, exit_status } of results) {
    if (state === 'planned') session.log.info(`would delete ${meeting_id}`);
    else if (state === 'kept' && exit_status !== undefined)
      session.log.error(`${meeting_id} is kept: ${reason}`);
    else if (state === 'kept') session.log.debug(`${meeting_id} is kept: ${reason}`);
  }
  const count = (state: DeletionResult['state']) => results.filter((result) => result.state === state).length;
  session.log.info(
    `${count('deleted')} deleted, ${count('planned')} to be deleted, ${count('kept')} kept, ${count('failed')} failed`,
  );
  return status;
}
