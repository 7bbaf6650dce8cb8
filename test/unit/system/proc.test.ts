import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { sharesMounts } from '../../../hook/system/proc.ts';

let child: ChildProcess;
afterEach(() => child.kill('SIGKILL'));

/** A process that has said that it is there, and ends with its standard input. */
async function start(...before: string[]): Promise<number> {
  const [program = '', ...args] = [...before, 'sh', '-c', 'echo started; exec cat'];
  child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  if (child.stdout !== null) await once(child.stdout, 'data');
  return child.pid ?? 0;
}

describe('a process shares our mounts', () => {
  it('when it is a child', async () => {
    expect(sharesMounts(await start())).toBe(true);
  });

  it('not when it has a mount namespace of its own, as in a container', async () => {
    expect(sharesMounts(await start('unshare', '--mount'))).toBe(false);
  });
});
