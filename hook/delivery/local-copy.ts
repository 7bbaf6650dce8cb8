/** The local copy of a meeting: may it be deleted, and deleting it with BBB's own `bbb-record --delete`. */
import { existsSync } from 'node:fs';
import { planArchive } from '../archive/archive.ts';
import { eventsFile, type PublishedFormat, readPublishedFormats } from '../bbb/bbb.ts';
import { readMeetingMetadata } from '../bbb/metadata.ts';
import type { Config } from '../config/config.ts';
import { validateSubDir } from '../config/sub-dir.ts';
import { EXIT, type ExitStatus, ExpectedError, exitStatusOf } from '../errors.ts';
import type { Run } from '../run.ts';
import { describeError } from '../terminal/escape.ts';
import { type DeliveryContext, lockFormat } from './context.ts';
import { openLedger } from './ledger.ts';
import { readOutstanding } from './settle-meeting.ts';

/** What became of one meeting's local copy, as `--json` prints it. */
export interface DeletionResult {
  meeting_id: string;
  state: 'deleted' | 'planned' | 'kept' | 'failed';
  /** Why it was kept, or what failed. */
  reason?: string;
  exit_status?: ExitStatus;
}

export interface DeletionRules {
  /** Deliveries that were complete before this moment, milliseconds since 1970. */
  before: number;
  dryRun: boolean;
}

/** Deletes a meeting that is completely delivered; undefined for one that is not ours. */
export async function deleteLocalCopy(
  context: DeliveryContext,
  meetingId: string,
  rules: DeletionRules,
): Promise<DeletionResult | undefined> {
  const { config, run } = context;
  const published = readPublishedFormats(config, meetingId);
  const locks = [];
  try {
    // Nothing of it may be on its way while we look and delete.
    for (const one of published) locks.push(await lockFormat(config, one, run.signal));
    const subDir = ownSubDir(config, meetingId, published);
    if (subDir === undefined) return undefined;
    const reason = whyKept(context, meetingId, published, subDir, rules);
    if (reason !== undefined) return { meeting_id: meetingId, state: 'kept', ...reason };
    if (rules.dryRun) return { meeting_id: meetingId, state: 'planned' };
    await deleteRecordings(run, published);
    run.log.info(`deleted the local copy of ${meetingId}`);
    return { meeting_id: meetingId, state: 'deleted' };
  } catch (error) {
    if (!(error instanceof ExpectedError)) throw error;
    run.log.error(`${meetingId} is not deleted: ${describeError(error)}`);
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
  { before }: DeletionRules,
): Pick<DeletionResult, 'reason' | 'exit_status'> | undefined {
  const ledger = openLedger(config.workDir);
  const { left } = readOutstanding(config, ledger, meetingId, published);
  if (left.length > 0)
    return { reason: `outstanding: ${left.map((state) => `${state.format} (${state.state})`).join(', ')}` };
  for (const one of published) {
    const delivered = ledger.read(one)?.delivered;
    if (delivered === undefined) return { reason: `outstanding: ${one.format}` };
    if (delivered.fingerprint === '')
      return { reason: `${one.format} was ${delivered.destination}, perhaps not whole` };
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

async function deleteRecordings(run: Run, published: PublishedFormat[]): Promise<void> {
  const { runChild } = await import('../system/child-process.ts');
  for (const recordId of new Set(published.map((one) => one.recordId))) {
    const command = `bbb-record --delete ${recordId}`;
    const { spawnError, exitStatus, signal, stdout, stderr } = await runChild(
      ['bbb-record', '--delete', recordId],
      { signal: run.signal },
    );
    if (spawnError !== undefined) {
      throw new ExpectedError('bbb-record cannot be run', {
        exitStatus: EXIT.unavailable,
        fix: `is it on the PATH (${process.env['PATH'] ?? ''})? It comes with the package bbb-record-core`,
        cause: spawnError,
      });
    }
    const remains = published.find((one) => one.recordId === recordId && existsSync(one.directory));
    if (exitStatus === 0 && remains === undefined) continue;
    throw new ExpectedError(
      `'${command}' ended with ${exitStatus ?? signal} and ${remains === undefined ? 'said' : `left ${remains.directory}`}`,
      {
        exitStatus: EXIT.io,
        fix: `run it by hand: sudo -u bigbluebutton ${command}`,
        cause: `${stdout}${stderr}`,
      },
    );
  }
}
