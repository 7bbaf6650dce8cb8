/** One recorded and published meeting, file by file as BBB 3.0 leaves it on disk. */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { formatFiles } from './bbb-format-files.ts';
import { metadataXml, writeEventsXml } from './bbb-xml.ts';
import type { Meeting, MeetingOptions } from './meeting.ts';

export type { Meeting, MeetingOptions };

interface Directories {
  publishedDir: string;
  recordingDir: string;
}

/** @param seed gives the ids, so that the same seed gives the same tree */
export function writeMeeting(tree: Directories, seed: string, options: MeetingOptions): Meeting {
  const digest = createHash('sha1').update(seed).digest('hex');
  const startTime = 1_712_758_751_753 + (Number.parseInt(digest.slice(0, 6), 16) % 1_000_000) * 1000;
  const id = options.id ?? `${digest}-${startTime}`;
  const publishedIds = options.segments?.map((timestamp) => `${id}-${timestamp}`) ?? [id];
  const meeting: Meeting = {
    id,
    publishedIds,
    formats: options.formats ?? ['presentation'],
    name: options.name ?? 'Demo & more',
    externalId: options.externalId ?? externalIdFor(digest),
    startTime,
    endTime: startTime + 3_600_000,
    eventsFile: join(tree.recordingDir, 'raw', id, 'events.xml'),
    published: (format, publishedId = publishedIds[0] ?? id) => join(tree.publishedDir, format, publishedId),
  };
  writeEvents(meeting, options);
  for (const format of meeting.formats) {
    for (const publishedId of publishedIds) publish(tree, meeting, options, format, publishedId);
  }
  return meeting;
}

/** PILOS names its meetings by a UUID. */
function externalIdFor(digest: string): string {
  return digest.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*/, '$1-$2-$3-$4-$5');
}

function publish(
  tree: Directories,
  meeting: Meeting,
  options: MeetingOptions,
  format: string,
  publishedId: string,
): void {
  const files: Record<string, string | Buffer> = { ...formatFiles(format, publishedId), ...options.files };
  const size = Object.values(files).reduce((sum, content) => sum + content.length, 0);
  const metadata = metadataXml(meeting, options, { format, publishedId, size });
  for (const [path, content] of Object.entries({ 'metadata.xml': metadata, ...files })) {
    writeWithParents(join(meeting.published(format, publishedId), path), content);
  }
  const done = join(tree.recordingDir, 'status/published', `${publishedId}-${format}.done`);
  writeWithParents(done, `Published ${publishedId}\n`);
  const processed = join(tree.recordingDir, 'status/processed', `${publishedId}-${format}.done`);
  writeWithParents(processed, `Processed ${publishedId}\n`);
}

export function writeWithParents(file: string, content: string | Buffer): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
}

function writeEvents(meeting: Meeting, options: MeetingOptions): void {
  const { eventsXml = 'normal' } = options;
  if (eventsXml === false) return;
  if (eventsXml === 'normal') writeEventsXml(meeting, options);
  else writeWithParents(meeting.eventsFile, eventsXml);
}
