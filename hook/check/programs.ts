/** The programs that a transfer to another host needs. */
import { EXIT } from '../errors.ts';
import { type Look, ok, problem } from './finding.ts';
import { type RunOptions, run } from './run.ts';

export async function lookAtPrograms(kind: 'ssh' | 'daemon', options: RunOptions): Promise<Look[]> {
  const rsync = await lookAtProgram('rsync', ['rsync', '--version'], 'rsync', options);
  if (kind === 'daemon') return [rsync];
  return [rsync, await lookAtProgram('ssh', ['ssh', '-V'], 'openssh-client', options)];
}

async function lookAtProgram(
  id: string,
  command: readonly string[],
  debianPackage: string,
  options: RunOptions,
): Promise<Look> {
  const { how, exitCode, stdout, stderr } = await run(command, options);
  if (how === 'ended' && exitCode === 0) return ok(id, `${id}: ${parseVersion(stdout || stderr)}`);
  return problem(id, `${id} is installed`, EXIT.config, {
    problem: how === 'missing' ? `there is no ${id} on the PATH` : `'${command.join(' ')}' fails`,
    fix: `apt-get install --reinstall --yes ${debianPackage}`,
  });
}

/** `3.2.7` of `rsync  version 3.2.7  protocol version 31`, `OpenSSH_9.2p1` of what `ssh -V` says. */
export function parseVersion(output: string): string {
  const [line = ''] = output.trim().split('\n');
  return /version (\S+)/.exec(line)?.[1] ?? /^([^\s,]+)/.exec(line)?.[1] ?? 'of unknown version';
}
