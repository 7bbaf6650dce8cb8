/** The timer and its service under a real systemd. */
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { publish } from './support/bbb.ts';
import { describeDelivery } from './support/delivery.ts';
import { report, useMachines } from './support/machines.ts';
import { emptySpool, prepareSpool, squashAll } from './support/storage.ts';

const { storage, bbb, pilos } = useMachines();
const timer = 'pilos-post-publish.timer';
const service = 'pilos-post-publish.service';

describe('The timer', () => {
  beforeAll(() => prepareSpool({ storage, clients: [bbb, pilos], options: squashAll }));
  afterEach(() => emptySpool(storage));

  it('its sandboxed service delivers to NFS what BBB has called nobody for', async ({ task }) => {
    const recording = await publish(bbb);
    const { status } = await bbb.run(`systemctl start ${service}`, { seconds: 120 });
    const delivered = await describeDelivery({ bbb, storage, recording }, status);
    expect(delivered).toBe('exit 0, archive whole, -rw-rw-r-- 65534:2000');
    expect(await bbb.ask(`systemctl show --property Result ${service}`)).toBe('Result=success\n');
    report(task, delivered);
  });

  it('waits again after a reboot', async ({ task }) => {
    await bbb.shutDown();
    await bbb.boot();
    report(task, await describeTimer());
  });

  it('waits again after a power cut, and the storage is mounted', async ({ task }) => {
    await bbb.cutPower();
    await bbb.boot();
    const recording = await publish(bbb);
    const { status } = await bbb.run(`systemctl start ${service}`, { seconds: 120 });
    const delivered = await describeDelivery({ bbb, storage, recording }, status);
    report(task, `${await describeTimer()}; ${delivered}`);
  });
});

async function describeTimer(): Promise<string> {
  expect(await bbb.ask(`systemctl is-active ${timer}`)).toBe('active\n');
  const next = await bbb.ask(`systemctl show --property NextElapseUSecRealtime --value ${timer}`);
  expect(next).not.toBe('\n');
  return 'active, with a next run';
}
