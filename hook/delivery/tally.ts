/** How many formats are in which state, for the metrics. */
import type { PilosMeeting } from '../pilos/meetings.ts';
import type { DeliveryContext } from './context.ts';
import type { LedgerEntry } from './ledger.ts';
import { isHere, readMeetingFormats } from './meeting-formats.ts';
import type { DeliveryState } from './state.ts';

/** `lost`: deleted here before PILOS had it. */
type TalliedState = DeliveryState | 'lost';

const talliedStates: readonly TalliedState[] = [
  ...(['waiting', 'sending', 'failed', 'delivered', 'imported', 'taken'] as const),
  ...(['refused', 'outdated', 'adopted', 'lost'] as const),
];

export type Tally = Record<TalliedState, number>;

export function tallyFormats(
  context: DeliveryContext,
  meetings: readonly PilosMeeting[],
  entries: readonly LedgerEntry[],
): Tally {
  const tally = Object.fromEntries(talliedStates.map((state) => [state, 0])) as Tally;
  const published = new Set<string>();
  for (const { meetingId, files } of meetings) {
    for (const { recordId, format, delivery } of readMeetingFormats(context, meetingId, files)) {
      if (delivery === undefined) continue;
      published.add(`${recordId}/${format}`);
      tally[delivery] += 1;
    }
  }
  for (const entry of entries) {
    const { record_id, format, delivered } = entry;
    if (published.has(`${record_id}/${format}`)) continue;
    if (delivered === undefined && isDeleted(context, entry)) tally.lost += 1;
    else if (delivered?.import?.state === 'refused') tally.refused += 1;
  }
  return tally;
}

/** And not moved away by BBB's API, nor in the middle of a rebuild. */
function isDeleted(context: DeliveryContext, { meeting_id, record_id, format }: LedgerEntry): boolean {
  const formats = readMeetingFormats(context, meeting_id);
  return !formats.some((one) => one.recordId === record_id && one.format === format && isHere(one));
}
