/** Deletes local copies of recordings that are safely delivered, with BBB's own `bbb-record --delete`. */
import { existsSync } from 'node:fs';
import { planArchive } from '../archive.ts';
import { type Config, readConfig } from '../config.ts';
import { type DeliveryContext, lockFormat } from '../delivery.ts';
import { describeError, EXIT, type ExitStatus, ExpectedError, exitStatusOf } from '../errors.ts';
import { openLedger } from '../ledger.ts';
import { readMeetingMetadata } from '../metadata.ts';
import { eventsFile, type PublishedFormat, readAllPublished, readPublishedFormats } from '../recording.ts';
import { validateSubDir } from '../safe-path.ts';
import { readOutstanding } from '../sender-done.ts';
import { printJson, type Session } from '../session.ts';
import { openSpool } from '../spool/index.ts';
import { parseMoment } from '../time-span.ts';
import { becomeOwner } from '../user.ts';

export interface PruneRequest {
  /** Delivered at least so long ago: a span of time or a date. */
  olderThan: string;
  dryRun: boolean;
}

interface PruneResult {
  meeting_id: string;
  state: 'deleted' | 'planned' | 'kept' | 'failed';
  /** Why it was kept, or what failed. */
  reason?: string;
  exit_status?: ExitStatus;
}

/** Deletes what was completely delivered before `olderThan`; returns the exit status. */
export async function prune(request: PruneRequest, session: Session): Promise<ExitStatus> {
  const before = parseMoment('--older-than', request.olderThan, Date.now());
  const config = readConfig(session.choice, session.environment);
  becomeOwner(config.publishedDir);
  if (!request.dryRun) session.log.setFile(config.logFile);
  const context = { config, session, spool: await openSpool(config) };
  const results: PruneResult[] = [];
  for (const meetingId of readAllPublished(config).keys()) {
    session.signal.throwIfAborted();
    const result = await pruneMeeting(context, meetingId, { before, dryRun: request.dryRun });
    if (result !== undefined) results.push(result);
  }
  return report(session, results);
}

/** `delete_after_transfer`: the same at once, for one meeting. A failure is told; the delivery has succeeded. */
export async function deleteDelivered(context: DeliveryContext, meetingId: string): Promise<void> {
  if (context.config.publishSteps.length === 0) {
    context.session.log.warn(
      "not deleted: BBB's configuration has no steps, so other formats may still come",
    );
    return;
  }
  const result = await pruneMeeting(context, meetingId, { before: Number.POSITIVE_INFINITY, dryRun: false });
  if (result?.state === 'kept')
    context.session.log.warn(`meeting ${meetingId} is not deleted: ${result.reason}`);
}

interface PruneRules {
  /** Deliveries that were complete before this moment, milliseconds since 1970. */
  before: number;
  dryRun: boolean;
}

/** Undefined for a meeting that is not ours. */
async function pruneMeeting(
  context: DeliveryContext,
  meetingId: string,
  rules: PruneRules,
): Promise<PruneResult | undefined> {
  const { config, session } = context;
  const published = readPublishedFormats(config, meetingId);
  const locks = [];
  try {
    // Nothing of it may be on its way while we look and delete.
    for (const one of published) locks.push(await lockFormat(config, one, session.signal));
    const subDir = ownSubDir(config, meetingId, published);
    if (subDir === undefined) return undefined;
    const reason = whyKept(context, meetingId, published, subDir, rules);
    if (reason !== undefined) return { meeting_id: meetingId, state: 'kept', ...reason };
    if (rules.dryRun) return { meeting_id: meetingId, state: 'planned' };
    await deleteRecordings(session, published);
    session.log.info(`deleted the local copy of ${meetingId}`);
    return { meeting_id: meetingId, state: 'deleted' };
  } catch (error) {
    if (!(error instanceof ExpectedError)) throw error;
    session.log.error(`${meetingId} is not deleted: ${describeError(error)}`);
    return {
      meeting_id: meetingId,
      state: 'failed',
      reason: describeError(error),
      exit_status: exitStatusOf(error),
    };
  } finally {
    for (const lock of locks) await lock?.release();
  }
}

function ownSubDir(config: Config, meetingId: string, published: PublishedFormat[]): string | undefined {
  const files = () => published.map(({ directory }) => `${directory}/metadata.xml`);
  const metadata = readMeetingMetadata(eventsFile(config, meetingId), files, () => undefined);
  return config.origins.includes(metadata.origin)
    ? validateSubDir(metadata.subDir, config.allowedSubDirs)
    : undefined;
}

/** Why a meeting of ours must not be deleted; undefined when it may. */
function whyKept(
  { config, spool }: DeliveryContext,
  meetingId: string,
  published: PublishedFormat[],
  subDir: string,
  { before }: PruneRules,
): Pick<PruneResult, 'reason' | 'exit_status'> | undefined {
  const ledger = openLedger(config.workDir);
  const { left } = readOutstanding(config, ledger, meetingId, published);
  if (left.length > 0)
    return { reason: `outstanding: ${left.map((state) => `${state.format} (${state.state})`).join(', ')}` };
  for (const one of published) {
    const delivered = ledger.read(one)?.delivered;
    if (delivered === undefined) return { reason: `outstanding: ${one.format}` };
    const destination = spool.destination(subDir);
    if (delivered.destination !== destination) {
      const reason = `${one.format} was delivered to ${delivered.destination}, but spool_dir now says ${destination}; deliver it there with 'pilos-post-publish -m ${meetingId}'`;
      return { reason, exit_status: EXIT.config };
    }
    if (Date.parse(delivered.at) >= before)
      return { reason: `${one.format} was delivered at ${delivered.at}` };
    const { fingerprint } = planArchive(one.directory, `${one.format}/${one.recordId}`);
    if (fingerprint !== delivered.fingerprint)
      return { reason: `${one.format} has changed since its delivery` };
  }
  return undefined;
}

async function deleteRecordings(session: Session, published: PublishedFormat[]): Promise<void> {
  const { execa } = await import('execa');
  for (const recordId of new Set(published.map((one) => one.recordId))) {
    const command = `bbb-record --delete ${recordId}`;
    const result = await execa('bbb-record', ['--delete', recordId], {
      cancelSignal: session.signal,
      reject: false,
      stdin: 'ignore',
      all: true,
      maxBuffer: 10_000_000,
    });
    session.signal.throwIfAborted();
    if (result.exitCode === undefined && result.signal === undefined) {
      throw new ExpectedError('bbb-record cannot be run', {
        exitStatus: EXIT.unavailable,
        remedy: `is it on the PATH (${process.env['PATH'] ?? ''})? It comes with the package bbb-record-core`,
        cause: result.cause,
      });
    }
    const remains = published.find((one) => one.recordId === recordId && existsSync(one.directory));
    if (result.exitCode === 0 && remains === undefined) continue;
    throw new ExpectedError(
      `'${command}' ended with ${result.exitCode ?? result.signal} and ${remains === undefined ? 'said' : `left ${remains.directory}`}`,
      {
        exitStatus: EXIT.io,
        remedy: `run it by hand: sudo -u bigbluebutton ${command}`,
        cause: result.all,
      },
    );
  }
}

function report(session: Session, results: PruneResult[]): ExitStatus {
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
  const count = (state: PruneResult['state']) => results.filter((result) => result.state === state).length;
  session.log.info(
    `${count('deleted')} deleted, ${count('planned')} to be deleted, ${count('kept')} kept, ${count('failed')} failed`,
  );
  return status;
}
