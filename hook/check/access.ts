/** What this process may do with a path, and in which directory on the way it ends. */
import { accessSync, constants, lstatSync, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { errnoName } from '../system/errno.ts';

/** The first directory above a path that we may not enter; undefined when all are open. */
export function closedAbove(path: string): string | undefined {
  const parents: string[] = [];
  for (let parent = dirname(path); ; parent = dirname(parent)) {
    parents.unshift(parent);
    if (parent === '/' || parent === '.') break;
  }
  return parents.find((parent) => !mayAccess(parent, constants.X_OK));
}

/** The same, or the path itself that we may not read. */
export function findClosed(path: string): string | undefined {
  const wanted = isDirectory(path) ? constants.R_OK | constants.X_OK : constants.R_OK;
  return closedAbove(path) ?? (mayAccess(path, wanted) ? undefined : path);
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

export function nearestParent(path: string): string {
  return statOrUndefined(path) !== undefined || path === '/' ? path : nearestParent(dirname(path));
}

export function isDirectory(path: string): boolean {
  return statOrUndefined(path)?.isDirectory() ?? false;
}

export function statOrUndefined(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** Also of a symbolic link that leads nowhere. */
export function lstatOrUndefined(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
