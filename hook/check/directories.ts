/** BBB's directories and `work_dir`. */
import { accessSync, constants, lstatSync, readdirSync, type Stats, statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { BbbConfig } from '../config/bbb-config.ts';
import { EXIT, errnoName } from '../errors.ts';
import { formatBytes } from '../progress.ts';
import { shellQuote } from '../spool/rsync-arguments.ts';
import { type Look, ok, problem, skipped, warning } from './finding.ts';

/** More entries of `work_dir` than this are not looked at. */
const mostEntries = 10_000;
const littleSpace = 1e9;

export function lookAtBbbDirectories(bbb: BbbConfig, user: string): Look[] {
  return [
    lookAtBbbDirectory('published-dir', 'published_dir', bbb.publishedDir, user),
    lookAtBbbDirectory('recording-dir', 'recording_dir', bbb.recordingDir, user),
    lookAtBbbDirectory('log-dir', 'log_dir', bbb.logDir, user),
    lookAtStatusDirectory(`${bbb.recordingDir}/status/published`, user),
  ];
}

function lookAtBbbDirectory(id: string, key: string, path: string, user: string): Look {
  const lookedAt = `${key}: ${path}`;
  const quoted = shellQuote([path]);
  if (!isDirectory(path)) {
    return problem(id, lookedAt, EXIT.config, {
      problem: `it does not exist, or is no directory: correct ${key} in BBB's configuration, or create it`,
      remedy: `install -d -o ${user} -g "$(id -gn ${user})" ${quoted}`,
    });
  }
  const closed = findClosed(path);
  if (closed === undefined) return ok(id, lookedAt);
  return problem(id, lookedAt, EXIT.permission, {
    problem: `${user} may not read ${closed}`,
    remedy: `chmod a+rX ${shellQuote([closed])}`,
  });
}

/** Where `-sender.done` is written. BBB creates it with its first recording. */
function lookAtStatusDirectory(path: string, user: string): Look {
  const lookedAt = `status files: ${path}`;
  if (!isDirectory(path)) return skipped('status-dir', lookedAt, 'BBB has not created it yet');
  if (isWritable(path)) return ok('status-dir', lookedAt);
  return problem('status-dir', lookedAt, EXIT.permission, {
    problem: `${user} may not write there, so the -sender.done of a delivered meeting is missing`,
    remedy: `chown ${user}: ${shellQuote([path])}`,
  });
}

export function lookAtWorkDirectory(path: string, user: string, uid: number | undefined): Look[] {
  const lookedAt = `work_dir: ${path}`;
  const quoted = shellQuote([path]);
  const stats = statOrUndefined(path);
  if (stats === undefined) {
    if (isWritable(nearestParent(path))) {
      return [ok('work-dir', `${lookedAt} is created by the first delivery`)];
    }
    const remedy = `install -d -o ${user} -g "$(id -gn ${user})" ${quoted}`;
    const wrong = `it does not exist, and ${user} may not create it`;
    return [problem('work-dir', lookedAt, EXIT.permission, { problem: wrong, remedy })];
  }
  if (!stats.isDirectory()) {
    return [problem('work-dir', lookedAt, EXIT.config, { problem: 'it is no directory: correct work_dir' })];
  }
  if (!isWritable(path)) {
    const remedy = `chown -R ${user}: ${quoted}`;
    const wrong = `${user} may not write there: it belongs to uid ${stats.uid}`;
    return [problem('work-dir', lookedAt, EXIT.permission, { problem: wrong, remedy })];
  }
  return [ok('work-dir', lookedAt), ...(uid === undefined ? [] : [lookAtLeftovers(path, user, uid)])];
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
    remedy: `chown -R ${user}: ${shellQuote([path])}`,
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

/** The first part of a path that we may not enter, or its end that we may not read; undefined when all is open. */
export function findClosed(path: string): string | undefined {
  const parents: string[] = [];
  for (let parent = dirname(path); ; parent = dirname(parent)) {
    parents.unshift(parent);
    if (parent === '/' || parent === '.') break;
  }
  const closed = parents.find((parent) => !mayAccess(parent, constants.X_OK));
  if (closed !== undefined) return closed;
  const wanted = isDirectory(path) ? constants.R_OK | constants.X_OK : constants.R_OK;
  return mayAccess(path, wanted) ? undefined : path;
}

/** What does not exist is not closed. */
export function mayAccess(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch (error) {
    return ['ENOENT', 'ENOTDIR'].includes(errnoName(error) ?? '');
  }
}

export function isWritable(path: string): boolean {
  try {
    accessSync(path, isDirectory(path) ? constants.W_OK | constants.X_OK : constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function nearestParent(path: string): string {
  return statOrUndefined(path) !== undefined || path === '/' ? path : nearestParent(dirname(path));
}

function isDirectory(path: string): boolean {
  return statOrUndefined(path)?.isDirectory() ?? false;
}

export function statOrUndefined(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

function lstatOrUndefined(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
