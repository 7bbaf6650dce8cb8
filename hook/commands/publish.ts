/**
 * BBB's call after each published format, and one meeting by hand. START READING HERE: a recording goes
 * config → recording → metadata → archive → spool → ledger.
 */
import { type Config, readConfig } from '../config.ts';
import {
  type DeliveryContext,
  type DeliveryResult,
  deliverFormat,
  planDelivery,
  rememberFailure,
  resultBasis,
  tolerate,
} from '../delivery.ts';
import { attempt, EXIT, type ExitStatus, ExpectedError, quote } from '../errors.ts';
import { openLedger } from '../ledger.ts';
import { type MeetingMetadata, readMeetingMetadata } from '../metadata.ts';
import { eventsFile, notPublished, type PublishedFormat, readPublishedFormats } from '../recording.ts';
import { validateFormat, validateMeetingId, validateSubDir } from '../safe-path.ts';
import { markOutstanding, settleMeeting } from '../sender-done.ts';
import { printJson, type Session } from '../session.ts';
import { openSpool } from '../spool/index.ts';
import { becomeOwner } from '../user.ts';

export interface PublishRequest {
  meetingId: string;
  /** Undefined: every published format. */
  format: string | undefined;
  dryRun: boolean;
}

/** Delivers one format of a meeting, or all of them; returns the exit status. */
export async function publish(request: PublishRequest, session: Session): Promise<ExitStatus> {
  const meetingId = validateMeetingId(request.meetingId);
  const format = request.format === undefined ? undefined : validateFormat(request.format);
  const config = readConfig(session.choice, session.environment);
  becomeOwner(config.publishedDir);
  if (!request.dryRun) session.log.setFile(config.logFile);

  const published = lazy(() => readPublishedFormats(config, meetingId, format));
  const metadata = attempt(() => readMetadata(config, session, { meetingId, format, published }));
  if (metadata instanceof ExpectedError)
    return await refuse(request, { config, session }, published(), metadata);
  if (!config.origins.includes(metadata.origin)) return reportForeign(session, meetingId, metadata);
  if (published().length === 0) throw notPublished(config, meetingId, format);
  const subDir = attempt(() => validateSubDir(metadata.subDir, config.allowedSubDirs));
  if (subDir instanceof ExpectedError) return await refuse(request, { config, session }, published(), subDir);

  const context = { config, session, spool: await openSpool(config) };
  const results: DeliveryResult[] = [];
  for (const one of published()) results.push(await handle(request, context, one, subDir));
  if (results.some((result) => result.state === 'delivered')) await finish(context, meetingId);
  return report(
    session,
    { meeting_id: meetingId, origin: metadata.origin, sub_dir: subDir, results },
    metadata,
  );
}

/** Nothing is sent, but the ledger remembers why. */
async function refuse(
  { meetingId, dryRun }: PublishRequest,
  context: { config: Config; session: Session },
  published: PublishedFormat[],
  reason: ExpectedError,
): Promise<ExitStatus> {
  if (dryRun || published.length === 0) throw reason;
  const results: DeliveryResult[] = [];
  for (const one of published)
    results.push(await rememberFailure(context, one, reason, { destination: '', seconds: 0 }));
  if (context.session.json) printJson({ meeting_id: meetingId, results, exit_status: reason.exitStatus });
  return reason.exitStatus;
}

function lazy<T>(read: () => T): () => T {
  let value: { read: T } | undefined;
  return () => {
    value ??= { read: read() };
    return value.read;
  };
}

interface Meeting {
  meetingId: string;
  format: string | undefined;
  published: () => PublishedFormat[];
}

function readMetadata(
  config: Config,
  session: Session,
  { meetingId, format, published }: Meeting,
): MeetingMetadata {
  const files = () => {
    if (published().length === 0) throw notPublished(config, meetingId, format);
    return published().map(({ directory }) => `${directory}/metadata.xml`);
  };
  return readMeetingMetadata(eventsFile(config, meetingId), files, session.log.warn);
}

async function handle(
  { dryRun }: PublishRequest,
  context: DeliveryContext,
  published: PublishedFormat,
  subDir: string,
): Promise<DeliveryResult> {
  if (dryRun) return planDelivery(context, published, subDir);
  if (context.config.deliver === 'later') return await noteForLater(context, published, subDir);
  return await deliverFormat(context, published, subDir, Date.now());
}

/** BBB's call returns at once, and its worker is free for the next recording; the timer delivers. */
async function noteForLater(
  context: DeliveryContext,
  published: PublishedFormat,
  subDir: string,
): Promise<DeliveryResult> {
  await markOutstanding(context, published);
  openLedger(context.config.workDir).recordWaiting(published);
  const basis = resultBasis(context, published, subDir);
  context.session.log.info(
    `noted ${basis.archive}: 'pilos-post-publish resend' delivers it (deliver: later)`,
  );
  return { ...basis, state: 'waiting' };
}

/** After a delivery: `-sender.done` when it was the last one, and with `delete_after_transfer` the local copy goes. */
async function finish(context: DeliveryContext, meetingId: string): Promise<void> {
  await tolerate(context.session, 'the recording is delivered, but its -sender.done is missing', async () => {
    const isDone = await settleMeeting(context, meetingId);
    if (!isDone || !context.config.deleteAfterTransfer) return;
    const { deleteDelivered } = await import('./prune.ts');
    await deleteDelivered(context, meetingId);
  });
}

function reportForeign(session: Session, meetingId: string, { origin }: MeetingMetadata): ExitStatus {
  session.log.info(`meeting ${meetingId} is not from PILOS (bbb-origin ${quote(origin)}): nothing to do`);
  if (session.json) printJson({ meeting_id: meetingId, origin, results: [], exit_status: EXIT.ok });
  return EXIT.ok;
}

interface PublishReport {
  meeting_id: string;
  origin: string;
  sub_dir: string;
  results: DeliveryResult[];
}

/** Prints `--json` or what a dry run found; the exit status is that of the first failure. */
function report(session: Session, found: PublishReport, metadata: MeetingMetadata): ExitStatus {
  const status = found.results.find((result) => result.state === 'failed')?.exit_status ?? EXIT.ok;
  if (session.json) {
    printJson({ ...found, exit_status: status });
    return status;
  }
  const planned = found.results.filter((result) => result.state === 'planned');
  if (planned.length > 0) {
    const subDir = found.sub_dir === '' ? 'no sub directory' : `sub directory ${found.sub_dir}`;
    session.log.info('dry run: nothing is written, sent or logged');
    session.log.info(`read ${metadata.source}: origin ${found.origin}, ${subDir}`);
  }
  for (const step of planned.flatMap((result) => result.steps ?? [])) session.log.info(step);
  return status;
}
