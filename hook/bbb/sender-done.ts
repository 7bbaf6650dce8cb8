/**
 * `<recording_dir>/status/published/<meeting id>-sender.done` tells Scalelite's prune script, and ours, that a
 * meeting may be deleted here.
 */
import { rmSync, statSync, writeFileSync } from 'node:fs';
import { withErrnoTranslated } from '../system/errno.ts';

export function senderDoneFile(recordingDir: string, meetingId: string): string {
  return `${recordingDir}/status/published/${meetingId}-sender.done`;
}

/** Writes or removes the `-sender.done` of a meeting; true when that changed something. */
export function setSenderDone(recordingDir: string, meetingId: string, isDone: boolean): boolean {
  const file = senderDoneFile(recordingDir, meetingId);
  return withErrnoTranslated(`cannot ${isDone ? 'write' : 'remove'} ${file}`, () => {
    const isThere = statSync(file, { throwIfNoEntry: false }) !== undefined;
    if (isThere === isDone) return false;
    if (isDone) writeFileSync(file, `Published ${meetingId}`);
    else rmSync(file);
    return true;
  });
}
