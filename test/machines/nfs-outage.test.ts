/** A storage server that goes away and comes back, loses its power, or does not let anybody in any more. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { bbbCall, bbbUser, hasSenderDone, publish } from './support/bbb.ts';
import { deliver, describeDelivery, startSlowly } from './support/delivery.ts';
import { isFull, report, useMachines } from './support/machines.ts';
import {
  emptySpool,
  exportSpool,
  listSpool,
  mountSpool,
  prepareSpool,
  spool,
  spoolOnServer,
  squashAll,
  unmountSpool,
  versions,
  withdrawExport,
} from './support/storage.ts';

const { storage, bbb, pilos } = useMachines();

describe.each(versions.filter((version) => isFull || version === '4.2'))('Outages, NFS %s', (version) => {
  beforeAll(() => prepareSpool({ storage, clients: [bbb, pilos], version, options: squashAll }));
  afterEach(async () => {
    await storage.limitNetwork(null).catch(() => {});
    await emptySpool(storage);
  });

  it('the server is away and comes back in the middle of a delivery', async ({ task }) => {
    const recording = await publish(bbb, 60);
    const { result } = await startSlowly({ bbb, storage, recording });
    await storage.unplugNetwork();
    await sleep(5000);
    await storage.plugInNetwork();
    const { status } = await result;
    const delivered = await describeDelivery({ bbb, storage, recording }, status);
    expect(delivered).toBe('exit 0, archive whole, -rw-rw-r-- 65534:2000');
    report(task, delivered);
  });

  it('power cut of the server right after exit 0', async ({ task }) => {
    const recording = await publish(bbb, 20);
    const { status } = await bbb.run(bbbCall(recording), { user: bbbUser });
    await storage.cutPower();
    await storage.boot();
    const delivered = await describeDelivery({ bbb, storage, recording }, status);
    expect(delivered).toBe('exit 0, archive whole, -rw-rw-r-- 65534:2000');
    report(task, delivered);
  });

  it('export withdrawn, and given back', async ({ task }) => {
    const recording = await publish(bbb);
    await withdrawExport(storage);
    const refused = await deliver({ bbb, storage, recording });
    expect(refused).toMatch(/^exit [1-9]\d*, nothing in the spool$/);
    expect(await hasSenderDone(bbb, recording)).toBe(false);
    await exportSpool(storage, squashAll);
    const delivered = await deliver({ bbb, storage, recording });
    expect(delivered).toBe('exit 0, archive whole, -rw-rw-r-- 65534:2000');
    report(task, `${refused}; then ${delivered}`);
  });

  it.runIf(isFull)('unmounted on the BBB server', async ({ task }) => {
    const recording = await publish(bbb);
    await unmountSpool(bbb);
    const refused = await deliver({ bbb, storage, recording });
    expect(refused).toMatch(/^exit [1-9]\d*, nothing in the spool$/);
    expect(await bbb.ask(`ls -A ${spool} 2>/dev/null || true`)).toBe('');
    await mountSpool(bbb, version);
    const delivered = await deliver({ bbb, storage, recording });
    expect(delivered).toBe('exit 0, archive whole, -rw-rw-r-- 65534:2000');
    report(task, `${refused}; mounted again: ${delivered}`);
  });

  it.runIf(isFull)('power cut of the BBB server in the middle of a delivery', async ({ task }) => {
    const recording = await publish(bbb, 60);
    // Slow enough that it cannot end before the cut, also on a busy machine.
    const call = await startSlowly({ bbb, storage, recording }, 2);
    await bbb.cutPower();
    await storage.limitNetwork(null);
    const leftovers = await listSpool(storage);
    expect(leftovers).not.toEqual([]);
    expect(leftovers.filter((entry) => entry.endsWith('.tar'))).toEqual([]);
    call.child.kill('SIGKILL');
    await bbb.boot();
    await mountSpool(bbb, version);
    // Of another boot it might also be a clone's, which still writes: see hook/system/run-token.ts.
    await storage.ask(`find ${spoolOnServer} -type f -exec touch --date='25 hours ago' {} +`);
    const delivered = await deliver({ bbb, storage, recording });
    expect(delivered).toBe('exit 0, archive whole, -rw-rw-r-- 65534:2000');
    report(task, `no .tar; after a day, the next run removes what was left: ${delivered}`);
  });
});
