/** The network of the fleet: a switch in a namespace of its own, and a link from it to each host. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Undo } from '../support/program/create-with-undo.ts';
import { runOrThrow } from '../support/program/run-program.ts';
import { type Host, startHost } from './host.ts';

export interface Network {
  /** Gives the host the address and a link to all others. */
  connect(host: Host, address: string): Promise<void>;
}

export async function startNetwork(undo: Undo, signal: AbortSignal, directory: string): Promise<Network> {
  const tree = join(directory, 'switch');
  mkdirSync(tree);
  const center = await startHost(undo, signal, 'switch', tree);
  await center.runOrThrow(['ip', 'link', 'add', 'lan', 'type', 'bridge']);
  await center.runOrThrow(['ip', 'link', 'set', 'lan', 'up']);
  return {
    connect: async (host, address) => {
      // From outside of the switch's process namespace: in it, the host's process has no number.
      const inSwitch = [`--target=${center.pid}`, '--net', '--'];
      const peer = ['type', 'veth', 'peer', 'name', 'eth0', 'netns', `${host.pid}`];
      await runOrThrow('nsenter', [...inSwitch, 'ip', 'link', 'add', host.name, ...peer]);
      await center.runOrThrow(['ip', 'link', 'set', host.name, 'master', 'lan', 'up']);
      await host.runOrThrow(['ip', 'address', 'add', `${address}/16`, 'dev', 'eth0']);
      await host.runOrThrow(['ip', 'link', 'set', 'eth0', 'up']);
    },
  };
}
