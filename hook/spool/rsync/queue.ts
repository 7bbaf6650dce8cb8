/**
 * Archives on their way to one host: one is packed while others are sent, and whatever is packed by then goes in one
 * run of rsync and one of renaming. A run alone costs as much as sending 20 MB.
 */
import { ExpectedError } from '../../errors.ts';
import { NotTried } from '../spool.ts';

/** What goes together at most: a cut run sends again what had arrived of it, but not under its name. */
const mostBytes = 500_000_000;
const mostArchives = 100;

/** Something packed, that is to be sent. */
export interface Queued {
  /** Those with the same one may go together; undefined: none may. */
  group: string | undefined;
  size: number;
  signal: AbortSignal;
}

export interface Queue<Item extends Queued> {
  /**
   * Packs when it is its turn and there is room, then waits until it has been sent. Throws what kept it from that, or
   * NotTried when an earlier one of the same host or directory has failed for all, since this one began.
   *
   * @returns milliseconds that went to others: until its turn, and of a run for several all but its share
   */
  deliver(request: Queued, pack: () => Promise<Item>): Promise<number>;
  /** Runs `action` while nothing else of this kind runs. */
  alone<T>(action: () => Promise<T>): Promise<T>;
}

export interface QueueOptions<Item extends Queued> {
  /** Bytes that packed archives may take together; one alone may always. */
  mostBytes: number;
  /** Whether there is room for so many bytes beside those that are packed. */
  hasRoom(bytes: number): boolean;
  /**
   * Resolves when something can be sent: what is packed by then goes together. Never rejects; what keeps it from that is
   * thrown by who sends.
   */
  whenReady(item: Item): Promise<void>;
  /** Sends them; what is returned has not arrived, and is sent alone. */
  sendTogether(items: Item[]): Promise<Item[]>;
  sendAlone(item: Item): Promise<void>;
}

interface Waiting<Item> {
  item: Item;
  began: number;
  /** Gives it the milliseconds that sending it took. */
  resolve(took: number): void;
  reject(reason: unknown): void;
}

export function createQueue<Item extends Queued>(options: QueueOptions<Item>): Queue<Item> {
  const waiting: Waiting<Item>[] = [];
  const packing = createTurns();
  const asking = createTurns();
  /** By group, and `all` for the host: when it failed, and how. */
  const failures = new Map<string | undefined, { at: number; reason: unknown }>();
  let clock = 0;
  let held = 0;
  let isSending = false;
  let whenLeft: (() => void)[] = [];

  const failureOf = ({ group, signal }: Queued, began: number): unknown => {
    if (signal.aborted) return signal.reason;
    return [allGroups, group]
      .map((key) => failures.get(key))
      .find((one) => one !== undefined && one.at > began)?.reason;
  };
  const throwIfFailed = (request: Queued, began: number) => {
    const reason = failureOf(request, began);
    if (reason instanceof ExpectedError) throw new NotTried(reason);
    if (reason !== undefined) throw reason;
  };
  const enter = async (request: Queued, began: number) => {
    const { size } = request;
    while (held > 0 && (held + size > options.mostBytes || !options.hasRoom(size)))
      await new Promise<void>((resolve) => whenLeft.push(resolve));
    throwIfFailed(request, began);
    held += size;
  };
  const leave = ({ size }: Queued) => {
    held -= size;
    const wake = whenLeft;
    whenLeft = [];
    for (const one of wake) one();
  };

  const take = (): Waiting<Item>[] => {
    const [first] = waiting;
    if (first === undefined) return [];
    const { group } = first.item;
    let bytes = 0;
    const taken = waiting.filter(({ item }, index) => {
      const fits =
        index === 0 || (group !== undefined && item.group === group && bytes + item.size <= mostBytes);
      if (fits) bytes += item.size;
      return fits;
    });
    const batch = taken.slice(0, mostArchives);
    for (const one of batch) waiting.splice(waiting.indexOf(one), 1);
    return batch;
  };
  const fail = (one: Waiting<Item>, reason: unknown) => {
    if (reason instanceof ExpectedError && reason.scope !== 'recording') {
      clock += 1;
      failures.set(reason.scope === 'spool' ? allGroups : one.item.group, { at: clock, reason });
    }
    one.reject(reason);
  };
  const sendOne = async (one: Waiting<Item>, started = performance.now()) => {
    try {
      throwIfFailed(one.item, one.began);
      await options.sendAlone(one.item);
      one.resolve(performance.now() - started);
    } catch (error) {
      fail(one, error);
    }
  };
  const sendBatch = async (batch: Waiting<Item>[], started: number) => {
    const [only] = batch;
    if (batch.length === 1 && only !== undefined) return await sendOne(only, started);
    let rest = batch;
    if (batch.every(({ item, began }) => failureOf(item, began) === undefined)) {
      try {
        const left = new Set(await options.sendTogether(batch.map(({ item }) => item)));
        const took = performance.now() - started;
        const bytes = batch.reduce((sum, { item }) => sum + item.size, 0);
        for (const one of batch) if (!left.has(one.item)) one.resolve((took * one.item.size) / bytes);
        rest = batch.filter(({ item }) => left.has(item));
      } catch (error) {
        const [first] = batch;
        const isForAll = !(error instanceof ExpectedError) || error.scope !== 'recording';
        // What concerns one of them shows when each goes alone.
        if (first !== undefined && isForAll) {
          fail(first, error);
          rest = batch.slice(1);
        }
      }
    }
    for (const one of rest) await sendOne(one);
  };
  const sendAll = async () => {
    if (isSending) return;
    isSending = true;
    for (let [first] = waiting; first !== undefined; [first] = waiting) {
      const started = performance.now();
      await options.whenReady(first.item);
      await sendBatch(take(), started);
    }
    isSending = false;
  };

  return {
    alone: asking,
    deliver: async (request, pack) => {
      const began = clock;
      const asked = performance.now();
      let turn = asked;
      const item = await packing(async () => {
        await enter(request, began);
        turn = performance.now();
        try {
          return await pack();
        } catch (error) {
          leave(request);
          throw error;
        }
      });
      try {
        throwIfFailed(item, began);
        const packed = performance.now();
        const took = await new Promise<number>((resolve, reject) => {
          waiting.push({ item, began, resolve, reject });
          void sendAll();
        });
        return turn - asked + Math.max(performance.now() - packed - took, 0);
      } finally {
        leave(request);
      }
    },
  };
}

const allGroups = '*';

/** One after the other, in the order in which they came. */
function createTurns() {
  let last: Promise<unknown> = Promise.resolve();
  return <T>(action: () => Promise<T>): Promise<T> => {
    const next = last.then(action, action);
    last = next.catch(() => undefined);
    return next;
  };
}
