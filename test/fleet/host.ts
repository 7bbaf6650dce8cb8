/**
 * A test host: a name, a network, processes and file trees of its own, in namespaces that vanish with the
 * process that holds them. Nothing of it is seen on the machine: no link, no mount, no name in /run/netns.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Undo } from '../support/program/create-with-undo.ts';
import { type ProgramResult, runProgram } from '../support/program/run-program.ts';

export interface Host {
  name: string;
  /** Of a process in it, as this machine counts. */
  pid: number;
  /** Where a file in one of its own directories lies on this machine. */
  path(inside: string): string;
  /** The same through its mounts: for what another file system holds. */
  mounted(inside: string): string;
  /** A command line that runs `command` in it. */
  enter(command: readonly string[], user?: string): [string, ...string[]];
  run(command: readonly string[], user?: string): Promise<ProgramResult>;
  /** Throws when it does not end with 0. */
  runOrThrow(command: readonly string[], user?: string): Promise<ProgramResult>;
}

/** What a host has of its own; everything else is this machine's. */
const ownDirectories = ['etc', 'home', 'mnt', 'opt', 'run', 'srv', 'usr/local', 'var'];
const hostPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** Of one command; the longest is the `deliver` of a server that was cut off. */
const patience = 1_200_000;

// The holder ends when this process does, however that ends: its standard input is closed then.
const holder = `set -e
hostname "$1"
for directory in ${ownDirectories.join(' ')}; do mount --bind "./$directory" "/$directory"; done
ip link set lo up
echo ready
exec cat >/dev/null`;
const namespaces = ['--mount', '--net', '--uts', '--pid', '--fork', '--kill-child', '--mount-proc'];

/** @param tree holds {@link ownDirectories}; those that are missing are made */
export async function startHost(undo: Undo, signal: AbortSignal, name: string, tree: string): Promise<Host> {
  for (const directory of ownDirectories) mkdirSync(join(tree, directory), { recursive: true });
  // In a session of its own: Ctrl-C is for us, and we end it.
  const child = spawn('unshare', [...namespaces, 'sh', '-c', holder, 'sh', name], {
    cwd: tree,
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
    env: { PATH: hostPath },
  });
  const stop = () => stopHolder(child);
  undo(stop);
  signal.addEventListener('abort', stop, { once: true });
  await whenReady(child, name);
  const children = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8');
  return describeHost(name, tree, Number(children.trim()));
}

function describeHost(name: string, tree: string, pid: number): Host {
  const enter = (command: readonly string[], user = 'root'): [string, ...string[]] => {
    const identity =
      user === 'root' ? [] : ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--init-groups'];
    const home = user === 'root' ? '/root' : `/home/${user}`;
    const environment = ['env', '-i', `PATH=${hostPath}`, `HOME=${home}`, `USER=${user}`, 'LANG=C.UTF-8'];
    const inside = ['--mount', '--net', '--uts', '--pid'];
    return ['nsenter', `--target=${pid}`, ...inside, '--', ...environment, ...identity, ...command];
  };
  const run = (command: readonly string[], user?: string) => {
    const [program, ...args] = enter(command, user);
    return runProgram(program, args, { timeoutMilliseconds: patience });
  };
  return {
    ...{ name, pid, enter, run },
    path: (inside) => join(tree, inside),
    mounted: (inside) => join(`/proc/${pid}/root`, inside),
    runOrThrow: async (command, user) => {
      const result = await run(command, user);
      if (result.status === 0) return result;
      throw new Error(
        `${name}: ${command.join(' ')}: ${result.signal ?? result.status}: ${result.stderr.trim()}`,
      );
    },
  };
}

async function whenReady(child: ChildProcess, name: string): Promise<void> {
  let errors = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const failed = once(child, 'close').then(([status]) => {
    throw new Error(
      `${name}: this machine cannot make a test host (unshare ended with ${status}): ${errors.trim()}; ` +
        'it takes root, and a kernel with mount, network, host name and process namespaces',
    );
  });
  await Promise.race([once(child.stdout ?? child, 'data'), failed]);
  failed.catch(() => {});
}

/** With it goes every process of the host, and with these its mounts and its network. */
async function stopHolder(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}
