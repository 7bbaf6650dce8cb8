/** File systems that do not answer, or not always: as an NFS server that is away. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { CheckScene } from './check-scene.ts';

/** Mounts over `directory` what never answers; returns the process that could answer. */
export async function mountHanging({ enter }: CheckScene, directory: string): Promise<ChildProcess> {
  const script = join(import.meta.dirname, '../../fixtures/hanging_fs.py');
  const [command = '', ...words] = enter;
  const server = spawn(command, [...words, 'python3', script, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(server.stdout, 'data');
  return server;
}

/** A slow file system that answers until SIGSTOP, and again from SIGCONT on. What is written lies in `storage`. */
export async function mountSlowly(
  { enter, sh, tree, pilos }: CheckScene,
  storage: string,
): Promise<ChildProcess> {
  await sh(`install -d -m 2775 -g ${pilos.gid} ${storage}`);
  const [command = '', ...words] = enter;
  const server = spawn(
    command,
    [...words, 'bindfs', '-f', '-o', 'nonempty', '--write-rate=3M', storage, tree.spoolDir],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  await sh(`until grep -q ' ${tree.spoolDir} .* - fuse' /proc/self/mountinfo; do sleep 0.1; done`);
  return server;
}

/** Ends what {@link mountHanging} and {@link mountSlowly} have mounted, and whatever waits for it. */
export async function unmountDead(
  { sh }: CheckScene,
  server: ChildProcess,
  directory: string,
): Promise<void> {
  const end = once(server, 'exit');
  server.kill('SIGKILL');
  await end;
  await sh(`umount --force --lazy ${directory}`);
}
