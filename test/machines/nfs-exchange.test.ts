/** The spool directory is exchanged on the storage server, while an archive is on its way there or between two. */
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { bbbCall, bbbUser, configure, hasSenderDone, publish, removeRecordings } from './support/bbb.ts';
import { check } from './support/check.ts';
import { deliver, describeDelivery } from './support/delivery.ts';
import { isFull, report, useMachines } from './support/machines.ts';
import {
  emptySpool,
  exportSpool,
  exportSpoolItself,
  listSpool,
  mountSpoolItself,
  prepareSpool,
  spoolItself,
  spoolOnServer,
  squashAll,
  versions,
} from './support/storage.ts';

const { storage, bbb, pilos } = useMachines();
const former = `${spoolOnServer}.former`;
const delivered = 'exit 0, archive whole, -rw-rw-r-- 65534:2000';

const tested = versions.filter((version) => isFull || version === '4.2');

describe.each(tested)('The spool directory is exchanged, NFS %s', (version) => {
  beforeAll(() => prepareSpool({ storage, clients: [bbb, pilos], version, options: squashAll }));
  afterEach(async () => {
    await storage.limitNetwork(null).catch(() => {});
    await storage.ask(`rm -rf ${former}`);
    await emptySpool(storage);
  });

  it('renamed and made anew on the server in the middle of a delivery', async ({ task }) => {
    const recording = await publish(bbb, 20);
    await storage.limitNetwork(16);
    const { result } = bbb.start(bbbCall(recording), { user: bbbUser, seconds: 240 });
    const isUnderWay = `find ${spoolOnServer} -type f -size +1M | grep -q .`;
    await storage.ask(
      `n=0; until ${isUnderWay} || [ $n = 300 ]; do sleep 0.1; n=$((n + 1)); done; ${isUnderWay}
      mv ${spoolOnServer} ${former} && install -d -m 2775 -g pilos-spool ${spoolOnServer}`,
    );
    const { status, stdout } = await result;
    expect({ status, stdout }).toEqual({
      status: 75,
      stdout: expect.stringContaining('was replaced or unmounted during the delivery'),
    });
    expect(await listSpool(storage)).toEqual([]);
    expect(await storage.ask(`ls -A ${former}`)).toBe('');
    expect(await hasSenderDone(bbb, recording)).toBe(false);
    await storage.limitNetwork(null);
    const repeated = await deliver({ bbb, storage, recording });
    expect(repeated).toBe(delivered);
    report(task, `exit ${status}, nothing in either; then ${repeated}`);
  });
});

describe.runIf(isFull).each(versions)('The spool directory is what is mounted, NFS %s', (version) => {
  beforeAll(async () => {
    await prepareSpool({ storage, clients: [bbb, pilos], version, options: squashAll });
    await removeRecordings(bbb);
    await exportSpoolItself(storage, squashAll);
    await mountSpoolItself(bbb, version);
    await configure(bbb, { spool_dir: spoolItself, require_mount: spoolItself });
    return async () => {
      await configure(bbb);
      await bbb.ask(`umount ${spoolItself}`);
      await exportSpool(storage, squashAll);
      await storage.ask(`rm -rf ${former}`);
      await emptySpool(storage);
    };
  });

  it('exchanged on the server, and mounted again: what lies in the former one is not taken for imported', async ({
    task,
  }) => {
    const [first, second] = [await publish(bbb), await publish(bbb)];
    expect(await deliver({ bbb, storage, recording: first })).toBe(delivered);
    await storage.ask(
      `mv ${spoolOnServer} ${former} && install -d -m 2775 -g pilos-spool ${spoolOnServer} && exportfs -ra && exportfs -f`,
    );
    await bbb.ask(`umount ${spoolItself}`);
    await mountSpoolItself(bbb, version);
    expect(await deliver({ bbb, storage, recording: second })).toBe(delivered);
    const run = await bbb.run('pilos-post-publish deliver 2>&1', { seconds: 180 });
    expect(run).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('is not the one that 1 archive went into'),
    });
    expect(await hasSenderDone(bbb, first)).toBe(false);
    expect((await bbb.run(`pilos-post-publish status -m ${first.id}`)).status).toBe(73);
    const { fix } = await check(bbb, 'same_directory');
    expect(fix).toContain("'pilos-post-publish deliver --confirm-mount'");
    const { status } = await bbb.run('pilos-post-publish deliver --confirm-mount', { seconds: 180 });
    const again = await describeDelivery({ bbb, storage, recording: first }, status);
    expect(again).toBe(delivered);
    expect((await check(bbb, 'same_directory')).problem).toBeUndefined();
    report(task, `no -sender.done; deliver, status and check say so; deliver --confirm-mount: ${again}`);
  });
});
