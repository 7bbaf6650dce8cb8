/** What is known of the delivery of one format: {@link DeliveryState}. Pure decisions over a ledger entry. */
import { isAbandoned } from '../system/run-token.ts';
import { importStateOf, type LedgerEntry } from './ledger-entry.ts';

export type DeliveryState =
  /** To be delivered. */
  | 'waiting'
  /** Under way. */
  | 'sending'
  /** The last try failed, and PILOS has nothing of it. */
  | 'failed'
  /** The archive lies in PILOS' spool. */
  | 'delivered'
  /** PILOS took the archive, and it is not in `failed/`. */
  | 'imported'
  /** PILOS took it; whether it is in `failed/` cannot be seen. */
  | 'taken'
  /** It lies in `failed/`. */
  | 'refused'
  /** PILOS keeps an earlier version, and what is here now differs. */
  | 'outdated'
  /** An earlier `-sender.done` covers it; nobody knows more. */
  | 'adopted';

export interface ContentFacts {
  /** What is published now is what was delivered. */
  isSame: boolean;
  /** Published before its meeting's `-sender.done` was written. */
  isCovered: boolean;
  /** `replaces_recordings`: PILOS would take the new version. */
  isReplaced: boolean;
}

export function deliveryState(entry: LedgerEntry | undefined, content: ContentFacts): DeliveryState {
  if (entry?.sending !== undefined && !isAbandoned(entry.sending.run, Number.POSITIVE_INFINITY))
    return 'sending';
  const delivered = entry?.delivered;
  if (delivered === undefined) {
    const isTouched = entry !== undefined && (entry.waiting !== undefined || entry.attempts.length > 0);
    const isAdopted = entry === undefined ? content.isCovered : entry.adopted !== undefined;
    return isAdopted && !isTouched ? 'adopted' : openState(entry);
  }
  const state = importStateOf(delivered);
  if (content.isSame) return state === 'refused' && entry !== undefined ? requested(entry, 'refused') : state;
  const isKept = state === 'imported' || state === 'taken';
  return isKept && !content.isReplaced ? requested(entry, 'outdated') : openState(entry);
}

/** After somebody has asked for it, a format that nobody would send by itself is on its way again. */
function requested(entry: LedgerEntry | undefined, state: DeliveryState): DeliveryState {
  return entry?.waiting === undefined ? state : 'waiting';
}

function openState(entry: LedgerEntry | undefined): DeliveryState {
  if (entry?.waiting !== undefined) return 'waiting';
  return entry?.attempts.at(-1)?.result === 'failed' ? 'failed' : 'waiting';
}

/** What `deliver` sends by itself. */
export function isOpen(state: DeliveryState): boolean {
  return state === 'waiting' || state === 'failed' || state === 'sending';
}

/** PILOS has it in its current content, as far as anybody can see. */
export function isSafe(state: DeliveryState): boolean {
  return state === 'imported' || state === 'taken';
}
