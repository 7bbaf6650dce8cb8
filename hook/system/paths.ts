/** What this process may do with a path. */
import { accessSync, constants, existsSync, lstatSync, readFileSync, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { errnoName } from './errno.ts';

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
  const stats = statOrUndefined(path);
  const isLink = stats === undefined && quietly(() => lstatSync(path)) !== undefined;
  const isDirectory = stats?.isDirectory() ?? false;
  const enter = isDirectory ? constants.X_OK : 0;
  const closedAbove = directoriesAbove(path).reverse().find(isClosed);
  const isReadable = stats === undefined || mayAccess(path, constants.R_OK | enter);
  return {
    path,
    kind: isDirectory ? 'directory' : stats !== undefined ? 'other' : isLink ? 'broken_link' : 'missing',
    closedAbove,
    closed: closedAbove ?? (isReadable ? undefined : path),
    isWritable: stats !== undefined && mayAccess(path, constants.W_OK | enter),
    isCreatable: stats === undefined && !isLink && isNearestWritable(path),
    hasParent: statOrUndefined(dirname(path))?.isDirectory() ?? false,
    uid: stats?.uid,
  };
}

/** The directory on the way to a path, or the path itself, that we may not read. */
export function findClosed(path: string): string | undefined {
  return readPathFacts(path).closed;
}

export function mayAccess(path: string, mode: number): boolean {
  return quietly(() => accessSync(path, mode) === undefined) ?? false;
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

/** '' for a file that cannot be read. */
export function readText(file: string): string {
  // Not `readFileSync(file, 'utf8')`: that aborts the program when close fails, as it may on FUSE or NFS.
  return quietly(() => readFileSync(file).toString()) ?? '';
}

/** The nearest one first. */
function directoriesAbove(path: string): string[] {
  const parent = dirname(path);
  return parent === path ? [] : [parent, ...directoriesAbove(parent)];
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

/** The nearest of the directories above that is there. */
function isNearestWritable(path: string): boolean {
  const nearest = directoriesAbove(path).find((parent) => statOrUndefined(parent) !== undefined);
  if (nearest === undefined || !statOrUndefined(nearest)?.isDirectory()) return false;
  return mayAccess(nearest, constants.W_OK | constants.X_OK);
}

/** The path of a program, as a shell finds it; undefined when there is none. */
export function findProgram(name: string, environment: NodeJS.ProcessEnv): string | undefined {
  const folders = name.includes('/') ? [''] : (environment['PATH'] ?? '').split(':').filter(Boolean);
  const files = folders.map((folder) => (folder === '' ? name : `${folder}/${name}`));
  return files.find((file) => existsSync(file));
}
