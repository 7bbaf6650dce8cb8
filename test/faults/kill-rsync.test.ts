import { expect, it } from 'vitest';
import { checkKilledInFrontOfCalls, checkKilledOverRsync } from '../support/faults-kill-rsync.ts';
import { shipped } from '../support/faults-program.ts';
import { pick, sized } from '../support/faults-size.ts';
import { startPilosHost } from '../support/faults-ssh.ts';
import { withUndo } from '../support/faults-undo.ts';

const timeout = 40 * 60_000;

it.each([
  { key: 'ordinary', count: sized(5, 80) },
  { key: 'documented', count: sized(3, 50) },
  { key: 'recommended', count: sized(3, 50) },
] as const)(
  'delivers over rsync with the $key key after a kill -9 at any moment, and shows no partial archive',
  {
    timeout,
  },
  async ({ key, count }) => {
    await withUndo(async (undo) => {
      const host = await startPilosHost(undo);
      expect(await checkKilledOverRsync(shipped, host, key, count)).toEqual([]);
    });
  },
);

it('delivers over rsync after a kill -9 in front of what it does in work_dir and with rsync', {
  timeout,
}, async () => {
  await withUndo(async (undo) => {
    const host = await startPilosHost(undo);
    const choose = <T>(calls: T[]) => pick(calls, sized(4, 40));
    expect(await checkKilledInFrontOfCalls(shipped, host, choose)).toEqual([]);
  });
});
