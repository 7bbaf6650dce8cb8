import { randomUUID } from 'node:crypto';
import { createConnection } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { acquireLock, type Lock } from '../../../hook/system/lock.ts';
import { nextLine, startChildNode } from '../../support/program/child-node.ts';

const acquire = async (name: string): Promise<Lock> => {
  const lock = await acquireLock(name, { wait: true });
  if (lock === undefined) throw new Error('it was to wait');
  return lock;
};

/** Another process that holds the lock until it is asked to end. */
async function holdElsewhere(name: string) {
  const running = startChildNode(
    `const { acquireLock } = await hook('system/lock');
     const lock = await acquireLock(argument, { wait: true });
     say('held');
     await new Promise((resolve) => { process.once('SIGTERM', resolve); setInterval(() => {}, 1000); });
     await lock.release();
     process.exit(0);`,
    { argument: name },
  );
  expect(await nextLine(running)).toBe('held');
  return running;
}

describe('acquireLock', () => {
  it('gives the lock at once when nobody holds it, again after its release', async () => {
    const name = randomUUID();
    for (let round = 0; round < 3; round += 1) {
      const lock = await acquire(name);
      expect(lock.waited).toBe(false);
      await lock.release();
    }
  });

  it('keeps different names apart', async () => {
    const one = await acquire(randomUUID());
    const other = await acquire(randomUUID());
    expect(other.waited).toBe(false);
    await one.release();
    await other.release();
  });

  it('answers nothing instead of waiting when asked to', async () => {
    const name = randomUUID();
    const held = await acquire(name);
    expect(await acquireLock(name, { wait: false })).toBeUndefined();
    await held.release();
    const free = await acquireLock(name, { wait: false });
    expect(free?.waited).toBe(false);
    await free?.release();
  });

  it('waits for another process, and says that it has waited', async () => {
    const name = randomUUID();
    const holder = await holdElsewhere(name);
    expect(await acquireLock(name, { wait: false })).toBeUndefined();
    let isOurs = false;
    const own = acquire(name).then((lock) => {
      isOurs = true;
      return lock;
    });
    await sleep(300);
    expect(isOurs).toBe(false);
    holder.child.kill('SIGTERM');
    const lock = await own;
    expect(lock.waited).toBe(true);
    await lock.release();
    expect((await holder.result).status).toBe(0);
  });

  it('is free the moment its holder is killed', async () => {
    const name = randomUUID();
    const holder = await holdElsewhere(name);
    holder.child.kill('SIGKILL');
    expect((await holder.result).signal).toBe('SIGKILL');
    const lock = await acquireLock(name, { wait: false });
    expect(lock).toBeDefined();
    await lock?.release();
  });

  it('lets one process in at a time', async () => {
    const name = randomUUID();
    let inside = 0;
    let most = 0;
    await Promise.all(
      Array.from({ length: 5 }, async () => {
        const lock = await acquire(name);
        inside += 1;
        most = Math.max(most, inside);
        await sleep(20);
        inside -= 1;
        await lock.release();
      }),
    );
    expect(most).toBe(1);
  });

  it('stops waiting when it is aborted', async () => {
    const name = randomUUID();
    const held = await acquire(name);
    const controller = new AbortController();
    const waiting = acquireLock(name, { wait: true, signal: controller.signal });
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
    await held.release();
  });

  it('does not keep the process alive, nor does its release wait for strangers that connect', async () => {
    const running = startChildNode(
      `const { acquireLock } = await hook('system/lock');
       await acquireLock(argument, { wait: true });`,
      { argument: randomUUID() },
    );
    expect((await running.result).status).toBe(0);

    const lock = await acquire('with a stranger');
    const { createHash } = await import('node:crypto');
    const hash = createHash('sha256').update('with a stranger').digest('hex');
    const stranger = createConnection(`\0pilos-post-publish/${hash}`);
    await new Promise((resolve) => stranger.once('close', resolve));
    await lock.release();
    stranger.destroy();
  });
});
