/** The spool directory is exchanged on the storage server while an archive is on its way there. */
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { bbbCall, bbbUser, hasSenderDone, publish } from './support/bbb.ts';
import { deliver } from './support/delivery.ts';
import { isFull, report, useMachines } from './support/machines.ts';
import {
  emptySpool,
  listSpool,
  prepareSpool,
  spoolOnServer,
  squashAll,
  versions,
} from './support/storage.ts';

const { storage, bbb, pilos } = useMachines();
const former = `${spoolOnServer}.former`;

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
    const delivered = await deliver({ bbb, storage, recording });
    expect(delivered).toBe('exit 0, archive whole, -rw-rw-r-- 65534:2000');
    report(task, `exit ${status}, nothing in either; then ${delivered}`);
  });
});
