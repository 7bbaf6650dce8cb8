/** A host that does not answer holds up neither BBB's worker nor what goes to other hosts. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readLedger } from '../../support/program/traces.ts';
import { useRsyncHost } from '../../support/rsync/rsync-host.ts';
import { type Sender, useSenders } from '../../support/rsync/rsync-sender.ts';

const host = useRsyncHost();
const createSender = useSenders(host);

function configure({ tree }: Sender, settings: Record<string, unknown>): string[] {
  const file = join(tree.root, 'other.yml');
  const retry = { attempts: 1, max_seconds: 60 };
  writeFileSync(file, JSON.stringify({ work_dir: tree.workDir, retry, ...settings }));
  tree.giveTo(host.bbbUser);
  return ['--config', file];
}

it('costs one call its time; the next ones note their recording, and deliver finds out that it is back', async () => {
  const sender = createSender({ key: 'rrsync-wo-no-lock' });
  const other = sender.tree.addMeeting({ subDir: 'instance1' });
  sender.tree.giveTo(host.bbbUser);
  host.server.freeze();
  try {
    expect(await sender.deliver()).toMatchObject({ status: 75 });
    const started = Date.now();
    const next = await sender.tree.run(['-m', other.id, '-f', 'presentation']);
    expect(next).toMatchObject({
      status: 75,
      stderr: expect.stringMatching(
        /not tried, because pilos-rrsync-wo-no-lock failed \d+ s ago: .* cannot be reached/,
      ),
    });
    expect(Date.now() - started).toBeLessThan(10_000);
    expect(readLedger(sender.tree, other.id, 'presentation').state).toBe('waiting');
  } finally {
    host.server.thaw();
  }
  expect(await sender.tree.run(['deliver'])).toMatchObject({ status: 0 });
  expect(host.files().filter((name) => name.endsWith('.tar'))).toHaveLength(2);
  // It answers: the next call tries at once.
  const third = sender.tree.addMeeting({ subDir: 'instance1' });
  sender.tree.giveTo(host.bbbUser);
  expect(await sender.tree.run(['-m', third.id, '-f', 'presentation'])).toMatchObject({ status: 0 });
});

it('does not hold up a sub directory that has an address of its own', async () => {
  host.addAlias('closed', { Port: '1' });
  const sender = createSender();
  const { tree, meeting } = sender;
  const own = [1, 2].map(() => tree.addMeeting({ subDir: 'elsewhere' }));
  const more = tree.addMeeting({ subDir: 'instance1' });
  const config = configure(sender, {
    spool_dir: 'closed:/',
    spool_dirs: { elsewhere: host.address('rrsync-wo-no-lock') },
  });
  const { status, stdout } = await tree.run([...config, 'deliver', '--json']);
  expect(status).toBe(75);
  const { results } = JSON.parse(stdout) as { results: { record_id: string; state: string }[] };
  const states = new Map(results.map(({ record_id, state }) => [record_id, state]));
  expect(own.map(({ id }) => states.get(id))).toEqual(['delivered', 'delivered']);
  expect([states.get(meeting.id), states.get(more.id)].sort()).toEqual(['failed', 'waiting']);
  // At the top of its own address.
  expect(host.files().filter((name) => name.endsWith('.tar'))).toEqual(
    own.map(({ id }) => `${id}-presentation.tar`).sort(),
  );
});
