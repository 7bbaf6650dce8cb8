/** Who is refused by the NFS server, although mode and groups fit on the client, is sent to the server. */
import { describe, expect, it } from 'vitest';
import { bbbUser, callAsBbb, publish } from './support/bbb.ts';
import { check, findProblems } from './support/check.ts';
import { describeDelivery } from './support/delivery.ts';
import { isFull, report, useMachines } from './support/machines.ts';
import { makeFailed, prepareSpool, squashAll, versions, withdrawExport } from './support/storage.ts';

const { storage, bbb, pilos } = useMachines();
const clients = [bbb, pilos];
/** As a command; "chmod cannot help" is none. */
const chmod = /chmod \S*[-+=0-7]/;

describe.runIf(isFull).each(versions)('The reason of a refusal, NFS %s', (version) => {
  it('manage-gids=y, and the server does not know the user', async ({ task }) => {
    await prepareSpool({ storage, clients, version, options: 'root_squash' });
    const recording = await publish(bbb);
    const { status, stdout } = await callAsBbb(bbb, recording);
    expect(await describeDelivery({ bbb, storage, recording }, status)).toBe('exit 77, nothing in the spool');
    expect(stdout).toContain('refused by the NFS server, although mode and groups fit here');
    expect(stdout).toContain('manage-gids');
    expect(stdout).not.toMatch(chmod);
    const { problem, fix } = await check(bbb, 'spool_write');
    expect(problem).toContain('refused by the NFS server');
    expect(fix).toMatch(/^on storage, check: .*manage-gids=y in \/etc\/nfs\.conf/);
    expect(fix).not.toMatch(chmod);
    report(task, 'exit 77; the call and check name the server and manage-gids, no chmod');
  });

  it('export withdrawn', async ({ task }) => {
    await prepareSpool({ storage, clients, version, options: squashAll });
    const recording = await publish(bbb);
    await withdrawExport(storage);
    const { status, stdout } = await callAsBbb(bbb, recording);
    expect(status).toBe(77);
    const problems = await findProblems(bbb, 'Spool');
    expect(`${stdout} ${problems.map(({ fix }) => fix).join()}`).not.toMatch(chmod);
    expect(problems.map(({ problem }) => problem).join()).toContain('refused by the NFS server');
    expect(stdout).toContain('is the export still there');
    report(task, 'exit 77; the call and check name the server and its export, no chmod');
  });

  it('all_squash, a user who is not in the group here: no false alarm', async ({ task }) => {
    await bbb.ask(`gpasswd --delete ${bbbUser} pilos-spool`);
    try {
      await prepareSpool({ storage, clients, version, options: squashAll });
      await makeFailed(storage);
      expect(await findProblems(bbb, 'Spool')).toEqual([]);
      report(task, 'check finds nothing');
    } finally {
      await bbb.ask(`gpasswd --add ${bbbUser} pilos-spool`);
    }
  });

  it('manage-gids=y, a user whom only the server has in the group: no false alarm', async ({ task }) => {
    await bbb.ask(`gpasswd --delete ${bbbUser} pilos-spool`);
    await storage.ask('useradd --system --uid 997 --groups pilos-spool bbb-user');
    try {
      await prepareSpool({ storage, clients, version, options: 'root_squash' });
      await makeFailed(storage);
      expect(await findProblems(bbb, 'Spool')).toEqual([]);
      report(task, 'check finds nothing');
    } finally {
      await storage.ask('userdel bbb-user');
      await bbb.ask(`gpasswd --add ${bbbUser} pilos-spool`);
    }
  });
});
