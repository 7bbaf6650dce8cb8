/** What is in work_dir, and its space. */
import { EXIT } from '../errors.ts';
import { sh } from '../system/shell-quote.ts';
import type { Facts } from './facts.ts';
import type { OwnFiles } from './own-files.ts';
import { ok, problem, type Verdict, warning } from './table.ts';

const littleSpace = 1e9;
/** What the ledger needs. */
const noSpace = 1e7;

/** What a run as root left, as PILOS' Ruby script does, makes every later one fail. */
export function decideForeign({ foreign, workDir }: OwnFiles, user: string): Verdict {
  if (foreign === undefined) return ok;
  const { count, first, isInTheWay } = foreign;
  const text = `${count} of its files and directories belong to somebody else, for example ${first}`;
  const fix = sh`chown -RH ${user}: ${workDir.path}`;
  return isInTheWay ? problem(EXIT.permission, text, fix) : warning(text, fix);
}

/** The ledger needs some in any case; for rsync the whole archive is made there first. */
export function decideWorkSpace({ workSpace: free, workDir }: OwnFiles, config: Facts['config']): Verdict {
  if (free === undefined) return ok;
  const fix = `free some space in ${workDir.path}, or set work_dir in pilos.yml to a larger disk`;
  if (free.inodes === 0) return problem(EXIT.config, 'no inode is free, so no delivery can be recorded', fix);
  if (free.bytes < noSpace) return problem(EXIT.config, 'it is full, so no delivery can be recorded', fix);
  if (free.bytes >= littleSpace || config?.spool.kind === 'local') return ok;
  return warning('a recording may be larger', fix);
}

/** The -sender.done files are those of PILOS' own script, or what this program wrote is lost. */
export function decideLedger({ hasLedger, senderDoneCount, workDir }: OwnFiles): Verdict {
  if (hasLedger || senderDoneCount === 0) return ok;
  return warning(
    `it is empty, but ${senderDoneCount} meetings have a -sender.done: they count as delivered, and nobody knows what PILOS imported of them`,
    `after PILOS' own script this is normal until the first delivery; otherwise restore ${workDir.path}/ledger from a backup, or correct work_dir`,
  );
}
