/** What happens to a mounted spool, and to the disks. */
import { afterEach, describe, expect, it } from 'vitest';
import { bbbUser, publish, workDirectory } from './support/bbb.ts';
import { check } from './support/check.ts';
import {
  checkService,
  command,
  expectAllWell,
  failToDeliver,
  noticeByCheck,
  noticedByCall,
  notified,
  paste,
  readNotified,
  useServer,
} from './support/incident.ts';
import { isFull, reportIncident, useMachines } from './support/machines.ts';
import { importSpool } from './support/pilos.ts';
import { mountPoint, mountSpool, spool, squashAll, unmountSpool } from './support/storage.ts';
import { service } from './support/timer.ts';
import { callByWorker } from './support/worker.ts';

const machines = useMachines();
const { storage, bbb, pilos } = machines;
const filler = '/srv/storage/filler';
const makesDirectory = /mkdir|install -d/;

describe.runIf(isFull)('Spool and disks', () => {
  useServer(machines);
  afterEach(async () => {
    await storage.ask(`rm -f ${filler}`);
    await bbb.ask(`! mountpoint -q ${workDirectory} || umount ${workDirectory}`);
  });

  it('the spool is not mounted', async ({ task }) => {
    await unmountSpool(bbb);
    const held = [await failToDeliver(bbb, 73, /does not exist|require_mount/)];
    const fix = await noticeByCheck(bbb, 'spool_directory');
    expect(fix).not.toMatch(makesDirectory);
    await paste(bbb, fix);
    await expectAllWell(machines, { held });
    reportIncident(task, { ...noticedByCall(73), fix: command(fix) });
  });

  it('the spool is not mounted, and its directory is there all the same', async ({ task }) => {
    await unmountSpool(bbb);
    await bbb.ask(`install -d -m 2775 -g pilos-spool ${spool}`);
    try {
      const held = [await failToDeliver(bbb, 73, /require_mount|mounted/)];
      const fix = await noticeByCheck(bbb, 'spool_mount');
      expect(fix).not.toMatch(makesDirectory);
      expect(await bbb.ask(`ls -A ${spool}`)).toBe('');
      await paste(bbb, fix);
      await expectAllWell(machines, { held });
      reportIncident(task, { ...noticedByCall(73), fix: command(fix) });
    } finally {
      await bbb.ask(`umount ${mountPoint}; rm -rf ${spool}; mount ${mountPoint}`);
    }
  });

  it('another file system is mounted there', async ({ task }) => {
    const first = await publish(bbb);
    expect(await callByWorker(bbb, first)).toMatchObject({ status: 0 });
    expect(await importSpool(pilos)).toMatchObject([{ result: 'imported' }]);
    // What was not seen imported would be sent again.
    await bbb.ask(`systemctl start ${service}`, { seconds: 180 });
    await storage.ask(`mkdir -p /srv/moved && mount -t tmpfs -o size=2G tmpfs /srv/moved
      install -d -m 2775 -g pilos-spool /srv/moved/recordings-spool /srv/moved/recordings-spool/failed
      echo '/srv/moved 10.9.0.0/24(rw,sync,no_subtree_check,fsid=7,${squashAll})' >> /etc/exports && exportfs -ra`);
    for (const machine of [bbb, pilos])
      await machine.ask(`umount ${mountPoint} && mount -t nfs storage:/srv/moved ${mountPoint}`);
    try {
      const held = [await failToDeliver(bbb, 73, /is not on the file system of the last delivery/)];
      expect(await bbb.ask(`find ${spool} -type f`)).toBe('');
      const fix = await noticeByCheck(bbb, 'spool_write');
      const [, confirmation = 'exit 99'] = /confirm it once with '(.*)'$/.exec(fix) ?? [];
      await bbb.run(confirmation, { seconds: 180 });
      await expectAllWell(machines, { held });
      const either = `mount what was there, or ${command(confirmation)}`;
      reportIncident(task, { ...noticedByCall(73), fix: either });
    } finally {
      for (const machine of [bbb, pilos]) {
        await machine.ask(`umount ${mountPoint}`);
        await mountSpool(machine);
      }
      await storage.ask(
        `sed -i /moved/d /etc/exports && exportfs -ra && umount /srv/moved && rmdir /srv/moved`,
      );
    }
  });

  it('the disk of the spool is full', async ({ task }) => {
    const available = '$(df --output=avail --block-size=K /srv/storage | tail -1 | tr -dc 0-9)';
    await storage.ask(`fallocate -l $((${available} - 500))K ${filler} && sync`);
    const held = [await failToDeliver(bbb, 73, /space|full/)];
    const fix = await noticeByCheck(bbb, 'spool_space');
    await storage.ask(`rm ${filler}`);
    await expectAllWell(machines, { held });
    reportIncident(task, { ...noticedByCall(73), fix });
  });

  it('the disk of `work_dir` is full', async ({ task }) => {
    const owner = `uid=$(id -u ${bbbUser}),gid=$(id -g ${bbbUser}),mode=755`;
    await bbb.ask(`mkdir -p ${workDirectory} && mount -t tmpfs -o size=20M,${owner} tmpfs ${workDirectory}
      head -c 21M /dev/zero > ${workDirectory}/filler; true`);
    // The archive arrives all the same.
    const unknown = /the ledger does not know of this: .*ENOSPC/;
    const held = [await failToDeliver(bbb, 0, unknown, { isNotified: false })];
    const { status } = await bbb.run(`systemctl start ${checkService}`, { seconds: 120 });
    expect(status).not.toBe(0);
    const { fix = '' } = await check(bbb, 'work_space');
    expect(await readNotified(bbb)).toContainEqual(expect.stringContaining(fix));
    // What check has found is remembered there, too: it cannot say later that it is solved.
    await bbb.ask(`rm ${workDirectory}/filler ${notified}`);
    await expectAllWell(machines, { held });
    reportIncident(task, {
      ...noticedByCall(0),
      noticed: "BBB's call: exit 0, a line; the archive arrives; `check`: unit failed, `notify`",
      fix,
    });
  });
});
