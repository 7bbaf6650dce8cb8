/** Is what is published now what was delivered? Time stamps only say when to compare more closely. */
import { type Stats, statSync } from 'node:fs';
import { type ArchivePlan, type PlanOptions, planArchive } from '../archive/archive.ts';
import { readContentChecksum } from '../archive/content-checksum.ts';
import { readStamp } from '../archive/stamp.ts';
import type { BbbDirectories, PublishedFormat } from '../bbb/bbb.ts';
import { isCoveredBySenderDone, publicationTime } from '../bbb/sender-done.ts';
import type { Config } from '../config/config.ts';
import { attempt, ExpectedError } from '../errors.ts';
import { type ExpectedMetadata, validateMetadata } from '../pilos/metadata-rules.ts';
import { isSystemError } from '../system/errno.ts';
import type { Ledger } from './ledger.ts';
import type { Delivery, LedgerEntry } from './ledger-entry.ts';
import { type DeliveryState, deliveryState } from './state.ts';

/** The state of one format, with the entry that it was derived from. */
export interface FormatState {
  state: DeliveryState;
  entry: LedgerEntry | undefined;
}

type ContentConfig = BbbDirectories & Pick<Config, 'replacesRecordings'>;

/** The archive that a delivery makes. Throws ExpectedError (65) for what PILOS could not import. */
export function planDeliveredArchive(
  published: PublishedFormat,
  mapMeetingId?: ExpectedMetadata['mapMeetingId'],
): ArchivePlan {
  const { directory, format, recordId } = published;
  return planArchive(directory, `${format}/${recordId}`, planOptions(published, mapMeetingId));
}

function planOptions(
  { directory, format, recordId }: PublishedFormat,
  mapMeetingId?: ExpectedMetadata['mapMeetingId'],
): PlanOptions {
  return {
    checkMetadata: (bytes) => validateMetadata(bytes, { recordId, format, directory, mapMeetingId }),
  };
}

/** Reads the state of a published format. Writes nothing, and reads no more than names, sizes and times. */
export function readDeliveryState(
  config: ContentConfig,
  ledger: Ledger,
  published: PublishedFormat,
): FormatState {
  const entry = ledger.read(published);
  const isSame = entry?.delivered !== undefined && compareContent(config, published, entry.delivered).isSame;
  const isCovered = entry === undefined && isCoveredBySenderDone(config, published);
  return { entry, state: deliveryState(entry, { isSame, isCovered, isReplaced: config.replacesRecordings }) };
}

/**
 * Notes new stamps of old content, so that nobody has to compare it again. Where names, sizes and times do not
 * answer it reads the files, once: a copied or touched recording is the same one.
 */
export async function refreshContent(
  config: ContentConfig,
  ledger: Ledger,
  published: PublishedFormat,
  signal: AbortSignal,
): Promise<void> {
  const delivered = ledger.read(published)?.delivered;
  if (delivered === undefined) return;
  const { isSame, stamp, fingerprint } = compareContent(config, published, delivered);
  if (stamp === delivered.stamp || stamp === '' || fingerprint === undefined) return;
  if (!isSame && fingerprint === delivered.differing) return;
  if (isSame || (await hasSameBytes(published, delivered, signal)))
    ledger.recordSameFiles(published, stamp, fingerprint);
  else ledger.recordOtherFiles(published, fingerprint);
}

async function hasSameBytes(
  published: PublishedFormat,
  { checksum }: Delivery,
  signal: AbortSignal,
): Promise<boolean> {
  if (checksum === undefined) return false;
  const { directory, format, recordId } = published;
  const options = planOptions(published);
  return (await readContentChecksum(directory, `${format}/${recordId}`, options, signal)) === checksum;
}

interface Comparison {
  isSame: boolean;
  stamp: string;
  /** Of what is published now, where it was made. */
  fingerprint?: string;
}

function compareContent(bbb: BbbDirectories, published: PublishedFormat, delivered: Delivery): Comparison {
  const stamp = readStamp(published.directory);
  if (stamp === '') return { isSame: false, stamp };
  if (stamp === delivered.stamp) return { isSame: true, stamp };
  const plan = attempt(() => planDeliveredArchive(published));
  if (plan instanceof ExpectedError) return { isSame: false, stamp };
  const { fingerprint } = plan;
  const isSame = fingerprint === delivered.fingerprint || isSameForFirstVersion(bbb, published, delivered);
  return { isSame, stamp, fingerprint };
}

/** Version 1.0.0 knew no checksum, and another stamp; then BBB's own file says whether it has published since. */
function isSameForFirstVersion(
  bbb: BbbDirectories,
  published: PublishedFormat,
  delivered: Delivery,
): boolean {
  if (delivered.checksum !== undefined) return false;
  const metadata = statMetadata(published);
  if (metadata === undefined) return false;
  if (delivered.stamp === `${metadata.size}-${metadata.mtimeMs}-${metadata.ino}`) return true;
  const isFirstVersion = /^\d+-[\d.]+-\d+$/.test(delivered.stamp);
  const time = publicationTime(bbb, published);
  return isFirstVersion && time !== undefined && time <= Date.parse(delivered.at);
}

/** Of a format's `metadata.xml`; undefined when it is gone or may not be read, which a delivery reports. */
export function statMetadata({ directory }: Pick<PublishedFormat, 'directory'>): Stats | undefined {
  try {
    return statSync(`${directory}/metadata.xml`, { throwIfNoEntry: false });
  } catch (error) {
    if (isSystemError(error)) return undefined;
    throw error;
  }
}
