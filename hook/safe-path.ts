/**
 * Values from outside (arguments, meeting metadata, configuration) that become part of a path or of a
 * command: each is validated here, once, before anything else sees it.
 */
import { EXIT, ExpectedError, quote } from './errors.ts';

/** One segment of a path: never hidden, never an option, nothing that a shell or rsync would expand. */
const segment = /^[A-Za-z0-9_][A-Za-z0-9._-]*$/;

// `.ID-FORMAT.tar.RUN` must fit into a file name of 255 bytes, with 60 left for the run.
const longestMeetingId = 140;
const longestFormat = 40;

/** A valid meeting id; throws an ExpectedError (64) otherwise. */
export function validateMeetingId(value: string): string {
  return validateSegment(value, 'meeting id', '-m', longestMeetingId);
}

/** A valid recording format such as `presentation`; throws an ExpectedError (64) otherwise. */
export function validateFormat(value: string): string {
  return validateSegment(value, 'format', '-f', longestFormat);
}

function validateSegment(value: string, name: string, option: string, longest: number): string {
  if (isSegment(value, longest)) return value;
  throw new ExpectedError(`${option} ${quote(value)} is not a ${name}`, {
    exitStatus: EXIT.usage,
    remedy: `a ${name} has letters, digits, '.', '_' and '-', starts with none of '.' and '-', and has at most ${longest} characters`,
  });
}

/** PharData refuses archives with `.phar`, `.zip` or `..` in their name. */
function isSegment(value: string, longest: number): boolean {
  return segment.test(value) && value.length <= longest && !/\.(?:phar|zip|\.)/.test(value);
}

/** True for what {@link validateMeetingId} would accept, to pass over strange names in a directory. */
export function isRecordId(name: string): boolean {
  return isSegment(name, longestMeetingId);
}

/** True for what {@link validateFormat} would accept. */
export function isFormat(name: string): boolean {
  return isSegment(name, longestFormat);
}

/**
 * The sub directory of the spool that a meeting asks for, `''` for none. The value was written by an API
 * client, so anything that could lead out of the spool directory is an ExpectedError (65).
 */
export function validateSubDir(value: string, allowed: readonly string[] | undefined): string {
  if (value === '') return '';
  if (value.length > 200 || !value.split('/').every((part) => segment.test(part))) {
    throw new ExpectedError(`the meeting asks for the sub directory ${quote(value)}, which is not allowed`, {
      exitStatus: EXIT.data,
      remedy:
        "set RECORDING_SPOOL_SUB_DIRECTORY in PILOS to names of letters, digits, '.', '_' and '-', separated by '/'",
    });
  }
  if (allowed !== undefined && !allowed.includes(value)) {
    const only = allowed.length === 0 ? 'is empty' : `has only ${allowed.join(', ')}`;
    throw new ExpectedError(
      `the meeting asks for the sub directory ${quote(value)}, but allowed_sub_dirs ${only}`,
      {
        exitStatus: EXIT.data,
        remedy: 'add it to allowed_sub_dirs in pilos.yml, or correct RECORDING_SPOOL_SUB_DIRECTORY in PILOS',
      },
    );
  }
  return value;
}

/** Where the spool is. `path` never ends with a slash, unless it is `/`. */
export type SpoolAddress =
  | { kind: 'local'; path: string }
  /** `[USER@]HOST:PATH`, rsync over ssh; an empty path is the home directory. */
  | { kind: 'ssh'; host: string; path: string }
  /** `[USER@]HOST::MODULE/PATH` or `rsync://…`; `prefix` is what stands before the path of the module. */
  | { kind: 'daemon'; host: string; prefix: string; path: string };

const user = '(?:[A-Za-z0-9_][A-Za-z0-9._-]*@)?';
const host = '(?:[A-Za-z0-9][A-Za-z0-9._-]*|\\[[0-9A-Fa-f:.]+(?:%[A-Za-z0-9]+)?\\])';
const daemonUrl = new RegExp(`^(rsync://${user}(${host})(?::[0-9]{1,5})?/)(.*)$`, 's');
const daemonModule = new RegExp(`^(${user}(${host})::)(.*)$`, 's');
// `ssh://host/path` is a URL that rsync does not know, and no path on a host named ssh.
const overSsh = new RegExp(`^(${user}${host}):(?!//)(.*)$`, 's');

/**
 * Parses `spool_dir`; returns a sentence about what is wrong when it is not an address.
 *
 * A remote path has `[A-Za-z0-9._/-]` only: before rsync 3.2.4 the remote shell expands it, and rrsync
 * expands globs in it.
 */
export function parseSpoolAddress(value: string): SpoolAddress | string {
  if (value.startsWith('/')) {
    if (/\p{Cc}/u.test(value)) return 'has a control character in it';
    return { kind: 'local', path: withoutTrailingSlash(value) };
  }
  const remote = matchRemote(value);
  if (remote === undefined) {
    return 'is neither an absolute path, nor [USER@]HOST:PATH, [USER@]HOST::MODULE/PATH or rsync://HOST/MODULE/PATH';
  }
  const { path } = remote;
  if (!/^(?:~\/|~$)?[A-Za-z0-9._/-]*$/.test(path))
    return "may have only letters, digits, '.', '_', '-' and '/' in its path";
  if (path.startsWith('-') || path.split('/').includes('..'))
    return "may not start its path with '-' nor have '..' in it";
  if (remote.kind === 'daemon' && path.replaceAll('/', '') === '')
    return 'names no module of the rsync daemon';
  return { ...remote, path: withoutTrailingSlash(path) };
}

function matchRemote(value: string): Exclude<SpoolAddress, { kind: 'local' }> | undefined {
  for (const pattern of [daemonUrl, daemonModule]) {
    const [, prefix, name, path] = pattern.exec(value) ?? [];
    if (prefix !== undefined && name !== undefined && path !== undefined) {
      return { kind: 'daemon', prefix, host: name, path };
    }
  }
  const [, name, path] = overSsh.exec(value) ?? [];
  return name !== undefined && path !== undefined ? { kind: 'ssh', host: name, path } : undefined;
}

function withoutTrailingSlash(path: string): string {
  return path.replace(/(?<=.)\/+$/s, '');
}
