/** A storage server without room, and a group whose quota is used up. */
import { afterEach, describe, expect, it } from 'vitest';
import { hasSenderDone, publish } from './support/bbb.ts';
import { deliver } from './support/delivery.ts';
import { isFull, report, useMachines } from './support/machines.ts';
import { emptySpool, prepareSpool, squashAll, versions } from './support/storage.ts';

const { storage, bbb, pilos } = useMachines();
const delivered = 'exit 0, archive whole, -rw-rw-r-- 65534:2000';
const filler = '/srv/storage/filler';

describe.runIf(isFull).each(versions)('No room, NFS %s', (version) => {
  afterEach(async () => {
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
    const available = '$(df --output=avail --block-size=M /srv/storage | tail -1 | tr -dc 0-9)';
    report(
      task,
      await deliverWithoutRoom(`fallocate -l $((${available} - 8))M ${filler} && sync`, `rm ${filler}`),
    );
  });

  it('quota of the group', async ({ task }) => {
    const limit = (kilobytes: number) => `setquota -g pilos-spool 0 ${kilobytes} 0 0 /srv/storage`;
    report(task, await deliverWithoutRoom(limit(8192), limit(0)));
  });
});
