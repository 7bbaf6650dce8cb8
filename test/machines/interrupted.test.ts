/** Test machines: whatever ends the run that has started them, no process of theirs is left, and with the last one go mounts and network. */
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { startChildNode } from '../support/program/child-node.ts';

const machines = join(import.meta.dirname, 'support');
/** As a test run: the place of the machines, and in it a process in a session of its own, as each machine is one. */
const code = `
  const { openSite, enterSite } = await import('${machines}/site.ts');
  const { spawn } = await import('node:child_process');
  const { site } = await openSite('/nowhere');
  const [program, ...args] = enterSite(site, ['setsid', 'sh', '-c', 'echo started; exec sleep 1000']);
  const machine = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'], detached: true });
  await new Promise((resolve) => machine.stdout.once('data', resolve));
  say('ready: ' + site.pid);
  await new Promise((resolve) => setTimeout(resolve, 1_000_000));`;

/** Command lines of all processes in a process namespace, and of those that have entered it from outside. */
function processesOf(site: string, namespace: string): string[] {
  return readdirSync('/proc').flatMap((pid) => {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ');
      const isInside = readlinkSync(`/proc/${pid}/ns/pid`) === namespace;
      return isInside || command.includes(`--target=${site} `) ? [command] : [];
    } catch {
      return [];
    }
  });
}

it.each(['SIGINT', 'SIGTERM', 'SIGKILL'] as const)('leave nothing after %s', async (signal) => {
  const { child, result } = startChildNode(code);
  let text = '';
  child.stdout.on('data', (chunk: string) => {
    text += chunk;
  });
  while (!/ready: \d+\n/.test(text)) {
    if (child.exitCode !== null) throw new Error(`it ended too soon: ${(await result).stderr}`);
    await Promise.race([once(child.stdout, 'data'), once(child, 'close')]);
  }
  const site = /ready: (\d+)/.exec(text)?.[1] ?? '';
  const namespace = readlinkSync(`/proc/${site}/ns/pid`);
  expect(processesOf(site, namespace).join('\n')).toMatch(/sleep 1000/);
  child.kill(signal);
  expect(await result).toMatchObject({ signal });
  while (processesOf(site, namespace).length > 0) await sleep(50);
});
