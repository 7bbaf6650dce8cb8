/** Why there is nothing to send of a meeting: what is there instead. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { EXIT, ExpectedError } from '../errors.ts';
import { type BbbDirectories, readPublishedFormats } from './bbb.ts';

/** Nothing published under this id: says what is there instead. */
export function notPublished(
  bbb: BbbDirectories,
  meetingId: string,
  format: string | undefined,
): ExpectedError {
  const unpublished = unpublishedReason(bbb, meetingId, format);
  if (unpublished !== undefined) return unpublished;
  const others = format === undefined ? [] : namesOf(bbb, meetingId);
  const what = format === undefined ? 'no format' : `format '${format}'`;
  const knows = existsSync(`${bbb.recordingDir}/raw/${meetingId}`);
  if (others.length === 0 && !knows) {
    return new ExpectedError(`BBB has no recording of meeting '${meetingId}' in ${bbb.publishedDir}`, {
      exitStatus: EXIT.noRecording,
      fix: "check the id with 'bbb-record --list'; it may be on another BBB server",
    });
  }
  const published = others.length === 0 ? 'nothing' : others.join(', ');
  return new ExpectedError(
    `${what} of meeting '${meetingId}' is not published in ${bbb.publishedDir} (published: ${published})`,
    {
      exitStatus: EXIT.noRecording,
      fix: `see how far BBB is with 'bbb-record --watch', or publish it again with 'bbb-record --rebuild ${meetingId}'`,
    },
  );
}

/**
 * The reason when somebody has withdrawn the meeting, or this format of it: BBB then moves it to `unpublished`,
 * the neighbour of `published_dir`. Undefined when nothing of it lies there.
 */
export function unpublishedReason(
  bbb: BbbDirectories,
  meetingId: string,
  format?: string,
): ExpectedError | undefined {
  const directory = join(dirname(bbb.publishedDir), 'unpublished');
  if (!existsSync(directory)) return undefined;
  const formats = namesOf({ ...bbb, publishedDir: directory }, meetingId, format);
  if (formats.length === 0) return undefined;
  return new ExpectedError(
    `meeting '${meetingId}' was unpublished: BBB keeps its ${formats.join(', ')} in ${directory}`,
    {
      exitStatus: EXIT.noRecording,
      fix: `publish it again with BBB's API call publishRecordings, or send it as it is with 'pilos-post-publish migrate --from ${directory}'`,
    },
  );
}

/** The formats of a meeting, each once, however many segments it has. */
function namesOf(bbb: BbbDirectories, meetingId: string, format?: string): string[] {
  return [...new Set(readPublishedFormats(bbb, meetingId, format).map((found) => found.format))];
}
