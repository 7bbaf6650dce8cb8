/** Mode and space of the spool, what a test file became in it, and its sub directories. Pure. */
import { EXIT } from '../errors.ts';
import { shellQuote } from '../system/shell-quote.ts';
import { formatBytes } from '../terminal/units.ts';
import type { Facts } from './facts.ts';
import { answerOf, type FoundSpool, failureOf, type LocalSpool } from './local-spool.ts';
import { checkStatusOf, ok, problem, skipped, type Verdict, warning } from './result.ts';
import { describeGroup } from './spool-group.ts';
import type { ProbeFailure, SpoolDirectory } from './spool-probe.ts';

const littleSpace = 1e9;
const noSpace = 1e8;

/** PILOS reads and deletes archives as a member of the directory's group. */
export function decideMode({ path, mode }: Pick<SpoolDirectory, 'path' | 'mode'>): Verdict {
  const wrong: string[] = [];
  const changes: string[] = [];
  if ((mode & 0o070) !== 0o070 && (mode & 0o007) !== 0o007) {
    wrong.push('the group may not read and delete there, so PILOS cannot import');
    changes.push('g+rwx');
  }
  if ((mode & 0o1000) !== 0) {
    wrong.push('the sticky bit keeps PILOS from deleting what it has imported');
    changes.push('-t');
  }
  const breaksImport = wrong.length > 0;
  if ((mode & 0o2000) === 0) {
    wrong.push('without the setgid bit, files get the group of their writer');
    changes.push('g+s');
  }
  if (wrong.length === 0) return ok;
  const fix = `chmod ${changes.join(',')} ${shellQuote([path])}`;
  return breaksImport ? problem(EXIT.permission, wrong.join('; '), fix) : warning(wrong.join('; '), fix);
}

export function describeSpace({ lines }: LocalSpool): string {
  const answer = answerOf(lines, 'space');
  const free = answer !== undefined && 'found' in answer ? answer.found : undefined;
  return `free space: ${free === undefined ? 'not known' : formatBytes(free.bytes)}`;
}

export function decideSpace({ lines }: LocalSpool): Verdict {
  const answer = answerOf(lines, 'space');
  const failure = failureOf(answer);
  if (failure !== undefined) return problem(checkStatusOf(failure), failure.message, failure.fix);
  const free = answer !== undefined && 'found' in answer ? answer.found : undefined;
  if (free === undefined) return skipped('the file system does not say');
  const fix = 'free some space there; is PILOS importing? See Horizon and failed/';
  if (free.inodes === 0) return problem(EXIT.spool, 'no inode is free', fix);
  if (free.bytes < noSpace) return problem(EXIT.spool, 'it is full', fix);
  return free.bytes < littleSpace ? warning('a recording may be larger', fix) : ok;
}

export function describeWritten({ lines, found: { path }, ...spool }: FoundSpool): string {
  const answer = answerOf(lines, 'write');
  if (answer === undefined || !('found' in answer)) return path;
  const { mode, gid } = answer.found;
  return `${path} had mode ${toOctal(mode)} and group ${gid === spool.pilosGroup?.gid ? 'pilos-spool' : gid}`;
}

export function decideWrite(spool: FoundSpool, facts: Facts): Verdict {
  const answer = answerOf(spool.lines, 'write');
  if (answer === undefined) return skipped('the probe ended before');
  if ('failure' in answer) return decideFailure(spool, answer.failure, facts);
  // File systems with options such as `file_mode` or `anongid` decide themselves what a file gets.
  const { mode, gid } = answer.found;
  if ((mode & 0o044) === 0) {
    const fix = 'correct the options of its mount (file_mode, umask), or the default ACL';
    return problem(EXIT.permission, 'PILOS cannot read it', fix);
  }
  const hasSetgid = (spool.found.mode & 0o2000) !== 0;
  if (gid === spool.found.gid || !hasSetgid) return ok;
  return warning(
    `its group is not that of the directory, ${describeGroup(spool)}`,
    'check the options of its mount or export (gid, anongid)',
  );
}

/** What a directory that cannot be used needs. */
export function decideFailure(spool: LocalSpool, failure: ProbeFailure, { accounts }: Facts): Verdict {
  const { message, fix, errno, closed } = failure;
  const { mount } = spool;
  const status = checkStatusOf(failure);
  if (errno === 'EACCES') {
    if (mount.type.startsWith('nfs') && isAllowedHere(closed ?? spool.found, accounts))
      return problem(
        status,
        `${message}, though mode and group allow it: it is the server that refuses`,
        `on ${mount.source.split(':')[0]}, check: is the export still there; does it squash this user (all_squash needs anongid of PILOS' group); with manage-gids=y in /etc/nfs.conf, is ${accounts.user} in the group there, too`,
      );
    if (closed !== undefined)
      return problem(
        status,
        `${accounts.ranAs} cannot enter ${closed.path}`,
        `chmod a+x ${shellQuote([closed.path])}`,
      );
  }
  const isReadOnly = errno === 'EROFS' && mount.point !== '/';
  return problem(status, message, isReadOnly ? `mount -o remount,rw ${shellQuote([mount.point])}` : fix);
}

/** By what stat(2) says here. An export that was withdrawn says nothing at all. */
function isAllowedHere(
  place: { mode?: number; uid?: number; gid?: number } | undefined,
  { account, groups = [] }: Facts['accounts'],
): boolean {
  if (place?.mode === undefined) return true;
  const isMember = place.gid === account?.gid || groups.includes(place.gid ?? Number.NaN);
  const shift = place.uid === account?.uid ? 6 : isMember ? 3 : 0;
  return ((place.mode >> shift) & 1) === 1;
}

/** One that PILOS meetings of this server have asked for. */
export function decideSubDirectory(spool: FoundSpool, subDir: string, facts: Facts): Verdict {
  const { uid, gid } = spool.found;
  const path = `${spool.found.path}/${subDir}`;
  const quoted = shellQuote([path]);
  const answer = answerOf(spool.lines, 'directory', subDir);
  if (answer === undefined) return skipped('the probe ended before');
  if ('failure' in answer) {
    if (answer.failure.errno !== 'ENOENT') return decideFailure(spool, answer.failure, facts);
    const fix = `install -d -m 2775 -o ${uid} -g ${gid} ${quoted}`;
    return problem(EXIT.spool, 'it does not exist, so the recordings of that PILOS are not delivered', fix);
  }
  const directory = { ...answer.found, path };
  if (!directory.isDirectory) return problem(EXIT.spool, 'it is not a directory', `remove or rename ${path}`);
  if (directory.gid !== gid && (directory.mode & 0o007) !== 0o007) {
    const text = `its group (id ${directory.gid}) is not that of ${spool.found.path}, so PILOS cannot delete what it has imported`;
    return problem(EXIT.permission, text, `chgrp ${gid} ${quoted} && chmod g+rwxs ${quoted}`);
  }
  const mode = decideMode(directory);
  const failure = failureOf(answerOf(spool.lines, 'write', subDir));
  return mode.state === 'ok' && failure !== undefined ? decideFailure(spool, failure, facts) : mode;
}

export function toOctal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}
