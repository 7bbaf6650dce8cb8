/** How many formats are in which state, for the metrics. */
import type { PilosMeeting } from '../pilos/meetings.ts';
import type { DeliveryContext } from './context.ts';
import type { LedgerEntry } from './ledger-entry.ts';
import { isHere, readMeetingFormats } from './meeting-formats.ts';
import { type DeliveryState, isOpen } from './state.ts';

/** `lost`: deleted here before PILOS had it. */
type TalliedState = DeliveryState | 'lost';

const talliedStates: readonly TalliedState[] = [
  ...(['waiting', 'sending', 'failed', 'delivered', 'imported', 'taken'] as const),
  ...(['refused', 'outdated', 'adopted', 'lost'] as const),
];

type Counts = Record<TalliedState, number>;

export interface Tally {
  formats: Counts;
  /** How many recordings have a format in the state. */
  recordings: Counts;
  /** Recordings with a format that is still to be delivered. */
  missing: number;
}

export function tallyFormats(
  context: DeliveryContext,
  meetings: readonly PilosMeeting[],
  entries: readonly LedgerEntry[],
): Tally {
  const found = readStates(context, meetings, entries);
  const count = (of: (state: TalliedState) => number) =>
    Object.fromEntries(talliedStates.map((state) => [state, of(state)])) as Counts;
  const recordingsIn = (isWanted: (state: TalliedState) => boolean) =>
    new Set(found.filter(({ state }) => isWanted(state)).map(({ recordId }) => recordId)).size;
  return {
    formats: count((wanted) => found.filter(({ state }) => state === wanted).length),
    recordings: count((wanted) => recordingsIn((state) => state === wanted)),
    missing: recordingsIn((state) => state !== 'lost' && isOpen(state)),
  };
}

function readStates(
  context: DeliveryContext,
  meetings: readonly PilosMeeting[],
  entries: readonly LedgerEntry[],
): { recordId: string; state: TalliedState }[] {
  const found: ReturnType<typeof readStates> = [];
  const published = new Set<string>();
  for (const { meetingId, files } of meetings) {
    for (const { recordId, format, delivery } of readMeetingFormats(context, meetingId, files)) {
      if (delivery === undefined) continue;
      published.add(`${recordId}/${format}`);
      found.push({ recordId, state: delivery });
    }
  }
  for (const entry of entries) {
    const { record_id: recordId, format, delivered } = entry;
    if (published.has(`${recordId}/${format}`)) continue;
    if (delivered === undefined && isDeleted(context, entry)) found.push({ recordId, state: 'lost' });
    else if (delivered?.import?.state === 'refused') found.push({ recordId, state: 'refused' });
  }
  return found;
}

/** And not moved away by BBB's API, nor in the middle of a rebuild. */
function isDeleted(context: DeliveryContext, { meeting_id, record_id, format }: LedgerEntry): boolean {
  const formats = readMeetingFormats(context, meeting_id);
  return !formats.some((one) => one.recordId === record_id && one.format === format && isHere(one));
}
