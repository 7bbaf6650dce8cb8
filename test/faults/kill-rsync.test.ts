import { expect, it } from 'vitest';
import { oneOfEach, pick, sized } from '../support/program/test-size.ts';
import { largeSize } from '../support/rsync/rsync-sender.ts';
import { checkKilledInFrontOfCalls, checkKilledOverRsync } from './support/kill-rsync.ts';
import { shipped } from './support/program.ts';
import { usePilosHost } from './support/ssh.ts';

const timeout = 40 * 60_000;
const pilosHost = usePilosHost();

const keys = [
  { key: 'ordinary', count: sized(2, 80), bytes: largeSize },
  { key: 'documented', count: sized(1, 50), bytes: largeSize },
  { key: 'recommended', count: sized(1, 50), bytes: largeSize },
  { key: 'recommended', count: sized(2, 80), bytes: 2_000_000 },
] as const;

it.each(oneOfEach(3, keys))(
  'delivers $bytes bytes over rsync with the $key key after a kill -9 at any moment, and shows no partial archive',
  {
    timeout,
  },
  async (one) => {
    expect(await checkKilledOverRsync(shipped, pilosHost(), one)).toEqual([]);
  },
);

it('delivers over rsync after a kill -9 in front of what it does in work_dir and with rsync', {
  timeout,
}, async () => {
  const choose = <T>(calls: T[]) => pick(calls, sized(3, 40));
  expect(await checkKilledInFrontOfCalls(shipped, pilosHost(), choose)).toEqual([]);
});
