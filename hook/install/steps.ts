/** One change to the system each: planned from what is there, then made. */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname } from 'node:path';
import { EXIT, ExpectedError } from '../errors.ts';
import { type ChildResult, runChild } from '../system/child-process.ts';
import { hasSameContent } from '../system/same-content.ts';
import { systemctl } from '../system/systemd.ts';
import { escapeText } from '../terminal/escape.ts';

/** What a step does, and how it is reported afterwards. */
export const pastOf = {
  install: 'installed',
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
  apply(): void | Promise<void>;
}

/** Added to the name of a foreign file in our place. BBB runs only what ends in `.rb`. */
const asideEnding = '.replaced';

/** `content`: the text to be in the file, or the file to copy. No step when all is as wanted. */
export async function planFile(
  path: string,
  content: string | { copyOf: string },
  mode = 0o644,
): Promise<Step[]> {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats?.isFile() && stats.uid === 0 && (stats.mode & 0o7777) === mode) {
    if (typeof content !== 'string' && (await hasSameContent(path, content.copyOf))) return [];
    if (typeof content === 'string' && readFileSync(path, 'utf8') === content) return [];
  }
  const write = (temporary: string) => {
    if (typeof content === 'string') writeFileSync(temporary, content);
    else copyFileSync(content.copyOf, temporary);
    chmodSync(temporary, mode);
  };
  return [{ verb: 'install', what: path, apply: () => replace(path, write) }];
}

export function planLink(path: string, target: string): Step[] {
  const isLink = lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink();
  if (isLink && readlinkSync(path) === target) return [];
  return [
    { verb: 'link', what: path, apply: () => replace(path, (temporary) => symlinkSync(target, temporary)) },
  ];
}

/** Whoever runs or reads the old file at this moment goes on with it, and nobody sees half of the new one. */
function replace(path: string, write: (temporary: string) => void): void {
  mkdirSync(dirname(path), { recursive: true });
  // Always the same name, so that the next run removes what a killed one has left.
  const temporary = `${dirname(path)}/.${basename(path)}.new`;
  rmSync(temporary, { force: true });
  try {
    write(temporary);
    renameSync(temporary, path);
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** Keeps a foreign file that lies in our place; one that was set aside before gets a number. */
export function planSetAside(path: string): Step {
  const command = ['mv', '--backup=numbered', '--no-target-directory', path, path + asideEnding];
  const apply = async () => expectSuccess(command, await runChild(command));
  return { verb: 'set aside', what: `${path} as ${basename(path)}${asideEnding}`, apply };
}

/** What was set aside comes back; else our file is removed. */
export function planRestore(path: string): Step[] {
  const aside = path + asideEnding;
  if (!existsSync(aside)) return planRemove(path);
  return [{ verb: 'restore', what: path, apply: () => renameSync(aside, path) }];
}

export function planRemove(path: string): Step[] {
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return [];
  return [{ verb: 'remove', what: path, apply: () => rmSync(path) }];
}

export function planSystemctl(...words: string[]): Step {
  const command = ['systemctl', ...words];
  const apply = async () => expectSuccess(command, await systemctl(words));
  return { verb: 'run', what: command.join(' '), apply };
}

function expectSuccess(command: string[], { exitStatus, spawnError, signal, stderr }: ChildResult): void {
  if (exitStatus === 0) return;
  const reason = spawnError ?? signal ?? (escapeText(stderr.trim()) || `exit status ${exitStatus}`);
  throw new ExpectedError(`'${command.join(' ')}' failed: ${reason}`, {
    code: 'command_failed',
    exitStatus: EXIT.unavailable,
    fix: 'correct what it says, then run this again: what is done stays done',
  });
}
