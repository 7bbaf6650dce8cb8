/** One published format of one recording: archive → spool → ledger, never twice at the same time. */
import { type ArchivePlan, PublishedFilesChanged, planArchive, writeArchive } from './archive.ts';
import type { Config } from './config.ts';
import { describeError, type ExitStatus, ExpectedError, exitStatusOf } from './errors.ts';
import { isDelivered, openLedger, outstanding, readStamp, setSenderDone } from './ledger.ts';
import { acquireLock } from './lock.ts';
import { archiveName, type PublishedFormat, readFormatStates } from './recording.ts';
import type { Session } from './session.ts';
import type { Spool } from './spool/index.ts';
import { removeAbandonedWorkFiles } from './work-dir.ts';

export interface DeliveryResult {
  record_id: string;
  format: string;
  archive: string;
  destination: string;
  state: 'delivered' | 'failed' | 'waiting' | 'planned';
  bytes?: number;
  files?: number;
  seconds?: number;
  /** What `--dry-run` would have done. */
  steps?: string[];
  error?: string;
  exit_status?: ExitStatus;
}

export interface DeliveryContext {
  config: Config;
  spool: Spool;
  session: Session;
}

/** Delivers one format and remembers how it went. Expected failures are told and returned, bugs thrown. */
export async function deliverFormat(
  context: DeliveryContext,
  published: PublishedFormat,
  subDir: string,
): Promise<DeliveryResult> {
  const { config, session } = context;
  const lock = await acquireLock(`${config.workDir} ${archiveName(published)}`, {
    wait: true,
    signal: session.signal,
  });
  const started = Date.now();
  const basis = resultBasis(context, published, subDir);
  try {
    if (lock?.waited && isDelivered(openLedger(config.workDir).read(published), readStamp(published))) {
      session.log.info(`${basis.archive}: another run has just delivered it`);
      return { ...basis, state: 'delivered' };
    }
    await withMeetingLock(context, published.meetingId, () => markOutstanding(context, published));
    for (const name of removeAbandonedWorkFiles(config.workDir))
      session.log.warn(`removed ${name} of a killed run from work_dir`);
    const { stamp, plan } = await packAndSend(context, published, subDir);
    const seconds = (Date.now() - started) / 1000;
    const { destination, archive: name } = basis;
    session.log.info(
      `delivered ${name} (${plan.files} files, ${plan.size} bytes) to ${destination} in ${seconds.toFixed(1)} s`,
    );
    remember(context, () =>
      openLedger(config.workDir).recordDelivery(published, {
        ...{ at: new Date(started).toISOString(), bytes: plan.size, seconds, destination, name },
        ...{ fingerprint: plan.fingerprint, stamp },
      }),
    );
    return { ...basis, state: 'delivered', bytes: plan.size, files: plan.files, seconds };
  } catch (error) {
    if (!(error instanceof ExpectedError)) throw error;
    session.log.error(`${basis.archive}: ${describeError(error)}`);
    const failure = { error: describeError(error), exit_status: exitStatusOf(error) };
    const attempt = {
      at: new Date(started).toISOString(),
      seconds: (Date.now() - started) / 1000,
      ...failure,
    };
    remember(context, () =>
      openLedger(config.workDir).recordFailure(published, { ...attempt, destination: basis.destination }),
    );
    return { ...basis, state: 'failed', ...failure };
  } finally {
    await lock?.release();
  }
}

function resultBasis(context: DeliveryContext, published: PublishedFormat, subDir: string) {
  const { recordId, format } = published;
  return {
    record_id: recordId,
    format,
    archive: archiveName(published),
    destination: context.spool.destination(subDir),
  };
}

/** Packs into the spool; starts over once when the published files changed meanwhile. */
async function packAndSend(
  context: DeliveryContext,
  published: PublishedFormat,
  subDir: string,
): Promise<{ stamp: string; plan: ArchivePlan }> {
  try {
    return await packAndSendOnce(context, published, subDir);
  } catch (error) {
    if (!(error instanceof PublishedFilesChanged)) throw error;
    context.session.log.warn(`${archiveName(published)}: ${error.message}; starting over`);
    return await packAndSendOnce(context, published, subDir);
  }
}

async function packAndSendOnce(
  { spool, session }: DeliveryContext,
  published: PublishedFormat,
  subDir: string,
): Promise<{ stamp: string; plan: ArchivePlan }> {
  const stamp = readStamp(published);
  const source = { directory: published.directory, prefix: `${published.format}/${published.recordId}` };
  const plan = planArchive(source.directory, source.prefix);
  for (const skipped of plan.skipped) session.log.warn(`${skipped}: left out of the archive`);
  const name = archiveName(published);
  const packing = session.progress.start(`packing ${name}`, plan.size);
  let sending: ReturnType<typeof session.progress.start> | undefined;
  try {
    await spool.deliver({
      ...{ name, subDir, size: plan.size, signal: session.signal },
      warn: session.log.warn,
      debug: session.log.debug,
      write: (target) =>
        writeArchive(plan, source, target, { signal: session.signal, onProgress: packing.update }),
      onTransferred: (bytes) => {
        packing.stop();
        sending ??= session.progress.start(`sending ${name}`, plan.size);
        sending.update(bytes);
      },
    });
  } finally {
    packing.stop();
    sending?.stop();
  }
  return { stamp, plan };
}

/** What a delivery would do, reading only: for `--dry-run`. Throws ExpectedError where a delivery would fail. */
export function planDelivery(
  context: DeliveryContext,
  published: PublishedFormat,
  subDir: string,
): DeliveryResult {
  const plan = planArchive(published.directory, `${published.format}/${published.recordId}`);
  const name = archiveName(published);
  const steps = [
    ...plan.skipped.map((skipped) => `leave out: ${skipped}`),
    `pack ${published.directory}: ${plan.files} files, ${plan.size} bytes`,
    ...context.spool.describeDelivery({ name, size: plan.size, subDir }),
    `note the delivery in ${context.config.workDir}/ledger`,
  ];
  return {
    ...resultBasis(context, published, subDir),
    state: 'planned',
    bytes: plan.size,
    files: plan.files,
    steps,
  };
}

/** Files that were published again after their delivery must not stay marked as done while they are sent. */
function markOutstanding({ config, session }: DeliveryContext, published: PublishedFormat): void {
  const ledger = openLedger(config.workDir);
  const entry = ledger.read(published);
  if (isDelivered(entry, readStamp(published))) return;
  if (entry?.state === 'delivered') ledger.recordWaiting(published);
  if (setSenderDone(config.recordingDir, published.meetingId, false)) {
    session.log.info(
      `removed the -sender.done of ${published.meetingId}: ${published.format} was published again`,
    );
  }
}

/** Writes a meeting's `-sender.done` when nothing of it is outstanding any more. */
export async function settleMeeting(context: DeliveryContext, meetingId: string): Promise<boolean> {
  const { config, session } = context;
  const ledger = openLedger(config.workDir);
  return await withMeetingLock(context, meetingId, () => {
    const states = readFormatStates(config, config.publishSteps, meetingId);
    const left = outstanding(states, ({ recordId, format }) => {
      const directory = `${config.publishedDir}/${format}/${recordId}`;
      return isDelivered(ledger.read({ meetingId, recordId, format }), readStamp({ directory }));
    });
    const isDone = left.length === 0 && states.some((state) => state.state === 'published');
    if (setSenderDone(config.recordingDir, meetingId, isDone) && isDone) {
      session.log.info(`all formats of ${meetingId} are delivered: wrote its -sender.done`);
    }
    return isDone;
  });
}

/** Two formats of a meeting may end at the same moment: only one looks at the whole at a time. */
async function withMeetingLock<T>(
  { config, session }: DeliveryContext,
  meetingId: string,
  action: () => T,
): Promise<T> {
  const lock = await acquireLock(`${config.workDir} meeting ${meetingId}`, {
    wait: true,
    signal: session.signal,
  });
  try {
    return action();
  } finally {
    await lock?.release();
  }
}

/** The recording is delivered whether or not the ledger can be written: a failure there is only told. */
function remember({ session }: DeliveryContext, write: () => void): void {
  try {
    write();
  } catch (error) {
    if (!(error instanceof ExpectedError)) throw error;
    session.log.warn(`the ledger does not know of this: ${describeError(error)}`);
  }
}
