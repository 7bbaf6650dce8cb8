/** How far each format of a meeting is, in BBB and on its way to PILOS: the one place that says so. */
import { type FormatState, isBeingPublished, readFormatStates } from '../bbb/format-states.ts';
import type { MeetingId } from '../bbb/ids.ts';
import { type MeetingFiles, readMeetingFiles } from '../bbb/meeting-files.ts';
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
  meetingId: MeetingId,
  files: MeetingFiles = readMeetingFiles(config, meetingId),
): MeetingFormat[] {
  return readFormatStates(config, config.publishSteps, files).map(({ state, ...one }) => {
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

/** True while BBB has the files, or is about to make them. */
export function isHere({ bbb }: Pick<MeetingFormat, 'bbb'>): boolean {
  return bbb !== 'empty' && bbb !== 'not_produced';
}

/**
 * True for what keeps a meeting's `-sender.done` from being written: still processed by BBB, or published and not
 * imported. What is empty, was moved away, failed in BBB or cannot be made any more keeps nothing, nor what an earlier
 * `-sender.done` covers.
 */
export function isOutstanding({ bbb, delivery }: MeetingFormat): boolean {
  if (bbb === 'processing') return true;
  return delivery !== undefined && delivery !== 'adopted' && !isSafe(delivery);
}
