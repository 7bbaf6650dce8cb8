/**
 * `<recording_dir>/status/published/<meeting id>-sender.done` says to Scalelite's prune script, and to `prune`, that a
 * meeting may be deleted here.
 */
import { rmSync, statSync, writeFileSync } from 'node:fs';
import { withErrnoTranslated } from '../system/errno.ts';
import type { BbbDirectories, PublishedFormat } from './bbb.ts';
import type { MeetingId } from './ids.ts';

export function senderDoneFile(recordingDir: string, meetingId: MeetingId): string {
  return `${recordingDir}/status/published/${meetingId}-sender.done`;
}

/** Writes or removes the `-sender.done` of a meeting; true when that changed something. */
export function setSenderDone(recordingDir: string, meetingId: MeetingId, isDone: boolean): boolean {
  const file = senderDoneFile(recordingDir, meetingId);
  return withErrnoTranslated(`cannot ${isDone ? 'write' : 'remove'} ${file}`, () => {
    const isThere = statSync(file, { throwIfNoEntry: false }) !== undefined;
    if (isThere === isDone) return false;
    if (isDone) writeFileSync(file, `Published ${meetingId}`);
    else rmSync(file);
    return true;
  });
}

/**
 * True for a format that was published before its meeting's `-sender.done` was written: then who wrote that has sent
 * it. PILOS' own script writes it after the first format, so one that came later is not covered.
 */
export function isCoveredBySenderDone(bbb: BbbDirectories, published: PublishedFormat): boolean {
  const senderDone = timeOf(senderDoneFile(bbb.recordingDir, published.meetingId));
  const time = publicationTime(bbb, published);
  return senderDone !== undefined && time !== undefined && time <= senderDone;
}

/** When BBB has published a format, by its own status file, milliseconds since 1970; undefined when nothing says. */
export function publicationTime(
  { recordingDir }: BbbDirectories,
  { meetingId, recordId, format, directory }: PublishedFormat,
): number | undefined {
  const times = [recordId, meetingId].map((id) =>
    timeOf(`${recordingDir}/status/published/${id}-${format}.done`),
  );
  return times.find((one) => one !== undefined) ?? timeOf(`${directory}/metadata.xml`);
}

function timeOf(file: string): number | undefined {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs;
}
