/** A storage server without room, and a group whose quota is used up. */
import { afterEach, describe, expect, it } from 'vitest';
import { hasSenderDone, publish } from './support/bbb.ts';
import { deliver, describeDelivery, startSlowly } from './support/delivery.ts';
import { isFull, report, useMachines } from './support/machines.ts';
import { emptySpool, prepareSpool, squashAll, versions } from './support/storage.ts';

const { storage, bbb, pilos } = useMachines();
const delivered = 'exit 0, archive whole, -rw-rw-r-- 65534:2000';
const filler = '/srv/storage/filler';
/** Megabytes, for a shell. */
const available = '$(df --output=avail --block-size=M /srv/storage | tail -1 | tr -dc 0-9)';

describe.runIf(isFull).each(versions)('No room, NFS %s', (version) => {
  afterEach(async () => {
    await storage.limitNetwork(null).catch(() => {});
    await storage.ask(`rm -f ${filler}; setquota -g pilos-spool 0 0 0 0 /srv/storage`);
    await emptySpool(storage);
  });

  /** 20 MB while there is room for 8, and again when there is more. */
  async function deliverWithoutRoom(fill: string, free: string): Promise<string> {
    await prepareSpool({ storage, clients: [bbb, pilos], version, options: squashAll });
    const recording = await publish(bbb, 20);
    await storage.ask(fill);
    const refused = await deliver({ bbb, storage, recording });
    expect(refused).toMatch(/^exit [1-9]\d*, nothing in the spool$/);
    expect(await hasSenderDone(bbb, recording)).toBe(false);
    await storage.ask(free);
    const result = await deliver({ bbb, storage, recording });
    expect(result).toBe(delivered);
    return `${refused}; with room again: ${result}`;
  }

  it('full disk', async ({ task }) => {
    report(
      task,
      await deliverWithoutRoom(`fallocate -l $((${available} - 8))M ${filler} && sync`, `rm ${filler}`),
    );
  });

  it('the disk gets full in the middle of a delivery', async ({ task }) => {
    await prepareSpool({ storage, clients: [bbb, pilos], version, options: squashAll });
    const recording = await publish(bbb, 60);
    const { result } = await startSlowly({ bbb, storage, recording });
    await storage.ask(`fallocate -l ${available}M ${filler} && sync`);
    const { status } = await result;
    const refused = await describeDelivery({ bbb, storage, recording }, status);
    expect(refused).toBe('exit 73, nothing in the spool');
    await storage.limitNetwork(null);
    await storage.ask(`rm ${filler}`);
    const whole = await deliver({ bbb, storage, recording });
    expect(whole).toBe(delivered);
    report(task, `${refused}; with room again: ${whole}`);
  });

  it('quota of the group', async ({ task }) => {
    const limit = (kilobytes: number) => `setquota -g pilos-spool 0 ${kilobytes} 0 0 /srv/storage`;
    report(task, await deliverWithoutRoom(limit(8192), limit(0)));
  });
});
