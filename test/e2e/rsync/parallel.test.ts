/** Several recordings are on their way to one PILOS at once, from servers or formats that know nothing of each other. */
import { expect, it } from 'vitest';
import { startProgram } from '../../support/program/run-program.ts';
import { sized } from '../../support/program/test-size.ts';
import { useRsyncHost } from '../../support/rsync/rsync-host.ts';
import { useSenders } from '../../support/rsync/rsync-sender.ts';

const host = useRsyncHost();
const createSender = useSenders(host);

const keys = [
  // It takes a lock: all but one of them are refused, and wait.
  { what: "PILOS' documented key", key: 'rrsync', attempts: 1 },
  { what: 'the recommended key', key: 'rrsync-wo-no-lock', attempts: 1 },
  { what: 'a key without a lock', key: 'rrsync-no-lock', attempts: 1 },
] as const;

// In CI one that takes a lock, and one that does not.
it.each(keys.slice(0, sized(2, 3)))(
  'delivers five recordings at once with $what',
  async ({ key, attempts }) => {
    const retry = { attempts, max_seconds: 60 };
    const senders = Array.from({ length: 5 }, () => createSender({ key, size: 500_000, retry }));
    const results = await Promise.all(senders.map((sender) => sender.deliver()));
    expect(results.map(({ status, stderr }) => ({ status, stderr }))).toEqual(
      results.map(() => ({ status: 0, stderr: '' })),
    );
    const names = senders.map(({ meeting }) => `instance1/${meeting.id}-presentation.tar`);
    expect(host.files()).toEqual(['instance1', ...names].sort());
    for (const { temporaryFiles } of senders) expect(temporaryFiles()).toEqual([]);
  },
);

it('gives up on a lock that is held too long, and says which key has none', async () => {
  const sender = createSender({ key: 'rrsync', retry: { attempts: 1, max_seconds: 0 } });
  const lock = startProgram('flock', ['--no-fork', host.spool, 'sleep', '60']);
  try {
    const { status, stderr } = await sender.deliver();
    expect(status).toBe(75);
    expect(stderr).toMatch(/accepts one transfer at a time.*put 'rrsync -wo -no-lock DIR'.*\n$/);
    expect(host.files()).toEqual(['instance1']);
  } finally {
    lock.child.kill('SIGKILL');
    await lock.result;
  }
});
