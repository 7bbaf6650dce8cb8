/** A run that is stopped or killed while rsync sends leaves neither rsync nor its archive behind. */
import { readdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import { readLedger, readLog } from '../../support/program/traces.ts';
import { useRsyncHost } from '../../support/rsync/rsync-host.ts';
import { processesOf, type Sender, useSenders, whenArrived } from '../../support/rsync/rsync-sender.ts';

const host = useRsyncHost();
const createSender = useSenders(host);

const size = 30_000_000;
const createSlow = () => createSender({ size, rsync: ['--bwlimit=8m'] });

async function expectNextCallDelivers({ tree, meeting, import: importIt, temporaryFiles }: Sender) {
  const { status } = await tree.run(['-m', meeting.id, '-f', 'presentation']);
  expect(status).toBe(0);
  expect(await importIt()).toEqual([`${meeting.id}-presentation.tar: as published`]);
  expect(temporaryFiles()).toEqual([]);
}

it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
  'stops rsync on %s, waits for its end, removes the archive and exits with 75',
  async (signal) => {
    const sender = createSlow();
    const running = sender.start();
    await whenArrived(sender.partial, 1_000_000);
    running.child.kill(signal);
    const { status, signal: endedBy, stderr } = await running.result;
    // Its ssh, which nobody waits for, may end a moment later.
    expect(processesOf(host.bbbUser.uid).filter((line) => /^\d+ \S*rsync /.test(line))).toEqual([]);
    expect({ status, endedBy }).toEqual({ status: 75, endedBy: null });
    expect(stderr).toMatch(
      new RegExp(`^pilos-post-publish: \\S+: interrupted by ${signal}: nothing is lost: .*\\n$`),
    );
    expect(sender.temporaryFiles()).toEqual([]);
    expect(readLedger(sender.tree, sender.meeting.id, 'presentation').state).toBe('failed');
    expect(host.files().filter((name) => name.endsWith('.tar'))).toEqual([]);
    if (signal === 'SIGTERM') await expectNextCallDelivers(sender);
  },
);

it('takes rsync along when it is killed, and the next call clears up and delivers', async () => {
  const sender = createSlow();
  const running = sender.start();
  await whenArrived(sender.partial, 1_000_000);
  running.child.kill('SIGKILL');
  expect((await running.result).signal).toBe('SIGKILL');
  const isRsync = (line: string) => line.includes('rsync');
  await expect.poll(() => processesOf(host.bbbUser.uid).filter(isRsync), { timeout: 10_000 }).toEqual([]);
  const left = readdirSync(`${sender.tree.workDir}/tmp`);
  // The archive's directory, and that of the connection.
  expect(left).toHaveLength(2);
  expect(host.files().filter((name) => name.endsWith('.tar'))).toEqual([]);
  await expectNextCallDelivers(sender);
  expect(readLog(sender.tree).filter((line) => line.includes('which a killed run left'))).toEqual(
    left.map((name) => expect.stringContaining(` WARN -- : removed ${name}, `)),
  );
});
