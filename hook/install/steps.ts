/** One change to the system each: planned from what is there, told, and only then made. */
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  type Stats,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname } from 'node:path';
import { hasSameContent } from './same-content.ts';

/** What a step does, and how it is told afterwards. */
export const pastOf = {
  install: 'installed',
  replace: 'replaced',
  link: 'linked',
  'set aside': 'set aside',
  restore: 'restored',
  remove: 'removed',
  run: 'ran',
} as const;

export interface Step {
  verb: keyof typeof pastOf;
  /** The path, or the command. */
  what: string;
  /** Why, when the path does not tell. */
  why?: string;
  apply(): void;
}

/** Added to the name of a file that is not ours and in our place. BBB runs only what ends in `.rb`. */
export const setAsideEnding = '.replaced';

interface WantedFile {
  /** The text to be in it, or the file to copy. */
  content: string | { copyOf: string };
  mode: number;
}

/** Undefined when the file is as wanted. */
export function planFile(path: string, { content, mode }: WantedFile): Step | undefined {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  const isSame =
    stats?.isFile() === true &&
    (typeof content === 'string'
      ? readFileSync(path, 'utf8') === content
      : hasSameContent(path, content.copyOf));
  if (isSame && isRoots(stats, mode)) return undefined;
  const verb = stats === undefined ? 'install' : 'replace';
  return { verb, what: path, apply: () => replaceFile(path, content, mode) };
}

/** Whoever runs or reads the old file at this moment goes on with it, and nobody sees half of the new one. */
function replaceFile(path: string, content: WantedFile['content'], mode: number): void {
  makeDirectory(dirname(path));
  const temporary = temporaryName(path);
  rmSync(temporary, { force: true });
  try {
    if (typeof content === 'string') writeFileSync(temporary, content, { flag: 'wx' });
    else copyFileSync(content.copyOf, temporary, constants.COPYFILE_EXCL);
    chownSync(temporary, 0, 0);
    chmodSync(temporary, mode);
    syncPath(temporary);
    renameSync(temporary, path);
  } finally {
    rmSync(temporary, { force: true });
  }
  syncPath(dirname(path));
}

function isRoots(stats: Stats, mode: number): boolean {
  return stats.uid === 0 && stats.gid === 0 && (stats.mode & 0o7777) === mode;
}

/** Always the same name, so that what a killed run has left is replaced by the next one. */
function temporaryName(path: string): string {
  return `${dirname(path)}/.${basename(path)}.new`;
}

function syncPath(path: string): void {
  const descriptor = openSync(path, constants.O_RDONLY);
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** A umask of 077 must not lock BBB's user out of a directory that we had to make. */
function makeDirectory(directory: string): void {
  if (existsSync(directory)) return;
  makeDirectory(dirname(directory));
  mkdirSync(directory);
  chmodSync(directory, 0o755);
}

/** Undefined when the link already leads there. */
export function planLink(path: string, target: string): Step | undefined {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats?.isSymbolicLink() && readlinkSync(path) === target) return undefined;
  const apply = () => {
    makeDirectory(dirname(path));
    const temporary = temporaryName(path);
    rmSync(temporary, { force: true });
    symlinkSync(target, temporary);
    renameSync(temporary, path);
  };
  return { verb: 'link', what: path, why: `to ${target}`, apply };
}

/**
 * Keeps a file that is not ours and in our place: as a second name of it, so that its own name is never
 * without a file until ours replaces it.
 */
export function planSetAside(path: string, why: string): Step {
  const aside = path + setAsideEnding;
  const apply = () => {
    if (existsSync(aside) && !hasSameContent(aside, path)) renameSync(aside, freeName(aside));
    rmSync(aside, { force: true });
    linkSync(path, aside);
  };
  return { verb: 'set aside', what: path, why: `as ${basename(aside)}: ${why}`, apply };
}

function freeName(path: string): string {
  for (let number = 1; ; number += 1) if (!existsSync(`${path}.${number}`)) return `${path}.${number}`;
}

/** Undefined when nothing was set aside. */
export function planRestore(path: string): Step | undefined {
  const aside = path + setAsideEnding;
  if (!existsSync(aside)) return undefined;
  return {
    verb: 'restore',
    what: path,
    why: `from ${basename(aside)}`,
    apply: () => renameSync(aside, path),
  };
}

/** Undefined when it is not there. */
export function planRemove(path: string): Step | undefined {
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return undefined;
  return { verb: 'remove', what: path, apply: () => rmSync(path) };
}
