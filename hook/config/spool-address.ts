/** Where archives go: the addresses that `spool_dir` takes. */
import { hasControlCharacter } from '../terminal/escape.ts';

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
    if (hasControlCharacter(value)) return 'has a control character in it';
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
