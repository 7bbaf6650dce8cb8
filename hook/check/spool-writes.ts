/** What the test files in the spool directory and its sub directories tell. Pure. */
import { EXIT } from '../errors.ts';
import { shellQuote } from '../system/shell-quote.ts';
import { checkStatusOf, hasProblem, type Look, ok, problem, skipped, warning } from './finding.ts';
import { mountOf } from './mounts.ts';
import { decideMode, findLook, type LocalSpoolFacts } from './spool-local.ts';
import { isFailure, type ProbeFailure, type SpoolDirectory, type WrittenFile } from './spool-probe.ts';

export interface WriteFacts extends LocalSpoolFacts {
  spool: SpoolDirectory;
  /** What has been found about the spool so far. */
  looks: readonly Look[];
}

export function decideWrites(facts: WriteFacts, subDirs: readonly string[]): Look[] {
  return [decideSpoolWrite(facts), ...subDirs.map((subDir) => decideSubDirectory(facts, subDir))];
}

function findWrite({ lines }: WriteFacts, subDir: string): WrittenFile | ProbeFailure | undefined {
  const line = lines.find((one) => one.step === 'write' && one.subDir === subDir);
  return line?.step === 'write' ? line.found : undefined;
}

/** What has been told already need not be told again by the file that cannot be written because of it. */
function isExplained({ looks, lines }: WriteFacts, { exitStatus, errno }: ProbeFailure): boolean {
  const space = lines.find(({ step }) => step === 'space')?.found;
  if (space !== undefined && isFailure(space) && space.errno === errno) return true;
  if (exitStatus === EXIT.permission) return hasProblem(looks, 'user-group', 'spool-mode');
  return exitStatus === EXIT.spool && hasProblem(looks, 'spool-space');
}

function decideSpoolWrite(facts: WriteFacts): Look {
  const { spool } = facts;
  const found = findWrite(facts, '');
  const lookedAt = `a file of ${facts.user} in ${spool.path}`;
  if (found === undefined) return skipped('spool-write', lookedAt, 'the probe ended before');
  if (!isFailure(found)) return decideWritten(facts, found);
  if (isExplained(facts, found))
    return skipped('spool-write', lookedAt, 'what stands above is to be mended first');
  return problem('spool-write', lookedAt, checkStatusOf(found), {
    problem: `${found.message}: ${found.fix}`,
    fix: failureRemedy(facts, spool.path, found),
  });
}

function failureRemedy(
  { mountinfo }: WriteFacts,
  path: string,
  { errno, closed }: ProbeFailure,
): string | undefined {
  if (errno === 'EACCES' && closed !== undefined) return `chmod a+x ${shellQuote([closed])}`;
  if (errno !== 'EROFS') return undefined;
  return `mount -o remount,rw ${shellQuote([mountOf(path, mountinfo).point])}`;
}

/** File systems with options such as `file_mode` or `anongid` decide themselves what a file gets. */
function decideWritten({ user, spool, groupName, looks }: WriteFacts, { mode, gid }: WrittenFile): Look {
  const octal = mode.toString(8).padStart(4, '0');
  const group = gid === spool.gid ? (groupName ?? gid) : `id ${gid}`;
  const lookedAt = `a file of ${user} in ${spool.path} has mode ${octal} and group ${group}; it was removed again`;
  if ((mode & 0o040) === 0 && (mode & 0o004) === 0) {
    return problem('spool-write', lookedAt, EXIT.permission, {
      problem: 'PILOS may not read it: correct the mount options (file_mode, umask) or the default ACL',
    });
  }
  const isTold = looks.some(({ id, state }) => id === 'spool-mode' && state !== 'ok');
  if (gid === spool.gid || isTold) return ok('spool-write', lookedAt);
  return warning('spool-write', lookedAt, {
    problem: `its group is not that of the directory (${groupName ?? spool.gid}): look at the options of its mount or export (gid, anongid)`,
  });
}

/** One that PILOS meetings of this server have asked for. */
function decideSubDirectory(facts: WriteFacts, subDir: string): Look {
  const path = `${facts.spool.path}/${subDir}`;
  const lookedAt = `sub directory that PILOS asks for: ${path}`;
  const found = findLook(facts.lines, subDir);
  if (found === undefined) return skipped('sub-directory', lookedAt, 'the probe ended before');
  if (isFailure(found)) {
    if (found.errno !== 'ENOENT') return failed(facts, { path, lookedAt }, found);
    return problem('sub-directory', lookedAt, EXIT.spool, {
      problem: 'it does not exist, so the recordings of that PILOS are not delivered',
      fix: `install -d -m 2775 -o ${facts.spool.uid} -g ${facts.spool.gid} ${shellQuote([path])}`,
    });
  }
  if (!found.isDirectory) {
    return problem('sub-directory', lookedAt, EXIT.spool, { problem: 'it is no directory' });
  }
  return decideOpenSubDirectory(facts, subDir, { ...found, path }, lookedAt);
}

function decideOpenSubDirectory(
  facts: WriteFacts,
  subDir: string,
  found: SpoolDirectory,
  lookedAt: string,
): Look {
  const { spool } = facts;
  if (found.gid !== spool.gid && (found.mode & 0o007) !== 0o007) {
    return problem('sub-directory', lookedAt, EXIT.permission, {
      problem: `its group (id ${found.gid}) is not that of ${spool.path}, so PILOS cannot delete what it has imported`,
      fix: `chgrp ${spool.gid} ${shellQuote([found.path])} && chmod g+rwxs ${shellQuote([found.path])}`,
    });
  }
  const mode = decideMode('sub-directory', found);
  if (mode.state !== 'ok') return mode;
  const written = findWrite(facts, subDir);
  return written === undefined || !isFailure(written)
    ? ok('sub-directory', lookedAt)
    : failed(facts, { path: found.path, lookedAt }, written);
}

function failed(
  facts: WriteFacts,
  { path, lookedAt }: { path: string; lookedAt: string },
  failure: ProbeFailure,
): Look {
  if (isExplained(facts, failure)) {
    return skipped('sub-directory', lookedAt, 'what stands above is to be mended first');
  }
  const { message, fix } = failure;
  return problem('sub-directory', lookedAt, checkStatusOf(failure), {
    problem: `${message}: ${fix}`,
    fix: failureRemedy(facts, path, failure),
  });
}
