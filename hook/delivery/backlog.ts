/** What is to be delivered of all that is published: chosen by state, in the order in which it is tried. */

import type { PublishedFormat } from '../bbb/bbb.ts';
import { isBeingPublished } from '../bbb/format-states.ts';
import type { ExpectedError } from '../errors.ts';
import type { PilosMeeting } from '../pilos/meetings.ts';
import { readDeliveryState, statMetadata } from './content.ts';
import type { DeliveryContext } from './context.ts';
import type { LedgerEntry } from './ledger-entry.ts';
import { type DeliveryState, isOpen } from './state.ts';

/** `missing`: what PILOS does not have; `failed`: tried without success; `all`: what PILOS has imported too. */
export type Which = 'missing' | 'failed' | 'all';

export interface BacklogFilter {
  which: Which;
  /** Published since, milliseconds since 1970. */
  since: number | undefined;
  meetingIds: readonly string[];
  limit: number | undefined;
  /** As the timer's: `max_unattended` counts. */
  isUnattended: boolean;
}

export interface BacklogItem {
  published: PublishedFormat;
  subDir: string | ExpectedError;
  entry: LedgerEntry | undefined;
  state: DeliveryState;
  /** When BBB published it, milliseconds since 1970. */
  publishedAt: number;
}

export interface Backlog {
  items: BacklogItem[];
  /** Left by the limits. */
  left: number;
  /** Formats that BBB is still publishing. */
  beingPublished: number;
}

/**
 * Reads what is to be delivered, newest first, but after what has never failed comes what failed longest ago: with
 * a limit, the ones that fail every time must not keep the others from their turn.
 */
export function readBacklog(
  context: DeliveryContext,
  meetings: readonly PilosMeeting[],
  filter: BacklogFilter,
): Backlog {
  const { config, ledger } = context;
  const items: BacklogItem[] = [];
  let beingPublished = 0;
  for (const { published, subDir } of meetings) {
    for (const one of published) {
      const { state, entry } = readDeliveryState(config, ledger, one);
      if (!isWanted(state, filter)) continue;
      // After a call of BBB for these files there is nothing to wait for.
      if (!hasBeenTried(one, entry) && isBeingPublished(config, one)) {
        beingPublished += 1;
        continue;
      }
      const publishedAt = statMetadata(one)?.mtimeMs ?? Date.now();
      if (filter.since === undefined || publishedAt >= filter.since)
        items.push({ published: one, subDir, entry, state, publishedAt });
    }
  }
  items.sort(
    (one, other) => failedAt(one).localeCompare(failedAt(other)) || other.publishedAt - one.publishedAt,
  );
  const chosen = limitUnattended(items, filter.isUnattended ? config.maxUnattended : undefined);
  const limited = chosen.slice(0, filter.limit);
  return { items: limited, left: items.length - limited.length, beingPublished };
}

function isWanted(state: DeliveryState, { which, meetingIds }: BacklogFilter): boolean {
  if (which === 'failed') return state === 'failed';
  if (isOpen(state)) return true;
  if (which === 'all') return true;
  return meetingIds.length > 0 && (state === 'refused' || state === 'adopted');
}

function hasBeenTried(one: PublishedFormat, entry: LedgerEntry | undefined): boolean {
  if (entry?.waiting !== undefined) return true;
  const published = statMetadata(one);
  const tried = Date.parse(entry?.attempts.at(-1)?.at ?? '');
  return published !== undefined && tried >= published.mtimeMs;
}

function failedAt({ state, entry }: BacklogItem): string {
  return state === 'failed' ? (entry?.attempts.at(-1)?.at ?? '') : '';
}

/** A lost ledger or a first installation must not send a whole server unseen. */
function limitUnattended(items: readonly BacklogItem[], most: number | undefined): BacklogItem[] {
  if (most === undefined) return [...items];
  const recordings = new Set<string>();
  return items.filter(({ published, entry }) => {
    if (entry !== undefined || recordings.has(published.meetingId)) return true;
    if (recordings.size >= most) return false;
    recordings.add(published.meetingId);
    return true;
  });
}
