import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { EXIT, ExpectedError } from '../../../../hook/errors.ts';
import { createQueue, type Queued, type QueueOptions } from '../../../../hook/spool/rsync/queue.ts';
import { NotTried } from '../../../../hook/spool/spool.ts';

interface Item extends Queued {
  name: string;
}

/** A queue whose items are names, and what it did with them. */
function createTestQueue(options: Partial<QueueOptions<Item>> = {}) {
  const sent: string[] = [];
  let held = 0;
  let mostHeld = 0;
  const send = async (items: Item[]) => {
    await sleep(20);
    sent.push(items.map(({ name }) => name).join('+'));
  };
  const queue = createQueue<Item>({
    mostBytes: 1000,
    hasRoom: () => true,
    whenReady: async () => undefined,
    sendTogether: async (items) => {
      await send(items);
      return [];
    },
    sendAlone: (item) => send([item]),
    ...options,
  });
  const deliver = async (name: string, size = 1, group: string | undefined = 'a') => {
    const request = { size, group, signal: new AbortController().signal };
    try {
      await queue.deliver(request, async () => {
        held += size;
        mostHeld = Math.max(held, mostHeld);
        return { ...request, name };
      });
      return 'sent';
    } catch (error) {
      return error instanceof NotTried ? 'not tried' : (error as Error).message;
    } finally {
      held -= size;
    }
  };
  return { deliver, sent, mostHeld: () => mostHeld };
}

const failure = (scope: 'spool' | 'destination' | 'recording') =>
  new ExpectedError('broken', { code: 'broken', exitStatus: EXIT.io, fix: 'repair it', scope });

it('sends the first one at once, and together what is packed meanwhile', async () => {
  const { deliver, sent } = createTestQueue();
  expect(await Promise.all(['1', '2', '3', '4'].map((name) => deliver(name)))).toEqual(Array(4).fill('sent'));
  expect(sent).toEqual(['1', '2+3+4']);
});

it('sends together what is packed until it can be sent', async () => {
  const ready = Promise.withResolvers<void>();
  const { deliver, sent } = createTestQueue({ whenReady: () => ready.promise });
  const all = Promise.all(['1', '2', '3'].map((name) => deliver(name)));
  await sleep(20);
  expect(sent).toEqual([]);
  ready.resolve();
  expect(await all).toEqual(Array(3).fill('sent'));
  expect(sent).toEqual(['1+2+3']);
});

it('sends together only what goes to the same directory, and nothing that has none', async () => {
  const { deliver, sent } = createTestQueue();
  const groups = ['a', 'b', 'a', undefined, undefined, 'b'];
  await Promise.all(groups.map((group, index) => deliver(`${index}`, 1, group ?? '')));
  expect(sent).toEqual(['0', '1+5', '2', '3+4']);
  const other = createTestQueue();
  const send = (name: string) => other.deliver(name, 1, undefined);
  await Promise.all(['1', '2', '3'].map(send));
  expect(other.sent.flatMap((one) => one.split('+'))).toEqual(['1', '2', '3']);
});

it('packs no more than there may be at a time, and one that is larger alone', async () => {
  const { deliver, sent, mostHeld } = createTestQueue({ mostBytes: 100 });
  const sizes = [60, 40, 50, 10, 300, 20];
  await Promise.all(sizes.map((size, index) => deliver(`${index}`, size)));
  expect(sent.flatMap((one) => one.split('+'))).toHaveLength(sizes.length);
  expect(sent).toContain('4');
  expect(mostHeld()).toBe(300);
  const small = createTestQueue({ mostBytes: 100 });
  await Promise.all([60, 40, 50, 10, 20].map((size, index) => small.deliver(`${index}`, size)));
  expect(small.mostHeld()).toBeLessThanOrEqual(100);
});

it('waits for room on the disk while something can leave it', async () => {
  let room = 0;
  const { deliver, sent } = createTestQueue({ hasRoom: (bytes) => bytes <= room });
  await Promise.all(['1', '2', '3'].map((name) => deliver(name, 10)));
  expect(sent).toEqual(['1', '2', '3']);
  room = 10;
  await Promise.all(['4', '5', '6'].map((name) => deliver(name, 10)));
  expect(sent.slice(3)).toEqual(['4', '5+6']);
});

it.each([
  { scope: 'spool', others: ['not tried', 'not tried', 'not tried'] },
  { scope: 'destination', others: ['not tried', 'not tried', 'sent'] },
] as const)('tries once what fails for a whole $scope', async ({ scope, others }) => {
  let tries = 0;
  const fail = async (items: Item[]) => {
    tries += 1;
    await sleep(5);
    if (items.some(({ group }) => group === 'a')) throw failure(scope);
    return [];
  };
  const { deliver } = createTestQueue({
    sendTogether: fail,
    sendAlone: async (item) => void (await fail([item])),
  });
  const results = [deliver('1'), deliver('2'), deliver('3'), deliver('4', 1, 'b')];
  expect(await Promise.all(results)).toEqual(['broken', ...others]);
  expect(tries).toBe(scope === 'spool' ? 1 : 2);
  // Who comes later tries anew.
  expect(await deliver('5')).toBe('broken');
});

it('sends each alone when some of them have not arrived, or one of them fails', async () => {
  const alone: string[] = [];
  const sendAlone = async ({ name }: Item) => {
    alone.push(name);
    await sleep(5);
    if (name === '3') throw failure('recording');
  };
  const { deliver } = createTestQueue({ sendTogether: async (items) => items.slice(1), sendAlone });
  expect(await Promise.all(['1', '2', '3', '4'].map((name) => deliver(name)))).toEqual([
    'sent',
    'sent',
    'broken',
    'sent',
  ]);
  expect(alone).toEqual(['1', '3', '4']);
  const failing = createTestQueue({ sendTogether: () => Promise.reject(failure('recording')), sendAlone });
  expect(await Promise.all(['1', '2', '3'].map((name) => failing.deliver(name)))).toEqual([
    'sent',
    'sent',
    'broken',
  ]);
});

it('goes on after one that cannot be packed', async () => {
  const { deliver } = createTestQueue();
  const queue = createTestQueue();
  expect(await Promise.all([deliver('1'), queue.deliver('2')])).toEqual(['sent', 'sent']);
  const options = {
    mostBytes: 10,
    hasRoom: () => true,
    whenReady: async () => undefined,
    sendTogether: async () => [],
    sendAlone: async () => {},
  };
  const plain = createQueue<Queued>(options);
  const request = { size: 10, group: 'a', signal: new AbortController().signal };
  await expect(plain.deliver(request, () => Promise.reject(failure('recording')))).rejects.toThrow('broken');
  await plain.deliver(request, async () => request);
});

it('says how much of the time went to others', async () => {
  const pause = 200;
  const queue = createQueue<Queued>({
    mostBytes: 1000,
    hasRoom: () => true,
    whenReady: async () => undefined,
    sendTogether: async () => {
      await sleep(pause);
      return [];
    },
    sendAlone: () => sleep(pause),
  });
  const request = { size: 10, group: 'a', signal: new AbortController().signal };
  const waits = [10, 10, 30].map((size) => queue.deliver(request, async () => ({ ...request, size })));
  const [first, small, large] = (await Promise.all(waits)) as [number, number, number];
  // Two wait for the first, and share a run.
  expect(first).toBeLessThan(large);
  expect(large).toBeGreaterThanOrEqual(pause);
  expect(small).toBeGreaterThan(large);
});
