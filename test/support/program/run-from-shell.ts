/** The executable below a shell, for what only a shell sets up: a umask, a closed stdout, mounts, another user. */
import { join } from 'node:path';
import type { BbbTree } from '../bbb/bbb-tree.ts';
import { type ProgramOptions, type RunningProgram, startProgram } from './run-program.ts';

export interface ShellOptions extends ProgramOptions {
  /** Run as this user with all of its groups, which `user` leaves out. */
  login?: { name: string; uid: number; gid: number };
  /** In a mount namespace of its own: what the line mounts is gone afterwards. */
  ownMounts?: boolean;
}

/**
 * @param line shell commands, in which `"$@"` is the executable with `args`; `$SPOOL` and `$WORK` are the
 *   directories of the tree
 */
function startFromShell(
  tree: BbbTree,
  line: string,
  args: readonly string[],
  { login, ownMounts = false, ...program }: ShellOptions = {},
): RunningProgram {
  tree.installHook();
  const executable = join(tree.postPublishDir, 'pilos-post-publish');
  const asUser =
    login === undefined
      ? []
      : ['setpriv', `--reuid=${login.uid}`, `--regid=${login.gid}`, '--init-groups', '--'];
  const mounts = ownMounts ? ['unshare', '--mount', '--'] : [];
  const [command = 'sh', ...rest] = [...mounts, 'sh', '-c', line, 'sh', ...asUser, executable, ...args];
  const home = login === undefined ? {} : { HOME: '/', USER: login.name };
  const env = { ...tree.env, SPOOL: tree.spoolDir, WORK: tree.workDir, ...home, ...program.env };
  return startProgram(command, rest, { cwd: tree.scriptsDir, ...program, env });
}

export function runFromShell(
  tree: BbbTree,
  line: string,
  args: readonly string[],
  options: ShellOptions = {},
): RunningProgram['result'] {
  return startFromShell(tree, line, args, options).result;
}
