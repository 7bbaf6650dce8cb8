/** What was delivered into a directory that was exchanged since: nobody can say whether PILOS has taken it. */
import { EXIT, ExpectedError } from '../errors.ts';
import type { ArchivesSeen } from '../spool/spool.ts';
import { type Delivery, importStateOf } from './ledger-entry.ts';

/** It went into the former directory. */
export function isFromBefore({ at }: Pick<Delivery, 'at'>, since: string | undefined): boolean {
  return since !== undefined && at < since;
}

/** Undefined when nothing was. @param deliveries to that destination */
export function findLeftBehind(
  destination: string,
  deliveries: readonly Delivery[],
  { since, waiting, refused }: Pick<ArchivesSeen, 'since' | 'waiting' | 'refused'>,
): ExpectedError | undefined {
  const open = deliveries.filter((one) => importStateOf(one) === 'delivered');
  const count = open.filter(
    (one) => isFromBefore(one, since) && !waiting.has(one.name) && !refused.has(one.name),
  ).length;
  return count === 0 ? undefined : leftBehind(destination, count);
}

export function leftBehind(destination: string, count: number): ExpectedError {
  const [what, they] = count === 1 ? ['1 archive', 'it'] : [`${count} archives`, 'them'];
  return new ExpectedError(
    `the spool directory ${destination} is not the one that ${what} went into, and whether PILOS has imported ${they} cannot be seen`,
    {
      code: 'spool_directory_exchanged',
      exitStatus: EXIT.spool,
      scope: 'destination',
      fix: "move the archives that the former directory still has into this one; 'pilos-post-publish deliver --confirm-mount' delivers again what is not there, and PILOS drops what it has",
    },
  );
}
