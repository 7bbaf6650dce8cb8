/** Why PILOS does not have a format as it is here, and what to do about it. */
import { EXIT, ExpectedError } from '../errors.ts';

/** @param archive its name */
export function refusedByPilos(archive: string, meetingId: string): ExpectedError {
  return new ExpectedError(`PILOS has refused ${archive}: it lies in failed/ of its spool`, {
    code: 'refused',
    exitStatus: EXIT.data,
    fix: `find the reason in PILOS' log (does it know the meeting?), then run 'pilos-post-publish -m ${meetingId}'`,
  });
}

export function outdatedInPilos(meetingId: string): ExpectedError {
  return new ExpectedError('PILOS has an earlier version of this recording, and keeps it', {
    code: 'outdated',
    exitStatus: EXIT.data,
    fix: `delete the recording in PILOS, then run 'pilos-post-publish -m ${meetingId} --again'`,
  });
}
