/** BBB's directories and `work_dir`. */
import { readdirSync, statfsSync } from 'node:fs';
import type { BbbConfig } from '../config/bbb-config.ts';
import { EXIT } from '../errors.ts';
import { shellQuote } from '../system/shell-quote.ts';
import { formatBytes } from '../terminal/units.ts';
import {
  closedAbove,
  findClosed,
  isDirectory,
  isWritable,
  lstatOrUndefined,
  nearestParent,
  statOrUndefined,
} from './access.ts';
import { type Look, ok, problem, skipped, warning } from './finding.ts';

/** More entries of `work_dir` than this are not looked at. */
const mostEntries = 10_000;
const littleSpace = 1e9;

/**
 * BBB's own directories; each that is not in order comes with its path, since what lies in it cannot be looked at.
 *
 * @param isAssumed BBB's configuration could not be read, so that the directories are only the usual ones
 */
export function lookAtBbbDirectories(
  bbb: BbbConfig,
  user: string,
  isAssumed: boolean,
): { looks: Look[]; broken: string[] } {
  const directories = [
    ['published-dir', 'published_dir', bbb.publishedDir],
    ['recording-dir', 'recording_dir', bbb.recordingDir],
    ['log-dir', 'log_dir', bbb.logDir],
  ] as const;
  const looks = directories.map(([id, key, path]) => {
    if (isAssumed && !isDirectory(path))
      return skipped(id, `${key}: ${path}`, "BBB's configuration is to be mended first");
    return lookAtBbbDirectory(id, key, path, user);
  });
  const broken = directories.map(([, , path]) => path).filter((_, index) => looks[index]?.state !== 'ok');
  return { looks: [...looks, lookAtStatusDirectory(`${bbb.recordingDir}/status/published`, user)], broken };
}

/** Undefined when `path` lies in none of BBB's directories that are to be mended first. */
export function skipBelow(
  broken: readonly string[],
  id: string,
  lookedAt: string,
  path: string,
): Look | undefined {
  const above = broken.find((directory) => path.startsWith(`${directory}/`));
  return above === undefined ? undefined : skipped(id, lookedAt, `${above} is to be mended first`);
}

function lookAtBbbDirectory(id: string, key: string, path: string, user: string): Look {
  const lookedAt = `${key}: ${path}`;
  const closed = findClosed(path);
  if (closed !== undefined) {
    return problem(id, lookedAt, EXIT.permission, {
      problem: `${user} may not read ${closed}`,
      fix: `chmod a+rX ${shellQuote([closed])}`,
    });
  }
  if (isDirectory(path)) return ok(id, lookedAt);
  if (lstatOrUndefined(path) !== undefined) {
    return problem(id, lookedAt, EXIT.config, {
      problem: `it is no directory, nor a link to one that is there: correct ${key} in BBB's configuration, or put it right`,
    });
  }
  return problem(id, lookedAt, EXIT.config, {
    problem: `it does not exist: correct ${key} in BBB's configuration, or create it`,
    fix: createDirectory(path, user),
  });
}

function createDirectory(path: string, user: string): string {
  return `install -d -o ${user} -g "$(id -gn ${user})" ${shellQuote([path])}`;
}

/** Where `-sender.done` is written. BBB creates it with its first recording. */
function lookAtStatusDirectory(path: string, user: string): Look {
  const lookedAt = `status files: ${path}`;
  if (!isDirectory(path)) return skipped('status-dir', lookedAt, 'BBB has not created it yet');
  if (isWritable(path)) return ok('status-dir', lookedAt);
  return problem('status-dir', lookedAt, EXIT.permission, {
    problem: `${user} may not write there, so the -sender.done of a delivered meeting is missing`,
    fix: `chown ${user}: ${shellQuote([path])} && chmod u+rwx ${shellQuote([path])}`,
  });
}

/** A look at something in a directory that we may not enter. */
export function decideClosedAbove(id: string, lookedAt: string, user: string, closed: string): Look {
  return problem(id, lookedAt, EXIT.permission, {
    problem: `${user} may not enter ${closed}`,
    fix: `chmod a+x ${shellQuote([closed])}`,
  });
}

/** @param broken BBB's directories that are not in order */
export function lookAtWorkDirectory(
  path: string,
  user: string,
  uid: number | undefined,
  broken: readonly string[],
): Look[] {
  const lookedAt = `work_dir: ${path}`;
  const without = skipBelow(broken, 'work-dir', lookedAt, path);
  if (without !== undefined) return [without];
  const closed = closedAbove(path);
  if (closed !== undefined) return [decideClosedAbove('work-dir', lookedAt, user, closed)];
  const stats = statOrUndefined(path);
  if (stats === undefined && isDirectory(nearestParent(path)) && lstatOrUndefined(path) === undefined)
    return [decideMissingWorkDirectory(path, user, lookedAt)];
  if (!stats?.isDirectory()) {
    return [problem('work-dir', lookedAt, EXIT.config, { problem: 'it is no directory: correct work_dir' })];
  }
  if (!isWritable(path)) {
    const quoted = shellQuote([path]);
    const fix = `chown -RH ${user}: ${quoted} && chmod u+rwx ${quoted}`;
    const wrong = `${user} may not write there: it belongs to uid ${stats.uid}`;
    return [problem('work-dir', lookedAt, EXIT.permission, { problem: wrong, fix })];
  }
  return [ok('work-dir', lookedAt), ...(uid === undefined ? [] : [lookAtLeftovers(path, user, uid)])];
}

function decideMissingWorkDirectory(path: string, user: string, lookedAt: string): Look {
  if (isWritable(nearestParent(path))) return ok('work-dir', `${lookedAt} is created by the first delivery`);
  return problem('work-dir', lookedAt, EXIT.permission, {
    problem: `it does not exist, and ${user} may not create it`,
    fix: createDirectory(path, user),
  });
}

/** What a run as root has left, as PILOS' Ruby script does, stands in the way of every later one. */
function lookAtLeftovers(path: string, user: string, uid: number): Look {
  const lookedAt = `everything in work_dir belongs to ${user}`;
  const foreign = readdirSync(path, { recursive: true, withFileTypes: true })
    .slice(0, mostEntries)
    .map((entry) => `${entry.parentPath}/${entry.name}`)
    .filter((entry) => ![uid, undefined].includes(lstatOrUndefined(entry)?.uid));
  const [first] = foreign;
  if (first === undefined) return ok('work-dir-owner', lookedAt);
  const trouble = {
    problem: `${foreign.length} of its files and directories belong to somebody else, for example ${first}`,
    fix: `chown -RH ${user}: ${shellQuote([path])}`,
  };
  const blocks = foreign.some((entry) => isDirectory(entry) && !isWritable(entry));
  return blocks
    ? problem('work-dir-owner', lookedAt, EXIT.permission, trouble)
    : warning('work-dir-owner', lookedAt, trouble);
}

/** For rsync the whole archive is made in `work_dir` first. */
export function lookAtWorkSpace(path: string): Look {
  const { bavail, bsize } = statfsSync(nearestParent(path));
  const lookedAt = `space for one archive at a time in work_dir: ${formatBytes(bavail * bsize)}`;
  if (bavail * bsize >= littleSpace) return ok('work-space', lookedAt);
  return warning('work-space', lookedAt, {
    problem: `a recording may be larger: free some space in ${path}, or set work_dir to a larger disk`,
  });
}
