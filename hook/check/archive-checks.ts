/** Does PILOS import what is delivered, and can be seen what it could not import? */
import { leftBehind } from '../delivery/left-behind.ts';
import { EXIT } from '../errors.ts';
import { sh } from '../system/shell-quote.ts';
import type { PlacedArchives } from './archives.ts';
import { asRoot } from './as-root.ts';
import type { LocalSpool } from './local-spool.ts';
import { ok, problem, type Row, rowsOf, type Verdict, warning } from './table.ts';

const row = rowsOf('Spool');

const after = ['spool_answers', 'spool_directory', 'spool_mount', 'host', 'remote_directory'];

/** @param importPatience milliseconds */
export function archiveChecks(
  archives: readonly PlacedArchives[],
  localSpool: LocalSpool | undefined,
  importPatience: number,
): Row[] {
  if (archives.length === 0) return [];
  const waiting = sum(archives.map((one) => one.waiting));
  const patience = importPatience / 1000;
  const visible = 'what PILOS could not import can be seen';
  return [
    row(
      'importer',
      `archives that PILOS has not imported yet: ${waiting}`,
      decideImporter(archives, patience),
      after,
    ),
    row('failed_directory', visible, decideFailedDirectory(archives, localSpool), after),
    row('refused_archives', 'PILOS could import what it was given', decideRefusedArchives(archives), after),
    row('same_directory', 'the spool directory is that of earlier deliveries', decideSame(archives), [
      ...after,
      'sub_directory',
    ]),
  ];
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** PILOS lists its spool every minute. @param patience seconds */
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
  spool: Pick<LocalSpool, 'directory' | 'mount' | 'found'> | undefined,
): Verdict {
  const hidden = archives.filter((one) => one.failedDirectory === 'hidden');
  const missing = archives.filter((one) => one.failedDirectory === 'missing');
  if (hidden.length > 0) {
    return warning(
      `only PILOS itself can enter 'failed' in ${list(hidden)}: nobody sees here what it could not import`,
      fixFailed(hidden, spool, (group, paths) => sh`chgrp ${group} ${paths} && chmod 2775 ${paths}`),
    );
  }
  if (missing.length === 0) return ok;
  return warning(
    `'failed' does not exist in ${list(missing)}: PILOS will create it so that only PILOS can enter it`,
    fixFailed(
      missing,
      spool,
      (group, paths) => sh`mkdir ${paths} && chgrp ${group} ${paths} && chmod 2775 ${paths}`,
    ),
  );
}

/** On the host that has the spool. */
function fixFailed(
  archives: readonly PlacedArchives[],
  spool: Pick<LocalSpool, 'directory' | 'mount' | 'found'> | undefined,
  commandFor: (group: string | number, paths: readonly string[]) => string,
): string {
  const paths = archives.map(({ place }) => `${place}/failed`);
  if (spool?.found === undefined) return `on the PILOS host: ${commandFor('pilos-spool', paths)}`;
  const { directory, found, mount } = spool;
  const here = paths.map((path) => found.path + path.slice(directory.length));
  return asRoot(mount, here, (places) => commandFor(found.gid, places));
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

/** What went into a former directory of the same name, and was not seen imported, may lie there for ever. */
function decideSame(archives: readonly Pick<PlacedArchives, 'place' | 'leftBehind'>[]): Verdict {
  const other = archives.find((one) => one.leftBehind > 0);
  if (other === undefined) return ok;
  const { message, fix } = leftBehind(other.place, other.leftBehind);
  return problem(EXIT.spool, message, fix);
}

function list(archives: readonly PlacedArchives[]): string {
  return archives.map(({ place }) => place).join(', ');
}
