/** Why a recording cannot be migrated. */
import { planArchive } from '../archive/archive.ts';
import type { PublishedFormat } from '../bbb/bbb.ts';
import type { ImportedMetadata } from '../bbb/metadata.ts';
import { attempt, EXIT, ExpectedError } from '../errors.ts';
import { quote } from '../terminal/escape.ts';
import type { FoundRecording } from './sources.ts';

/** Why PILOS could not import it under its own name; undefined when it can. */
export function findObstacle(metadata: ImportedMetadata, found: FoundRecording): ExpectedError | undefined {
  const { published } = found;
  if (metadata.recordId !== published.recordId) {
    return cannotBePacked(
      'id_mismatch',
      `${metadata.source} has the id ${quote(metadata.recordId)}, and the directory has another name`,
      'PILOS would import it as the recording of that id; find out which of the two is right',
    );
  }
  if (metadata.externalId === '') {
    return cannotBePacked(
      'external_id_missing',
      `${metadata.source} has no meetingId in its <meta>`,
      'PILOS would find no room for it; write the external id of the meeting there',
    );
  }
  return attempt(() => findDouble(found)) ?? undefined;
}

/** Copies of the same files are as good as one; of two that differ nobody can say which is right. */
function findDouble({ published, others }: FoundRecording): ExpectedError | undefined {
  if (others.length === 0) return undefined;
  const fingerprint = ({ directory, format, recordId }: PublishedFormat) =>
    planArchive(directory, `${format}/${recordId}`).fingerprint;
  const first = fingerprint(published);
  const different = others.find((other) => fingerprint(other) !== first);
  if (different === undefined) return undefined;
  return cannotBePacked(
    'copies_differ',
    `it lies in ${published.directory} and in ${different.directory}, with different files or times`,
    'name only the --from that has the right one',
  );
}

function cannotBePacked(code: string, message: string, fix: string): ExpectedError {
  return new ExpectedError(message, { code, exitStatus: EXIT.data, fix });
}

export function stillComing(): ExpectedError {
  return new ExpectedError('BBB is still publishing it', {
    code: 'being_published',
    exitStatus: EXIT.temporary,
    fix: 'run the same command again when that is done',
  });
}
