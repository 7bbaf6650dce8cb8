/** Does PILOS import what is delivered, and can be seen what it could not import? */
import { leftBehind } from '../delivery/left-behind.ts';
import { sh } from '../system/shell-quote.ts';
import { asRoot } from './as-root.ts';
import type { PlacedArchives } from './importer-facts.ts';
import type { LocalSpool } from './local-spool-facts.ts';
import type { RemoteSpool } from './remote-spool-facts.ts';
import { ok, problem, type Rows, row, type Verdict, warning } from './table.ts';

const after = ['spool_answers', 'spool_directory', 'spool_mount', 'host', 'remote_directory'];

/** @param patience seconds that an archive may wait */
export function importerChecks(spool: LocalSpool | RemoteSpool, patience: number): Rows {
  const { archives } = spool;
  if (archives.length === 0) return [];
  const waiting = `archives that PILOS has not imported yet: ${sum(archives.map((one) => one.waiting))}`;
  const visible = 'what PILOS could not import can be seen';
  const same = 'the spool directory is that of earlier deliveries';
  const local = spool.kind === 'local' ? spool : undefined;
  return [
    row('importer', waiting, decideImporter(archives, patience), after),
    row('failed_directory', visible, decideFailedDirectory(archives, local), after),
    row('refused_archives', 'PILOS could import what it was given', decideRefusedArchives(archives), after),
    row('same_directory', same, decideSame(archives), [...after, 'sub_directory']),
  ];
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** PILOS lists its spool every minute. */
export function decideImporter(archives: readonly PlacedArchives[], patience: number): Verdict {
  const late = archives.filter(({ oldestSeconds }) => oldestSeconds > patience);
  const hours = Math.floor(Math.max(...late.map(({ oldestSeconds }) => oldestSeconds)) / 3600);
  if (late.length === 0) return ok;
  return problem.spool(
    `PILOS does not import: the oldest archive in ${list(late)} has waited for ${hours} h`,
    'check on the PILOS host that its scheduler runs, and its queue workers (Horizon)',
  );
}

type Place = Pick<LocalSpool, 'directory' | 'mount' | 'found'> | undefined;

/** PILOS makes the directory with mode 0700 when it needs it, and uses one that is there as it is. */
export function decideFailedDirectory(archives: readonly PlacedArchives[], spool: Place): Verdict {
  const hidden = archives.filter((one) => one.failedDirectory === 'hidden');
  const missing = archives.filter((one) => one.failedDirectory === 'missing');
  if (hidden.length > 0)
    return warning(
      `only PILOS itself can enter 'failed' in ${list(hidden)}: nobody sees here what it could not import`,
      fixFailed(hidden, spool, ''),
    );
  if (missing.length === 0) return ok;
  return warning(
    `'failed' does not exist in ${list(missing)}: PILOS will create it so that only PILOS can enter it`,
    fixFailed(missing, spool, 'mkdir'),
  );
}

/** On the host that has the spool. */
function fixFailed(archives: readonly PlacedArchives[], spool: Place, create: 'mkdir' | ''): string {
  const show = (group: string | number, places: readonly string[]) =>
    `${create && sh`mkdir ${places} && `}${sh`chgrp ${group} ${places} && chmod 2775 ${places}`}`;
  // A key may be restricted to a directory, whose path there nobody knows here.
  if (spool?.found === undefined)
    return `on the PILOS host, in ${list(archives)}: ${show('pilos-spool', ['failed'])}`;
  const { directory, found, mount } = spool;
  const here = archives.map(({ place }) => `${found.path}${place.slice(directory.length)}/failed`);
  return asRoot(mount, here, (places) => show(found.gid, places));
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
function decideSame(archives: readonly PlacedArchives[]): Verdict {
  const other = archives.find((one) => one.leftBehind > 0);
  return other === undefined ? ok : problem.of(leftBehind(other.place, other.leftBehind));
}

function list(archives: readonly PlacedArchives[]): string {
  return archives.map(({ place }) => place).join(', ');
}
