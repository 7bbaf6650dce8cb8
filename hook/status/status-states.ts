/** A state of a format, and its reason, as people read them. */
import type { Style } from '../terminal/table.ts';
import type { FormatStatus, RecordingStatus } from './status.ts';

export const stateStyles: Record<FormatStatus['state'], Style> = {
  imported: 'green',
  taken: 'green',
  adopted: 'green',
  delivered: 'cyan',
  sending: 'cyan',
  waiting: 'yellow',
  processing: 'cyan',
  failed: 'red',
  refused: 'red',
  outdated: 'red',
  lost: 'red',
  empty: 'dim',
  failed_in_bbb: 'dim',
  not_produced: 'dim',
  unpublished: 'dim',
  deleted: 'dim',
};

/** A state as people read it. */
const stateTexts: Partial<Record<FormatStatus['state'], string>> = {
  empty: 'nothing to publish',
  failed_in_bbb: 'failed in BBB',
  not_produced: 'not produced',
};

export function describeStateName(state: FormatStatus['state']): string {
  return stateTexts[state] ?? state;
}

/** What a state means that people may wonder about. */
export const explanations: Partial<Record<FormatStatus['state'], string>> = {
  empty: 'BBB has finished it and published nothing',
  not_produced: 'BBB has no raw files for it any more',
  unpublished:
    "BBB keeps its files in 'unpublished', beside published_dir; publishRecordings publishes it again",
  deleted: "deleted through BBB's API; BBB keeps its files in 'deleted', beside published_dir, for a while",
};

/** `video failed`; of a segment also which one. */
export function describeState(
  { meeting_id }: RecordingStatus,
  { record_id, format, state }: FormatStatus,
): string {
  const segment = record_id === meeting_id ? '' : ` (${record_id.slice(meeting_id.length + 1)})`;
  return `${format}${segment} ${describeStateName(state)}`;
}

export function describeReason({ message, fix }: { message: string; fix: string }): string {
  return fix === '' ? message : `${message}: ${fix}`;
}
