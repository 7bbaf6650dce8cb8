/**
 * Where the files of a meeting's formats are: published, or moved away. bbb-web moves a recording that is unpublished
 * or deleted through BBB's API from `published_dir` to `unpublished` or `deleted` beside it.
 */
import { dirname } from 'node:path';
import { errnoName } from '../system/errno.ts';
import { type BbbDirectories, type PublishedFormat, readAllPublished, readPublishedFormats } from './bbb.ts';
import { belongsTo, type MeetingId, meetingIdOf, type RecordId } from './ids.ts';
import { readFormatNames, readRecordNames } from './tree.ts';

const withdrawals = ['unpublished', 'deleted'] as const;

/** A format that was published once; `directory` is where its files are now. */
interface WithdrawnFormat extends PublishedFormat {
  state: (typeof withdrawals)[number];
}

export interface MeetingFiles {
  meetingId: MeetingId;
  published: PublishedFormat[];
  withdrawn: WithdrawnFormat[];
}

/** The files of one meeting and of its segments. Throws an ExpectedError when `published_dir` cannot be read. */
export function readMeetingFiles(bbb: BbbDirectories, meetingId: MeetingId): MeetingFiles {
  const published = readPublishedFormats(bbb, meetingId);
  const withdrawn = readWithdrawn(bbb, (recordId) => belongsTo(recordId, meetingId));
  return { meetingId, published, withdrawn: withdrawn.filter(isNotIn(published)) };
}

/** The files of all meetings on this server, by meeting id. */
export function readAllMeetingFiles(bbb: BbbDirectories): Map<MeetingId, MeetingFiles> {
  const all = new Map<MeetingId, MeetingFiles>();
  for (const [meetingId, published] of readAllPublished(bbb))
    all.set(meetingId, { meetingId, published, withdrawn: [] });
  for (const one of readWithdrawn(bbb, () => true)) {
    const { meetingId } = one;
    const files = all.get(meetingId) ?? { meetingId, published: [], withdrawn: [] };
    if (isNotIn(files.published)(one)) files.withdrawn.push(one);
    all.set(meetingId, files);
  }
  return all;
}

/** What was published again after it was moved away is published. */
function isNotIn(published: readonly PublishedFormat[]): (one: PublishedFormat) => boolean {
  return ({ format, recordId }) =>
    !published.some((other) => other.format === format && other.recordId === recordId);
}

/** A format that lies in both places was unpublished before it was deleted: the first counts, it can come back. */
function readWithdrawn(
  { publishedDir }: BbbDirectories,
  isWanted: (recordId: RecordId) => boolean,
): WithdrawnFormat[] {
  const found = new Map<string, WithdrawnFormat>();
  for (const state of withdrawals) {
    const tree = `${dirname(publishedDir)}/${state}`;
    for (const format of namesOrNone(() => readFormatNames(tree))) {
      for (const recordId of namesOrNone(() => readRecordNames(tree, format, isWanted))) {
        const directory = `${tree}/${format}/${recordId}`;
        const one = { meetingId: meetingIdOf(recordId), recordId, format, directory, state };
        if (!found.has(`${format}/${recordId}`)) found.set(`${format}/${recordId}`, one);
      }
    }
  }
  return [...found.values()];
}

function namesOrNone<T>(read: () => T[]): T[] {
  try {
    return read();
  } catch (error) {
    if (errnoName(error) === undefined) throw error;
    return [];
  }
}
