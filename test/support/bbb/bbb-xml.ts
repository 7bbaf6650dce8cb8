/** The two XML files that say whose a meeting is, as BBB 3.0 writes them. */
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Meeting, MeetingOptions } from './meeting.ts';

function escapeXml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** What the front end sent as `meta_…`, in BBB's order. */
function metaOf(meeting: Meeting, options: MeetingOptions): [string, string][] {
  const origin: [string, string][] =
    options.origin === false ? [] : [['bbb-origin', options.origin ?? 'PILOS']];
  return [
    ['isBreakout', 'false'],
    ['meetingId', meeting.externalId],
    ['meetingName', meeting.name],
    ...origin,
    ['pilos-sub-spool-dir', options.subDir ?? ''],
  ];
}

/** Writes `raw/<meeting id>/events.xml` with at least `eventsSize` bytes. */
export function writeEventsXml(meeting: Meeting, options: MeetingOptions): void {
  const { eventsSize = 0 } = options;
  const attributes = metaOf(meeting, options).map(([name, value]) => `${name}="${escapeXml(value)}"`);
  mkdirSync(dirname(meeting.eventsFile), { recursive: true });
  const descriptor = openSync(meeting.eventsFile, 'w');
  let written = writeSync(
    descriptor,
    `<?xml version="1.0" encoding="UTF-8"?>
<recording meeting_id="${escapeXml(meeting.id)}" bbb_version="3.0.9">
  <meeting id="${escapeXml(meeting.id)}" externalId="${meeting.externalId}" name="${escapeXml(meeting.name)}" breakout="false"/>
  <metadata ${attributes.join(' ')}/>
  <breakout/>
`,
  );
  const event = `  <event timestamp="105434" module="PARTICIPANT" eventname="ParticipantJoinEvent">
    <userId>w_xyz</userId>
    <name>Jörg &lt;Moderator&gt;</name>
    <role>MODERATOR</role>
  </event>
`;
  const events = Buffer.from(event.repeat(20));
  do written += writeSync(descriptor, events);
  while (written < eventsSize);
  writeSync(descriptor, '</recording>\n');
  closeSync(descriptor);
}

/** Where BBB's own server plays a format; PILOS finds the file by what stands behind the id. */
function playbackPath(format: string, publishedId: string): string {
  switch (format) {
    case 'presentation':
      return `playback/presentation/2.3/${publishedId}`;
    case 'podcast':
      return `podcast/${publishedId}/audio.ogg`;
    case 'notes':
      return `notes/${publishedId}/notes.pdf`;
    default:
      return `playback/${format}/${publishedId}/`;
  }
}

/** Text of a published format's `metadata.xml`. */
export function metadataXml(
  meeting: Meeting,
  options: MeetingOptions,
  playback: { format: string; publishedId: string; size: number },
): string {
  const { format, publishedId, size } = playback;
  const meta = metaOf(meeting, options).map(([name, value]) => `<${name}>${escapeXml(value)}</${name}>`);
  const link = `https://bbb.example.org/${escapeXml(playbackPath(format, publishedId))}`;
  return `<?xml version="1.0"?>
<recording>
  <id>${escapeXml(publishedId)}</id>
  <state>published</state>
  <published>true</published>
  <start_time>${meeting.startTime}</start_time>
  <end_time>${meeting.endTime}</end_time>
  <participants>3</participants>
  <meeting id="${escapeXml(meeting.id)}" externalId="${meeting.externalId}" name="${escapeXml(meeting.name)}" breakout="false"/>
  <meta>
    ${meta.join('\n    ')}
  </meta>
  <playback>
    <format>${escapeXml(format)}</format>
    <link>${link}</link>
    <processing_time>7177</processing_time>
    <duration>${meeting.endTime - meeting.startTime}</duration>
    <size>${size}</size>
  </playback>
  <raw_size>106832</raw_size>
</recording>
`;
}
