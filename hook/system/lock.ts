/**
 * One run at a time for each recording. The lock is a socket in Linux' abstract namespace (unix(7)): only one
 * process can hold a name, and the kernel frees it when that process ends, however it ends.
 */
import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { errnoName } from './errno.ts';

/** Milliseconds between two tries. */
const pollInterval = 100;

export interface Lock {
  release(): Promise<void>;
  /** Whether another run held it when we asked first. */
  waited: boolean;
}

/**
 * Waits until no other run on this server holds `name`.
 *
 * @param options.wait false: returns undefined at once when another run holds it
 */
export async function acquireLock(
  name: string,
  options: { wait: boolean; signal?: AbortSignal | undefined },
): Promise<Lock | undefined> {
  const address = `\0pilos-post-publish/${createHash('sha256').update(name).digest('hex')}`;
  for (let waited = false; ; waited = true) {
    const server = await listen(address);
    if (server !== undefined) return { waited, release: () => close(server) };
    if (!options.wait) return undefined;
    await setTimeout(pollInterval, undefined, options.signal === undefined ? {} : { signal: options.signal });
  }
}

function listen(address: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (error) => (errnoName(error) === 'EADDRINUSE' ? resolve(undefined) : reject(error)));
    // Exclusive: with an inherited NODE_UNIQUE_ID, Node would ask a parent that is not there to listen, for ever.
    server.listen({ path: address, exclusive: true }, () => resolve(server));
    server.unref();
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
