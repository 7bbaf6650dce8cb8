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
  const here = new Set<string>();
  for (const { meetingId, files } of meetings) {
    for (const one of readMeetingFormats(context, meetingId, files)) {
      if (isHere(one)) here.add(`${one.recordId}/${one.format}`);
      if (one.delivery !== undefined) tally[one.delivery] += 1;
    }
  }
  for (const { record_id, format, delivered } of entries) {
    if (here.has(`${record_id}/${format}`)) continue;
    if (delivered === undefined) tally.lost += 1;
    else if (delivered.import?.state === 'refused') tally.refused += 1;
  }
  return tally;
}
