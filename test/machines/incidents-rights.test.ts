/** A spool that the BBB server writes by its own groups, which no export squashes, and where its root may do nothing. */
import { afterAll, describe, expect, it } from 'vitest';
import { bbbUser } from './support/bbb.ts';
import {
  command,
  expectAllWell,
  failToDeliver,
  noticeByCheck,
  noticedByCall,
  paste,
  useServer,
} from './support/incident.ts';
import { isFull, reportIncident, useMachines } from './support/machines.ts';
import { after } from './support/schedule.ts';
import { makeFailed, spool, spoolOnServer } from './support/storage.ts';
import { readWorkerPid, workerUnit } from './support/worker.ts';

const machines = useMachines();
const { storage, bbb } = machines;
const readGroups = async () => (await bbb.ask(`id -nG ${bbbUser}`)).trim();

describe.runIf(isFull)('Rights', () => {
  useServer(machines, { options: 'root_squash', manageGids: false });
  afterAll(() => bbb.ask(`gpasswd --add ${bbbUser} pilos-spool`));

  it("`bigbluebutton` is not in the spool's group", async ({ task }) => {
    await bbb.ask(`gpasswd --delete ${bbbUser} pilos-spool && systemctl restart ${workerUnit}`);
    const held = [await failToDeliver(bbb, 77, /not writable|permission/i)];
    const fix = await noticeByCheck(bbb, 'user_group');
    expect(fix).toBe(`usermod --append --groups pilos-spool ${bbbUser} && systemctl restart ${workerUnit}`);
    await paste(bbb, fix);
    expect(await readGroups()).toBe(`${bbbUser} pilos-spool`);
    await expectAllWell(machines, { held });
    reportIncident(task, {
      ...noticedByCall(77),
      fix: command(fix),
    });
  });

  it("BBB's worker was started before `bigbluebutton` came into the group", async ({ task }) => {
    await bbb.ask(`gpasswd --delete ${bbbUser} pilos-spool && systemctl restart ${workerUnit}
      gpasswd --add ${bbbUser} pilos-spool`);
    const held = [await failToDeliver(bbb, 77, /not writable|permission/i)];
    const before = await readWorkerPid(bbb);
    const fix = await noticeByCheck(bbb, 'worker_group');
    expect(fix).toBe(`systemctl restart ${workerUnit}`);
    await paste(bbb, fix);
    expect(await readWorkerPid(bbb)).not.toBe(before);
    await expectAllWell(machines, { held });
    reportIncident(task, {
      ...noticedByCall(77),
      fix: command(fix),
    });
  });

  it('the spool directory has the group `root`', async ({ task }) => {
    await storage.ask(`chgrp root ${spoolOnServer}`);
    const held = [await failToDeliver(bbb, 77, /not writable|permission/i)];
    const [groups, worker] = [await readGroups(), await readWorkerPid(bbb)];
    const fix = await noticeByCheck(bbb, 'spool_group');
    const change = `chgrp 2000 ${spoolOnServer} && chmod g+rwxs ${spoolOnServer}`;
    expect(fix).toBe(`on storage: ${change}`);
    await paste(storage, change);
    // Nobody came into a group, so nothing was restarted.
    expect([await readGroups(), await readWorkerPid(bbb)]).toEqual([groups, worker]);
    await expectAllWell(machines, { held });
    reportIncident(task, {
      ...noticedByCall(77),
      fix: `on the NFS server: ${command(change)}`,
    });
  });

  it('the group may not write to the spool directory', async ({ task }) => {
    await storage.ask(`chmod g-w ${spoolOnServer}`);
    const held = [await failToDeliver(bbb, 77, /not writable|permission/i)];
    const fix = await noticeByCheck(bbb, 'spool_mode');
    const change = `chmod g+rwx ${spoolOnServer}`;
    expect(fix).toBe(`on storage: ${change}`);
    await paste(storage, change);
    await expectAllWell(machines, { held });
    reportIncident(task, {
      ...noticedByCall(77),
      fix: `on the NFS server: ${command(change)}`,
    });
  });

  it('the spool directory is missing on the NFS server', async ({ task }) => {
    await storage.ask(`rm -r ${spoolOnServer}`);
    const held = [await failToDeliver(bbb, 73, /does not exist/)];
    const fix = await noticeByCheck(bbb, 'spool_directory');
    const change = 'cd /srv/storage && install -d -m 2775 -g 2000 recordings-spool';
    expect(fix).toBe(`on storage: ${change}`);
    expect((await bbb.run(`mkdir ${spool}`)).stderr).toContain('Permission denied');
    await paste(storage, change);
    await makeFailed(storage);
    await expectAllWell(machines, { held });
    reportIncident(task, {
      ...noticedByCall(73),
      fix: `on the NFS server: ${command(change)}`,
    });
  });

  it('`failed/` is missing, so that nobody will see what PILOS could not import', async ({ task }) => {
    await storage.ask(`rmdir ${spoolOnServer}/failed`);
    const fix = await noticeByCheck(bbb, 'failed_directory', 'warning');
    const failed = `${spoolOnServer}/failed`;
    const change = `mkdir ${failed} && chgrp 2000 ${failed} && chmod 2775 ${failed}`;
    expect(fix).toBe(`on storage: ${change}`);
    await paste(storage, change);
    await expectAllWell(machines);
    reportIncident(task, {
      ...{ noticed: '`check`: `notify`, metric', by: 'the admin', after: after.check },
      fix: `on the NFS server: ${command(change)}`,
    });
  });
});
