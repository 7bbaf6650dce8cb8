/** A network of its own, with nothing in it but its loopback: packets can be dropped there without a FIN. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { runOrThrow, runProgram } from '../../support/program/run-program.ts';
import { testRun } from '../../support/run/test-run.ts';
import type { PilosHost } from './ssh.ts';
import type { Undo } from './undo.ts';

export interface Network {
  /** Runs a command in it. */
  by: string[];
  /** From now on every packet of a connection with the server vanishes. */
  drop(): Promise<void>;
  repair(): Promise<void>;
}

/** A second sshd with the configuration of `host`, listening in a network namespace. */
export async function startNetwork(undo: Undo, { server }: PilosHost): Promise<Network> {
  const name = `faults-${testRun()}-${process.pid}-${server.port}`;
  const by = ['ip', 'netns', 'exec', name];
  const run = (...command: string[]) => runOrThrow(by[0] ?? '', [...by.slice(1), ...command]);
  await runOrThrow('ip', ['netns', 'add', name]);
  undo(() => runOrThrow('ip', ['netns', 'del', name]));
  await run('ip', 'link', 'set', 'lo', 'up');
  const sshd = spawn('ip', ['netns', 'exec', name, '/usr/sbin/sshd', '-D', '-e', '-f', server.configPath], {
    stdio: 'ignore',
  });
  undo(async () => {
    if (sshd.exitCode !== null || sshd.signalCode !== null) return;
    sshd.kill('SIGTERM');
    await once(sshd, 'exit');
  });
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const probe = `exec 3<>/dev/tcp/127.0.0.1/${server.port} && head -c 3 <&3`;
    const { stdout } = await runProgram('ip', [...by.slice(1), 'bash', '-c', probe]);
    if (stdout === 'SSH') break;
    await sleep(50);
  }
  await run('nft', 'add', 'table', 'inet', 'cut');
  await run('nft', 'add', 'chain', 'inet', 'cut', 'input', '{ type filter hook input priority 0 ; }');
  return {
    by,
    drop: async () => {
      const { port } = server;
      const rules = ['dport', 'sport'].map((side) => `add rule inet cut input tcp ${side} ${port} drop`);
      // In one call, for the transfer goes on meanwhile.
      await run('nft', rules.join('; '));
    },
    repair: async () => {
      await run('nft', 'flush', 'chain', 'inet', 'cut', 'input');
    },
  };
}
