/** How far each format of a meeting is, in BBB and on its way to PILOS: the one place that says so. */
import { type PublishedFormat, readPublishedFormats } from '../bbb/bbb.ts';
import { type FormatState, isBeingPublished, readFormatStates } from '../bbb/format-states.ts';
import { readDeliveryState } from './content.ts';
import type { DeliveryContext } from './context.ts';
import { type DeliveryState, isSafe } from './state.ts';

/** A format of a meeting: how far BBB is with it, and how far we are. */
export interface MeetingFormat extends Omit<FormatState, 'state'> {
  bbb: FormatState['state'];
  /** Of a published one. */
  delivery: DeliveryState | undefined;
}

/** Every format that BBB makes or has made of a meeting. */
export function readMeetingFormats(
  { config, ledger }: Pick<DeliveryContext, 'config' | 'ledger'>,
  meetingId: string,
  found: readonly PublishedFormat[] = readPublishedFormats(config, meetingId),
): MeetingFormat[] {
  return readFormatStates(config, config.publishSteps, meetingId, found).map(({ state, ...one }) => {
    if (state !== 'published') return { ...one, bbb: state, delivery: undefined };
    const published = {
      ...one,
      meetingId,
      directory: `${config.publishedDir}/${one.format}/${one.recordId}`,
    };
    const { entry, state: delivery } = readDeliveryState(config, ledger, published);
    const isIncomplete = entry === undefined && isBeingPublished(config, published);
    return isIncomplete
      ? { ...one, bbb: 'processing', delivery: undefined }
      : { ...one, bbb: state, delivery };
  });
}

/**
 * True for what keeps a meeting's `-sender.done` from being written: still processed by BBB, or published and not
 * imported. What an earlier `-sender.done` covers keeps nothing.
 */
export function isOutstanding({ bbb, delivery }: MeetingFormat): boolean {
  if (bbb === 'processing') return true;
  return delivery !== undefined && delivery !== 'adopted' && !isSafe(delivery);
}
