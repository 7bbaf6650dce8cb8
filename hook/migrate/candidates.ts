/** Which of the recordings found are to be migrated, and which of them cannot be. */
import type { PublishedFormat } from '../bbb/bbb.ts';
import { type ImportedMetadata, readImportedMetadata } from '../bbb/metadata.ts';
import { attempt, ExpectedError } from '../errors.ts';
import type { MeetingMap } from './meeting-map.ts';
import { findObstacle, stillComing } from './obstacle.ts';
import type { FoundRecording } from './sources.ts';

export interface Wanted {
  /** External meeting ids; undefined: any. */
  ids: ReadonlySet<string> | undefined;
  /** Values of `bbb-origin`, in whatever case; `none` for recordings without one. Empty: any. */
  origins: readonly string[];
  /** Moments between which the meeting began, milliseconds since 1970. */
  since: number | undefined;
  until: number | undefined;
  /** Ids that the recordings have → ids by which PILOS knows the meetings. Of itself, it selects its recordings. */
  map: MeetingMap | undefined;
}

/** Which recordings everyone may see in PILOS: all, or those of which one of these keys has this value. */
export type PublicRule = 'all' | readonly { key: string; value: string }[];

export interface Candidate {
  published: PublishedFormat;
  /** `''` when no file says. */
  name: string;
  /** By which PILOS knows the meeting. */
  externalId: string;
  /** False for one that was hidden in its front end. */
  isPublished: boolean;
  /** To be imported for everyone to see; never what was hidden. */
  isPublic: boolean;
  /** When the meeting began, milliseconds since 1970; undefined when nothing says. */
  startTime: number | undefined;
  /** Why it cannot be sent. */
  problem: ExpectedError | undefined;
}

/** Formats of recordings that are not candidates. */
export interface LeftOut {
  /** By their origin, `none` for recordings without one. */
  unmatched: Map<string, number>;
  /** Matched, but not between `--since` and `--until`. */
  outOfTime: number;
  /** PILOS' own on this server, which `deliver` delivers. */
  own: number;
}

export interface Choice extends LeftOut {
  /** The newest first, the formats of a recording together. */
  candidates: Candidate[];
  /** Of the wanted ids those of which no recording was found. */
  unknownIds: string[];
}

export interface ChoiceRules {
  /** Origins whose recordings are not to be migrated. */
  ownOrigins: readonly string[];
  /** Whether BBB still publishes it. */
  isComing: (one: PublishedFormat) => boolean;
  publicRule?: PublicRule;
}

/**
 * Reads the `metadata.xml` of every recording found, one after the other.
 */
export function chooseCandidates(
  found: readonly FoundRecording[],
  wanted: Wanted,
  { ownOrigins, isComing, publicRule = [] }: ChoiceRules,
): Choice {
  const candidates: Candidate[] = [];
  const left: LeftOut = { unmatched: new Map(), outOfTime: 0, own: 0 };
  const unknown = new Set(wanted.ids);
  for (const one of found) {
    const metadata = attempt(() => readTrimmed(`${one.published.directory}/metadata.xml`));
    if (metadata instanceof ExpectedError) {
      candidates.push(untold(one.published, isComing(one.published) ? stillComing() : metadata));
      continue;
    }
    const externalId = wanted.map?.get(metadata.externalId) ?? metadata.externalId;
    for (const id of [metadata.externalId, externalId]) unknown.delete(id);
    if (isLeftOut(metadata, one.published, wanted, ownOrigins, left)) continue;
    candidates.push({
      published: one.published,
      name: metadata.meetingName,
      externalId,
      isPublished: metadata.isPublished,
      isPublic: metadata.isPublished && isPublic(metadata, publicRule),
      startTime: startOf(metadata, one.published),
      problem: findObstacle(metadata, one) ?? (isComing(one.published) ? stillComing() : undefined),
    });
  }
  return { candidates: candidates.sort(newestFirst), ...left, unknownIds: [...unknown] };
}

/** BBB's pretty printer puts white space around values. */
function readTrimmed(file: string): ImportedMetadata {
  const { recordId, externalId, origin, ...others } = readImportedMetadata(file);
  return { ...others, recordId: recordId.trim(), externalId: externalId.trim(), origin: origin.trim() };
}

function isPublic({ readMeta }: ImportedMetadata, rule: PublicRule): boolean {
  return rule === 'all' || rule.some(({ key, value }) => readMeta(key).trim() === value);
}

/** Nobody can say whose it is, so it is reported whatever is wanted. */
function untold(published: PublishedFormat, problem: ExpectedError): Candidate {
  const unknown = { name: '', externalId: '', isPublished: true, isPublic: false };
  return { published, ...unknown, startTime: startOf({}, published), problem };
}

/** True for a recording that is not to be migrated; counts it. */
function isLeftOut(
  metadata: ImportedMetadata,
  published: PublishedFormat,
  wanted: Wanted,
  ownOrigins: readonly string[],
  left: LeftOut,
): boolean {
  if (ownOrigins.includes(metadata.origin)) {
    left.own += 1;
    return true;
  }
  if (!isMatched(metadata, wanted)) {
    const origin = metadata.origin || 'none';
    left.unmatched.set(origin, (left.unmatched.get(origin) ?? 0) + 1);
    return true;
  }
  if (isInTime(startOf(metadata, published), wanted)) return false;
  left.outOfTime += 1;
  return true;
}

/**
 * With ids and origins both must fit; an id may be that of the recording or the one that it is mapped to. A map alone
 * selects the recordings that it names. Greenlight 2 calls itself `Greenlight`, Greenlight 3 `greenlight`.
 */
export function isMatched(
  { externalId, origin }: Pick<ImportedMetadata, 'externalId' | 'origin'>,
  { ids, origins, map }: Pick<Wanted, 'ids' | 'origins' | 'map'>,
): boolean {
  const own = (origin || 'none').toLowerCase();
  const isOrigin = origins.length === 0 || origins.some((one) => one.toLowerCase() === own);
  const mapped = map?.get(externalId);
  if (ids !== undefined)
    return isOrigin && (ids.has(externalId) || (mapped !== undefined && ids.has(mapped)));
  return isOrigin && (map === undefined || origins.length > 0 || mapped !== undefined);
}

function isInTime(start: number | undefined, { since, until }: Wanted): boolean {
  if (since === undefined && until === undefined) return true;
  return start !== undefined && start >= (since ?? 0) && start < (until ?? Number.POSITIVE_INFINITY);
}

/** BBB's meeting ids end in the moment when the meeting began. */
function startOf(
  { startTime }: Partial<Pick<ImportedMetadata, 'startTime'>>,
  { meetingId }: PublishedFormat,
): number | undefined {
  const [, digits] = /-(\d{13})$/.exec(meetingId) ?? [];
  return startTime ?? (digits === undefined ? undefined : Number(digits));
}

function newestFirst(one: Candidate, other: Candidate): number {
  const key = ({ published }: Candidate) => `${published.recordId}/${published.format}`;
  return (other.startTime ?? 0) - (one.startTime ?? 0) || (key(one) < key(other) ? -1 : 1);
}
