/** Does PILOS import what is delivered, and can be seen what it could not import? */
import { EXIT } from '../errors.ts';
import { shellQuote } from '../system/shell-quote.ts';
import type { PlacedArchives } from './archives.ts';
import { definer } from './define.ts';
import type { Facts, SpoolFacts } from './facts.ts';
import { ok, problem, type Verdict, warning } from './result.ts';

const { one } = definer<Facts & SpoolFacts>('Spool');

const after = ['spool_answers', 'spool_directory', 'spool_mount', 'host', 'remote_directory'];

const some = ({ archives }: SpoolFacts) => (archives.length === 0 ? undefined : archives);

export const archiveChecks = [
  one({
    check: 'importer',
    of: some,
    title: (archives) =>
      `archives that PILOS has not imported yet: ${sum(archives.map((one) => one.waiting))}`,
    after,
    // PILOS looks every minute.
    decide: (archives, { config }) => decideImporter(archives, (config?.importPatience ?? 0) / 1000),
  }),
  one({
    check: 'failed_directory',
    of: some,
    title: 'what PILOS could not import can be seen',
    after,
    decide: (archives, { localSpool }) => decideFailedDirectory(archives, localSpool),
  }),
  one({
    check: 'refused_archives',
    of: some,
    title: 'PILOS could import what it was given',
    after,
    decide: decideRefusedArchives,
  }),
];

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** @param patience seconds */
export function decideImporter(archives: readonly PlacedArchives[], patience: number): Verdict {
  const late = archives.filter(({ oldestSeconds }) => oldestSeconds > patience);
  const hours = Math.floor(Math.max(...late.map(({ oldestSeconds }) => oldestSeconds)) / 3600);
  if (late.length === 0) return ok;
  return problem(
    EXIT.spool,
    `PILOS does not import: the oldest archive in ${list(late)} has waited for ${hours} h`,
    'check on the PILOS host that its scheduler runs, and its queue workers (Horizon)',
  );
}

/** PILOS makes the directory with mode 0700 when it needs it, and uses one that is there as it is. */
export function decideFailedDirectory(
  archives: readonly PlacedArchives[],
  localSpool: Pick<NonNullable<SpoolFacts['localSpool']>, 'mount' | 'found'> | undefined,
): Verdict {
  const hidden = archives.filter((one) => one.failedDirectory === 'hidden');
  const missing = archives.filter((one) => one.failedDirectory === 'missing');
  const paths = (of: readonly PlacedArchives[]) => shellQuote(of.map(({ place }) => `${place}/failed`));
  const group = localSpool?.found?.gid ?? 'pilos-spool';
  const there = (command: string) =>
    localSpool === undefined || localSpool.mount.type.startsWith('nfs')
      ? `on the PILOS host: ${command}`
      : command;
  if (hidden.length > 0) {
    return warning(
      `only PILOS itself can enter 'failed' in ${list(hidden)}: nobody sees here what it could not import`,
      there(`chgrp ${group} ${paths(hidden)} && chmod 2775 ${paths(hidden)}`),
    );
  }
  if (missing.length === 0) return ok;
  const text = `'failed' does not exist in ${list(missing)}: PILOS will create it so that only PILOS can enter it`;
  const create = `install -d -m 2775 -g ${group} ${paths(missing)}`;
  return warning(text, localSpool === undefined ? `on the PILOS host: ${create}` : create);
}

function decideRefusedArchives(archives: readonly PlacedArchives[]): Verdict {
  const refused = archives.filter(({ failed }) => failed.length > 0);
  const [first] = refused;
  if (first === undefined) return ok;
  const count = sum(refused.map(({ failed }) => failed.length));
  return warning(
    `${count === 1 ? '1 archive is' : `${count} archives are`} in 'failed' of ${list(refused)}, for example ${first.failed[0]}`,
    "see the reason in PILOS' log; to try one again, move it from 'failed' back into the directory above",
  );
}

function list(archives: readonly PlacedArchives[]): string {
  return archives.map(({ place }) => place).join(', ');
}
