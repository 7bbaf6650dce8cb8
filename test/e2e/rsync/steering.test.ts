/** Neither the environment nor an option of pilos.yml makes rsync do anything but deliver. */
import { existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { expectRefused } from '../../support/program/expect-refused.ts';
import { useRsyncHost } from '../../support/rsync/rsync-host.ts';
import { useSenders } from '../../support/rsync/rsync-sender.ts';

const host = useRsyncHost();
const createSender = useSenders(host);

it.each(['binary', 'ruby'] as const)(
  'delivers, whatever RSYNC_ and NODE_ variables the environment has (%s)',
  async (via) => {
    const sender = createSender({ key: 'rrsync' });
    const witness = join(host.bbbUser.home, `steered-${via}`);
    const script = join(sender.tree.root, 'foreign.cjs');
    writeFileSync(script, `require('node:fs').writeFileSync(${JSON.stringify(witness)}, '');`);
    const env = {
      RSYNC_RSH: `touch ${witness};`,
      RSYNC_CONNECT_PROG: `touch ${witness}`,
      RSYNC_PROTECT_ARGS: '1',
      RSYNC_PARTIAL_DIR: '.elsewhere',
      RSYNC_ICONV: 'nonsense',
      RSYNC_PROXY: '127.0.0.1:1',
      RSYNC_OLD_ARGS: '2',
      NODE_OPTIONS: `--require ${script} --trace-warnings`,
      LC_ALL: 'de_DE.UTF-8',
    };
    expect(await sender.deliver({ via, env })).toMatchObject({ status: 0, stderr: '' });
    expect(existsSync(witness)).toBe(false);
    expect(await sender.import()).toEqual([`${sender.meeting.id}-presentation.tar: as published`]);
    expect(host.files()).toEqual(['instance1']);
  },
);

it('is not stopped by an unknown flag in NODE_OPTIONS', async () => {
  const sender = createSender();
  const env = { NODE_OPTIONS: '--no-such-flag' };
  expect(await sender.deliver({ via: 'ruby', env })).toMatchObject({ status: 0, stderr: '' });
});

it.each(['--update', '--dry-run', '-n', '-avn', '--list-only', '--partial-dir=x'])(
  'refuses the extra option %s before rsync is run',
  async (option) => {
    const sender = createSender({ rsync: [option] });
    expectRefused(await sender.deliver(), 78, 'extra_rsync_opts');
    expect(sender.rsyncRuns()).toBe(0);
    expect(host.files()).toEqual(['instance1']);
  },
);

it('delivers with extra options that an admin may want', async () => {
  const sender = createSender({ rsync: ['--bwlimit=100m', '--compress', '-v', '--stats', '--quiet', '-4'] });
  expect(await sender.deliver()).toMatchObject({ status: 0, stderr: '' });
  expect(await sender.import()).toEqual([`${sender.meeting.id}-presentation.tar: as published`]);
});

it('opens no connection in a dry run', async () => {
  let connections = 0;
  const listener = createServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = listener.address() as { port: number };
    host.addAlias('counted', { Port: String(port) });
    const sender = createSender({ spool: 'counted:/' });
    const { status, stdout } = await sender.tree.run(['-m', sender.meeting.id, '--dry-run']);
    expect({ status, stdout }).toEqual({
      status: 0,
      stdout: expect.stringContaining('counted:/instance1/.'),
    });
    expect({ connections, runs: sender.rsyncRuns() }).toEqual({ connections: 0, runs: 0 });
    // It would have been noticed.
    expect((await sender.deliver()).status).toBe(75);
    expect(connections).toBe(1);
  } finally {
    listener.close();
  }
});
