/** A spool that is a directory of this server: what the probe has found → findings. Pure. */
import { EXIT } from '../errors.ts';
import { shellQuote } from '../system/shell-quote.ts';
import { formatBytes } from '../terminal/units.ts';
import { checkStatusOf, type Look, ok, problem, skipped, type Trouble, warning } from './finding.ts';
import { mountOf, plannedMountPoint } from './mounts.ts';
import {
  isFailure,
  type ProbeFailure,
  type ProbeLine,
  type SpoolDirectory,
  type SpoolSpace,
} from './spool-probe.ts';

export interface LocalSpoolFacts {
  directory: string;
  requireMount: boolean | string;
  lines: readonly ProbeLine[];
  /** The probe did not come to its end. */
  isHung: boolean;
  mountinfo: string;
  fstab: string;
  /** The name of who asks. */
  user: string;
  /** Whom BBB's scripts run as. */
  workerUser: string;
  /** Of the directory's group, undefined when its id has no name on this server. */
  groupName: string | undefined;
}

const littleSpace = 1e9;
const noSpace = 1e8;
/** What a file system says whose server is gone. */
const deadMount = ['ESTALE', 'ENOTCONN', 'EIO', 'ETIMEDOUT', 'EHOSTDOWN', 'EHOSTUNREACH'];

/** Everything about the directory itself; its sub directories and the group of the user stand elsewhere. */
export function decideLocalSpool(facts: LocalSpoolFacts): Look[] {
  const dead = decideAnswer(facts);
  if (dead !== undefined) return [dead];
  const found = findLook(facts.lines, '');
  if (found === undefined) return [];
  const directory = decideDirectory(facts, found);
  if (isFailure(found) || directory.state === 'problem') return [directory];
  const mount = decideMount(facts, found.path);
  if (mount.state === 'problem') return [directory, mount];
  return [directory, mount, decideMode('spool-mode', found, facts.groupName), ...decideSpace(facts)];
}

export function findLook(
  lines: readonly ProbeLine[],
  subDir: string,
): SpoolDirectory | ProbeFailure | undefined {
  const line = lines.find((one) => one.step === 'look' && one.subDir === subDir);
  return line?.step === 'look' ? line.found : undefined;
}

function decideAnswer(facts: LocalSpoolFacts): Look | undefined {
  const lookedAt = `spool directory: ${facts.directory}`;
  const failure = facts.lines
    .map(({ found }) => found)
    .find((found) => isFailure(found) && deadMount.includes(found.errno ?? ''));
  if (!facts.isHung && failure === undefined) return undefined;
  const what = failure !== undefined && isFailure(failure) ? failure.message : 'it does not answer';
  const { point, type, source } = mountOf(facts.directory, facts.mountinfo);
  const planned = plannedMountPoint(facts.directory, facts.fstab);
  const again = planned === point ? ` && mount ${shellQuote([point])}` : '';
  return problem('spool-answers', lookedAt, EXIT.spool, {
    problem: `${what}: the file system at ${point} (${type} from ${source}) hangs or is gone; look at its server and the network, then mount it again`,
    fix: point === '/' ? undefined : `umount --force --lazy ${shellQuote([point])}${again}`,
  });
}

function decideDirectory(facts: LocalSpoolFacts, found: SpoolDirectory | ProbeFailure): Look {
  const lookedAt = `spool directory: ${facts.directory}`;
  if (!isFailure(found)) {
    if (found.isDirectory) return ok('spool-directory', lookedAt);
    return problem('spool-directory', lookedAt, EXIT.config, {
      problem: 'it is no directory: correct spool_dir',
    });
  }
  if (found.closed !== undefined && found.errno === 'EACCES') {
    return problem('spool-directory', lookedAt, EXIT.permission, {
      problem: `${facts.user} may not enter ${found.closed}`,
      fix: `chmod a+x ${shellQuote([found.closed])}`,
    });
  }
  const isMissing = found.errno === 'ENOENT';
  return problem('spool-directory', lookedAt, isMissing ? EXIT.spool : checkStatusOf(found), {
    problem: isMissing ? 'it does not exist: mount it, create it, or correct spool_dir' : found.message,
    fix: isMissing ? createDirectory(facts) : undefined,
  });
}

function createDirectory({ directory, fstab, mountinfo, workerUser }: LocalSpoolFacts): string {
  const planned = plannedMountPoint(directory, fstab);
  const isMounted = planned === mountOf(directory, mountinfo).point;
  if (planned !== undefined && !isMounted)
    return `mkdir -p ${shellQuote([planned])} && mount ${shellQuote([planned])}`;
  const steps = [
    'getent group pilos-spool >/dev/null || groupadd --gid 2000 pilos-spool',
    `usermod --append --groups pilos-spool ${workerUser}`,
    `install -d -m 2775 -g pilos-spool ${shellQuote([directory])}`,
    'systemctl restart bbb-rap-resque-worker.service',
  ];
  return steps.join(' && ');
}

function decideMount(facts: LocalSpoolFacts, path: string): Look {
  const { point, type, source } = mountOf(path, facts.mountinfo);
  const planned = plannedMountPoint(path, facts.fstab) ?? plannedMountPoint(facts.directory, facts.fstab);
  const lookedAt = `file system: ${point} (${type} from ${source})`;
  if (planned !== undefined && planned !== point && planned.length > point.length) {
    return problem('spool-mount', lookedAt, EXIT.spool, {
      problem: `${planned} of /etc/fstab is not mounted, so recordings would fill the disk of this server`,
      fix: `mount ${shellQuote([planned])}`,
    });
  }
  const { requireMount } = facts;
  const isSatisfied =
    requireMount === true ? point !== '/' : requireMount === false || requireMount === point;
  if (!isSatisfied) {
    const wanted = requireMount === true ? 'a mounted file system' : `what is mounted at ${requireMount}`;
    return problem('spool-mount', lookedAt, EXIT.spool, {
      problem: `require_mount wants ${wanted}: mount it, or correct require_mount in pilos.yml`,
    });
  }
  if (point !== '/') return ok('spool-mount', lookedAt);
  return warning('spool-mount', lookedAt, {
    problem: 'nothing is mounted there: right only when PILOS runs on this very server',
  });
}

/** PILOS reads and deletes archives as a member of the directory's group. */
export function decideMode(id: string, { path, mode, gid }: SpoolDirectory, groupName?: string): Look {
  const octal = mode.toString(8).padStart(4, '0');
  const lookedAt = `mode of ${path}: ${octal}, group ${groupName ?? gid}`;
  const trouble = modeTrouble(path, mode);
  if (trouble === undefined) return ok(id, lookedAt);
  if (!trouble.isSetgidOnly) return problem(id, lookedAt, EXIT.permission, trouble);
  return warning(id, lookedAt, trouble);
}

function modeTrouble(path: string, mode: number): (Trouble & { isSetgidOnly: boolean }) | undefined {
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
  const isSetgidOnly = wrong.length === 0;
  if ((mode & 0o2000) === 0) {
    wrong.push('without the setgid bit, files get the group of their writer');
    changes.push('g+s');
  }
  if (wrong.length === 0) return undefined;
  return {
    problem: wrong.join('; '),
    fix: `chmod ${changes.join(',')} ${shellQuote([path])}`,
    isSetgidOnly,
  };
}

function decideSpace({ lines }: LocalSpoolFacts): Look[] {
  const found = lines.find((line) => line.step === 'space')?.found as SpoolSpace | ProbeFailure | undefined;
  if (found === undefined) return [];
  if (isFailure(found))
    return [problem('spool-space', 'free space', checkStatusOf(found), { problem: found.message })];
  if (!found.isKnown) return [skipped('spool-space', 'free space', 'the file system does not tell')];
  const lookedAt = `free space: ${formatBytes(found.free)}`;
  const trouble = 'free some space there; PILOS may have stopped importing (look at Horizon and at failed/)';
  if (!found.hasInodes)
    return [problem('spool-space', lookedAt, EXIT.spool, { problem: `no inode is free: ${trouble}` })];
  if (found.free < noSpace) return [problem('spool-space', lookedAt, EXIT.spool, { problem: trouble })];
  if (found.free < littleSpace) return [warning('spool-space', lookedAt, { problem: trouble })];
  return [ok('spool-space', lookedAt)];
}
