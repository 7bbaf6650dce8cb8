/**
 * Runs a few lines with the hook's modules in a Node of their own: as another user, in a mount namespace of its
 * own, with another time zone or umask.
 */
import { join } from 'node:path';
import { type RunningProgram, startProgram } from './run-program.ts';

export interface ChildNodeOptions {
  /** Given to the code as `argument`. */
  argument?: unknown;
  /** User and group id, without supplementary groups. */
  uid?: number;
  /** Shell commands run first in a mount namespace of the child's own; its mounts are gone with it. */
  mounts?: string;
  /** In a process namespace of its own, as in a container. */
  ownProcesses?: boolean;
  /** Host name that the child sees. */
  hostname?: string;
  env?: Record<string, string | undefined>;
}

/** How the code ended: with a value, or with an error. */
export interface ChildOutcome {
  value?: unknown;
  error?: { name: string; message: string; exitStatus?: number; fix?: string };
  stderr: string;
}

const projectDir = join(import.meta.dirname, '../../..');
/** Where another user finds the project, which may lie in a directory like root's home. */
const reachableDir = '/mnt';

/**
 * Starts it without waiting for its end.
 *
 * @param code body of an async function; `await hook('delivery/ledger')` is a module of the hook, `say(text)` writes a
 *   line to stdout at once
 */
export function startChildNode(code: string, options: ChildNodeOptions = {}): RunningProgram {
  const { argument = null, uid, mounts, ownProcesses = false, hostname, env } = options;
  const directory = uid === undefined ? projectDir : reachableDir;
  const program = `
    import { writeSync } from 'node:fs';
    const hook = (name) => import(${JSON.stringify(directory)} + '/hook/' + name + '.ts');
    const say = (text) => writeSync(1, text + '\\n');
    const argument = ${JSON.stringify(argument)};
    const outcome = {};
    try {
      outcome.value = await (async () => { ${code} })();
    } catch (error) {
      const { name, message, exitStatus, fix } = error;
      outcome.error = { name, message, exitStatus, fix };
    }
    say(JSON.stringify(outcome));`;
  const node = process.execPath.replace(projectDir, directory);
  let command = [node, '--input-type=module', '--eval', program];
  const setUp = mounts === undefined ? [] : [mounts];
  if (uid !== undefined) {
    command = ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', '--', ...command];
    setUp.push(`mount --bind '${projectDir}' ${reachableDir}`, `cd ${reachableDir}`);
  }
  if (setUp.length > 0) {
    const script = [...setUp, 'exec "$@"'].join('\n');
    command = ['unshare', '--mount', 'sh', '-e', '-c', script, 'sh', ...command];
  }
  if (ownProcesses) command = ['unshare', '--pid', '--fork', '--mount-proc', ...command];
  if (hostname !== undefined)
    command = [
      'unshare',
      '--uts',
      'sh',
      '-e',
      '-c',
      'hostname "$1"; shift; exec "$@"',
      'sh',
      hostname,
      ...command,
    ];
  const [first = '', ...rest] = command;
  return startProgram(first, rest, { cwd: projectDir, ...(env === undefined ? {} : { env }) });
}

/** @throws Error when the child itself fails, e.g. its mounts */
export async function runInChildNode(code: string, options: ChildNodeOptions = {}): Promise<ChildOutcome> {
  const { status, signal, stdout, stderr } = await startChildNode(code, options).result;
  const last = stdout.trimEnd().split('\n').at(-1) ?? '';
  if (status !== 0 || !last.startsWith('{'))
    throw new Error(`the child ended with ${status ?? signal}: ${stderr}`);
  return { ...(JSON.parse(last) as Omit<ChildOutcome, 'stderr'>), stderr };
}

/** The line that a running child says next; rejects when it ends without one. */
export function nextLine({ child }: RunningProgram): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout.on('data', (chunk: string) => {
      text += chunk;
      if (text.includes('\n')) resolve(text.slice(0, text.indexOf('\n')));
    });
    child.once('close', () => reject(new Error('the child ended without saying a line')));
  });
}
