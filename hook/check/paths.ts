/** What this process may do with a path. */
import { accessSync, constants, lstatSync, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { errnoName } from '../system/errno.ts';

export interface PathFacts {
  path: string;
  kind: 'missing' | 'broken_link' | 'directory' | 'other';
  /** The first directory above it that we may not enter. */
  closedAbove: string | undefined;
  /** The same, or itself when we may not read it. */
  closed: string | undefined;
  isWritable: boolean;
  /** It is missing, and we may create it where it belongs. */
  isCreatable: boolean;
  /** The directory that it lies in is there. */
  hasParent: boolean;
  uid: number | undefined;
}

export function readPathFacts(path: string): PathFacts {
  const stats = quietly(() => statSync(path));
  const isDirectory = stats?.isDirectory() ?? false;
  const link = stats === undefined ? quietly(() => lstatSync(path)) : undefined;
  const isThere = stats !== undefined;
  const enter = isDirectory ? constants.X_OK : 0;
  const closedAbove = findClosedAbove(path);
  return {
    path,
    kind: isDirectory ? 'directory' : isThere ? 'other' : link === undefined ? 'missing' : 'broken_link',
    closedAbove,
    closed: closedAbove ?? (isThere && !mayAccess(path, constants.R_OK | enter) ? path : undefined),
    isWritable: isThere && mayAccess(path, constants.W_OK | enter),
    isCreatable: !isThere && link === undefined && isWritableDirectory(nearestParent(path)),
    hasParent: statOrUndefined(dirname(path))?.isDirectory() ?? false,
    uid: stats?.uid,
  };
}

/** The directory on the way to a path, or the path itself, that we may not read. */
export function findClosed(path: string): string | undefined {
  return readPathFacts(path).closed;
}

export function mayAccess(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}

export function quietly<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}

export function statOrUndefined(path: string): Stats | undefined {
  return quietly(() => statSync(path));
}

function findClosedAbove(path: string): string | undefined {
  const parents: string[] = [];
  for (let parent = dirname(path); ; parent = dirname(parent)) {
    parents.unshift(parent);
    if (parent === '/' || parent === '.') break;
  }
  return parents.find(isClosed);
}

/** What does not exist is not closed. */
function isClosed(directory: string): boolean {
  try {
    accessSync(directory, constants.X_OK);
    return false;
  } catch (error) {
    return !['ENOENT', 'ENOTDIR'].includes(errnoName(error) ?? '');
  }
}

function isWritableDirectory(path: string): boolean {
  return (statOrUndefined(path)?.isDirectory() ?? false) && mayAccess(path, constants.W_OK | constants.X_OK);
}

function nearestParent(path: string): string {
  const parent = dirname(path);
  return parent === path || statOrUndefined(parent) !== undefined ? parent : nearestParent(parent);
}
