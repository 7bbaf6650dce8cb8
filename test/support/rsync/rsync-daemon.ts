/** A real rsync daemon on loopback with one module, `spool`. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface RsyncDaemon {
  port: number;
  /** `rsync://127.0.0.1:PORT/spool`, for `spool_dir`. */
  url: string;
  /** Adds lines to those of the start, from the next connection on. */
  configure(...further: string[]): void;
  stop(): Promise<void>;
}

/**
 * @param spool the directory of the module
 * @param scratch a directory for the daemon's configuration
 * @param settings further lines of the module, which win
 * @param enter what stands before the command, to run it in a namespace
 */
export async function startRsyncDaemon(
  spool: string,
  scratch: string,
  settings: readonly string[] = [],
  enter: readonly string[] = [],
): Promise<RsyncDaemon> {
  const port = await freePort();
  const file = join(scratch, 'rsyncd.conf');
  const configure = (...further: string[]) => {
    const module = ['[spool]', `path = ${spool}`, 'read only = false', 'uid = root', 'gid = root'];
    const lines = ['use chroot = false', 'address = 127.0.0.1', ...module, ...settings, ...further, ''];
    writeFileSync(file, lines.join('\n'));
  };
  configure();
  const [command = '', ...args] = [
    ...enter,
    ...['rsync', '--daemon', '--no-detach', `--config=${file}`, `--port=${port}`],
  ];
  const child = spawn(command, args, { stdio: 'ignore' });
  const ended = once(child, 'exit');
  for (let left = 200; !(await answers(port)); left -= 1) {
    if (left === 0 || child.exitCode !== null)
      throw new Error(`the rsync daemon on port ${port} did not start`);
    await sleep(25);
  }
  return {
    port,
    url: `rsync://127.0.0.1:${port}/spool`,
    configure,
    async stop() {
      child.kill();
      await ended;
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
