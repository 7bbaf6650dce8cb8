/** Watches a spool directory from another process, for the promise that no partial archive is ever seen. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

export interface ObserverOptions {
  /** Bytes that every archive must have; any complete archive will do by default. */
  expectedSize?: number;
  /** Unpacks and deletes each archive on sight, as an importer does. */
  take?: boolean;
  /** Milliseconds between two polls; none by default, which takes a whole processor. */
  pause?: number;
}

export interface ObserverReport {
  polls: number;
  /** Complete archives, in the order of their appearance; again when one was replaced. Sizes in bytes. */
  seen: { name: string; size: number }[];
  /** Archives that were not complete at the moment of a poll, and why; must be empty. */
  partial: { name: string; size: number; problem: string }[];
}

export interface Observer {
  /** Polls once more, then ends. */
  stop: () => Promise<ObserverReport>;
}

const observerScript = join(import.meta.dirname, '../../fixtures/observer.mjs');

/** Resolves when the first poll is over, so that nothing that follows is missed. */
export async function startObserver(directory: string, options: ObserverOptions = {}): Promise<Observer> {
  const { expectedSize = null, take = false, pause = 0 } = options;
  const child = fork(observerScript, [JSON.stringify({ directory, expectedSize, take, pause })], {
    execArgv: [],
  });
  const ended = once(child, 'exit').then(([status]) => {
    throw new Error(`the observer of ${directory} ended by itself with ${status}`);
  });
  // Reported by whoever waits for a message; nobody may be waiting when it happens.
  ended.catch(() => {});
  await Promise.race([once(child, 'message'), ended]);
  return {
    async stop() {
      const report = Promise.race([once(child, 'message'), ended]);
      child.send('stop');
      const [message] = await report;
      return message as ObserverReport;
    },
  };
}
