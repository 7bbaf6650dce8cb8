/** A share of Samba as spool: the server decides owner and modes, the mount decides what is shown. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { publish, workDirectory } from './support/bbb.ts';
import { findProblems } from './support/check.ts';
import { deliver, describeDelivery, startSlowly } from './support/delivery.ts';
import { isFull, report, useMachines } from './support/machines.ts';
import { importSpool } from './support/pilos.ts';
import { shareSpool, unshareSpool } from './support/samba.ts';
import { emptySpool, listSpool, makeFailed, unmountSpool } from './support/storage.ts';

const { storage, bbb, pilos } = useMachines();
const whole = 'exit 0, archive whole, -rw-rw-r-- 65534:2000';

describe.runIf(isFull)('Delivery over SMB 3.1.1', () => {
  beforeAll(async () => {
    for (const client of [bbb, pilos]) await unmountSpool(client);
    await forgetFileSystem();
    await shareSpool(storage, [bbb, pilos]);
    await emptySpool(storage);
  });
  afterEach(async () => {
    await storage.limitNetwork(null).catch(() => {});
    await emptySpool(storage);
  });
  afterAll(async () => {
    await unshareSpool(storage, [bbb, pilos]);
    await forgetFileSystem();
  });

  it('force user and group on the server; PILOS imports and deletes the archive', async ({ task }) => {
    const delivered = await deliver({ bbb, storage, recording: await publish(bbb) });
    expect(delivered).toBe(whole);
    expect(await importSpool(pilos)).toMatchObject([{ result: 'imported' }]);
    expect(await listSpool(storage)).toEqual([]);
    report(task, `${delivered}; imported`);
  });

  it('the server is away and comes back in the middle of a delivery', async ({ task }) => {
    const recording = await publish(bbb, 60);
    const { result } = await startSlowly({ bbb, storage, recording });
    await storage.unplugNetwork();
    await sleep(5000);
    await storage.plugInNetwork();
    const { status } = await result;
    const ended = await describeDelivery({ bbb, storage, recording }, status);
    expect(ended).toBe(whole);
    report(task, ended);
  });

  it('power cut of the server right after exit 0', async ({ task }) => {
    const recording = await publish(bbb, 20);
    expect(await deliver({ bbb, storage, recording })).toBe(whole);
    await storage.cutPower();
    await storage.boot();
    const after = await describeDelivery({ bbb, storage, recording }, 0);
    expect(after).toBe(whole);
    await storage.ask('systemctl start smbd');
    report(task, after);
  });

  it('check finds nothing wrong with it', async ({ task }) => {
    await makeFailed(storage);
    expect(await findProblems(bbb, 'Spool')).toEqual([]);
    report(task, 'so it is');
  });
});

/** The spool is on another file system now, which the program would refuse. */
async function forgetFileSystem(): Promise<void> {
  await bbb.ask(`rm -f ${workDirectory}/spools.json`);
}
