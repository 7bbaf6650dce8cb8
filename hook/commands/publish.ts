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
  settleMeeting,
} from '../delivery.ts';
import { EXIT, type ExitStatus, quote } from '../errors.ts';
import { openLedger } from '../ledger.ts';
import { type MeetingMetadata, readMeetingMetadata } from '../metadata.ts';
import {
  archiveName,
  eventsFile,
  notPublished,
  type PublishedFormat,
  readPublishedFormats,
} from '../recording.ts';
import { validateFormat, validateMeetingId, validateSubDir } from '../safe-path.ts';
import type { Session } from '../session.ts';
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
  const metadata = readMetadata(config, session, meetingId, published, format);
  if (!config.origins.includes(metadata.origin)) return reportForeign(session, meetingId, metadata);
  const subDir = validateSubDir(metadata.subDir, config.allowedSubDirs);
  if (published().length === 0) throw notPublished(config, meetingId, format);

  const context = { config, session, spool: await openSpool(config) };
  const results: DeliveryResult[] = [];
  for (const one of published()) results.push(await handle(request, context, one, subDir));
  if (results.some((result) => result.state === 'delivered')) await settleMeeting(context, meetingId);
  return report(
    session,
    { meeting_id: meetingId, origin: metadata.origin, sub_dir: subDir, results },
    metadata,
  );
}

function lazy<T>(read: () => T): () => T {
  let value: { read: T } | undefined;
  return () => {
    value ??= { read: read() };
    return value.read;
  };
}

function readMetadata(
  config: Config,
  session: Session,
  meetingId: string,
  published: () => PublishedFormat[],
  format: string | undefined,
): MeetingMetadata {
  const files = () => {
    if (published().length === 0) throw notPublished(config, meetingId, format);
    return published().map(({ directory }) => `${directory}/metadata.xml`);
  };
  return readMeetingMetadata(eventsFile(config, meetingId), files, session.log.warn);
}

/** With `deliver: later` BBB's call only notes the recording, and its worker is free for the next one. */
async function handle(
  request: PublishRequest,
  context: DeliveryContext,
  published: PublishedFormat,
  subDir: string,
): Promise<DeliveryResult> {
  if (request.dryRun) return planDelivery(context, published, subDir);
  if (context.config.deliver === 'now') return await deliverFormat(context, published, subDir);
  openLedger(context.config.workDir).recordWaiting(published);
  const { recordId, format } = published;
  const archive = archiveName(published);
  context.session.log.info(`noted ${archive}: the timer delivers it (deliver: later)`);
  return {
    record_id: recordId,
    format,
    archive,
    destination: context.spool.destination(subDir),
    state: 'waiting',
  };
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
    session.log.info(`dry run: nothing is written, sent or logged`);
    session.log.info(`read ${metadata.source}: origin ${found.origin}, ${subDir}`);
  }
  for (const step of planned.flatMap((result) => result.steps ?? [])) session.log.info(step);
  return status;
}

function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}
