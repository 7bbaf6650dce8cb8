/** A spool that is a directory of this server: does it answer, is it mounted, and can be written what PILOS reads? */
import { EXIT } from '../errors.ts';
import { sh } from '../system/shell-quote.ts';
import { formatBytes } from '../terminal/units.ts';
import type { Facts, SpoolFacts } from './facts.ts';
import type { FoundSpool, LocalSpool } from './local-spool.ts';
import { decideAnswers, decideDirectory, decideFailure, decideMount } from './spool-mount.ts';
import {
  decideGroup,
  decideMode,
  decideUserGroup,
  decideWorkerGroup,
  describeGroup,
} from './spool-rights.ts';
import { checkStatusOf, definer, ok, problem, skipped, type Verdict, warning } from './table.ts';

const { one, each } = definer<Facts & SpoolFacts>('Spool');

/** A directory that is there; what is not, or hangs, is said by the first two checks. */
const found = ({ localSpool }: SpoolFacts) =>
  localSpool?.found?.isDirectory ? { ...localSpool, found: localSpool.found } : undefined;
const foundByUser = (facts: Facts & SpoolFacts) =>
  facts.accounts.account === undefined ? undefined : found(facts);

const mounted = ['spool_answers', 'spool_mount'];
const usable = [...mounted, 'spool_group', 'spool_mode', 'spool_space', 'user_group'];

export const localSpoolChecks = [
  one(
    'spool_answers',
    ({ localSpool }) => localSpool,
    ({ directory }) => `${directory} answers`,
    decideAnswers,
  ),
  one(
    'spool_directory',
    ({ localSpool }) => localSpool,
    ({ directory }) => `spool directory: ${directory}`,
    decideDirectory,
    ['spool_answers'],
  ),
  one(
    'spool_mount',
    found,
    ({ mount: { point, type, source } }) => `file system: ${point} (${type} from ${source})`,
    decideMount,
    ['spool_answers'],
  ),
  one(
    'spool_group',
    found,
    (spool) => `group of ${spool.found.path}: ${describeGroup(spool)}`,
    decideGroup,
    mounted,
  ),
  one(
    'spool_mode',
    found,
    ({ found: { path, mode } }) => `mode of ${path}: ${toOctal(mode)}`,
    (spool) => decideMode(spool.found),
    [...mounted, 'spool_group'],
  ),
  one('spool_space', found, describeSpace, decideSpace, mounted),
  one(
    'user_group',
    foundByUser,
    (spool, { accounts }) => `${accounts.user} is in group ${describeGroup(spool)}, or need not be`,
    decideUserGroup,
    [...mounted, 'spool_group'],
  ),
  one(
    'worker_group',
    foundByUser,
    (spool) => `BBB's worker is in group ${describeGroup(spool)}, or need not be`,
    decideWorkerGroup,
    [...mounted, 'spool_group', 'user_group'],
  ),
  one(
    'spool_write',
    found,
    (spool, { accounts }) => `a file of ${accounts.ranAs} in ${describeWritten(spool)}`,
    decideWrite,
    usable,
  ),
  each(
    'sub_directory',
    (facts) => {
      const spool = found(facts);
      return spool === undefined ? [] : spool.subDirs.map((subDir) => ({ spool, subDir }));
    },
    ({ spool, subDir }) => `sub directory that PILOS asks for: ${spool.found.path}/${subDir}`,
    ({ spool, subDir }, facts) => decideSubDirectory(spool, subDir, facts),
    [...usable, 'spool_write'],
  ),
];

const littleSpace = 1e9;
const noSpace = 1e8;

function describeSpace({ answers }: LocalSpool): string {
  const free = answers.get('')?.space?.found;
  return `free space: ${free === undefined ? 'not known' : formatBytes(free.bytes)}`;
}

function decideSpace({ answers }: LocalSpool): Verdict {
  const { found: free, failure } = answers.get('')?.space ?? {};
  if (failure !== undefined) return problem(checkStatusOf(failure), failure.message, failure.fix);
  if (free === undefined) return skipped('the file system does not say');
  const fix = 'free some space there; is PILOS importing? See Horizon and failed/';
  if (free.inodes === 0) return problem(EXIT.spool, 'no inode is free', fix);
  if (free.bytes < noSpace) return problem(EXIT.spool, 'it is full', fix);
  return free.bytes < littleSpace ? warning('a recording may be larger', fix) : ok;
}

function describeWritten({ answers, found: { path }, pilosGroup }: FoundSpool): string {
  const written = answers.get('')?.write?.found;
  if (written === undefined) return path;
  const group = written.gid === pilosGroup?.gid ? 'pilos-spool' : written.gid;
  return `${path} had mode ${toOctal(written.mode)} and group ${group}`;
}

/** File systems with options such as `file_mode` or `anongid` decide themselves what a file gets. */
function decideWrite(spool: FoundSpool, facts: Facts): Verdict {
  const { found: written, failure } = spool.answers.get('')?.write ?? {};
  if (failure !== undefined) return decideFailure(spool, failure, facts);
  if (written === undefined) return skipped('the probe ended before');
  if ((written.mode & 0o044) === 0) {
    const fix = 'correct the options of its mount (file_mode, umask), or the default ACL';
    return problem(EXIT.permission, 'PILOS cannot read it', fix);
  }
  const hasSetgid = (spool.found.mode & 0o2000) !== 0;
  if (written.gid === spool.found.gid || !hasSetgid) return ok;
  return warning(
    `its group is not that of the directory, ${describeGroup(spool)}`,
    'check the options of its mount or export (gid, anongid)',
  );
}

/** One that PILOS meetings of this server have asked for. */
function decideSubDirectory(spool: FoundSpool, subDir: string, facts: Facts): Verdict {
  const { uid, gid } = spool.found;
  const path = `${spool.found.path}/${subDir}`;
  const { directory, write } = spool.answers.get(subDir) ?? {};
  const { found: there, failure } = directory ?? {};
  if (failure?.errno === 'ENOENT') {
    const text = 'it does not exist, so the recordings of that PILOS are not delivered';
    return problem(EXIT.spool, text, sh`install -d -m 2775 -o ${uid} -g ${gid} ${path}`);
  }
  if (failure !== undefined) return decideFailure(spool, failure, facts);
  if (there === undefined) return skipped('the probe ended before');
  if (!there.isDirectory) return problem(EXIT.spool, 'it is not a directory', `remove or rename ${path}`);
  if (there.gid !== gid && (there.mode & 0o007) !== 0o007) {
    const text = `its group (id ${there.gid}) is not that of ${spool.found.path}, so PILOS cannot delete what it has imported`;
    return problem(EXIT.permission, text, sh`chgrp ${gid} ${path} && chmod g+rwxs ${path}`);
  }
  const mode = decideMode({ path, mode: there.mode });
  return mode.state === 'ok' && write?.failure ? decideFailure(spool, write.failure, facts) : mode;
}

function toOctal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}
