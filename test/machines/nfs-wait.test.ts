/** The storage server is away before a delivery, and in the middle of one that systemd has started. */
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { bbbUser, hasSenderDone, publish } from './support/bbb.ts';
import { deliver } from './support/delivery.ts';
import { report, useMachines } from './support/machines.ts';
import { emptySpool, prepareSpool, spoolOnServer, squashAll, versions } from './support/storage.ts';

const { storage, bbb, pilos } = useMachines();
const whole = 'exit 0, archive whole, -rw-rw-r-- 65534:2000';
const service = 'pilos-post-publish.service';

/** Repeats a line until it succeeds. */
const until = (line: string, seconds: number) =>
  `n=0; until ${line} || [ $n = ${seconds} ]; do sleep 1; n=$((n + 1)); done; ${line}`;

describe.each(versions)('The server is away, NFS %s', (version) => {
  beforeAll(() => prepareSpool({ storage, clients: [bbb, pilos], version, options: squashAll }));
  afterEach(async () => {
    await storage.plugInNetwork();
    await storage.limitNetwork(null).catch(() => {});
    await bbb.ask('rm -rf /var/bigbluebutton/recording/pilos/hosts');
    await emptySpool(storage);
  });

  it('before a delivery', async ({ task }) => {
    const recording = await publish(bbb);
    await storage.unplugNetwork();
    const refused = await bbb.run(`pilos-post-publish -m ${recording.id} 2>&1`, {
      user: bbbUser,
      seconds: 120,
    });
    expect(refused).toMatchObject({
      status: 75,
      stdout: expect.stringMatching(/the file system at \S+ \(nfs4? from storage:\S+\) does not answer/),
    });
    const status = await bbb.run(`pilos-post-publish status -m ${recording.id} 2>&1`, {
      user: bbbUser,
      seconds: 120,
    });
    expect(status).toMatchObject({ status: 75, stdout: expect.stringContaining('does not answer') });
    expect(await hasSenderDone(bbb, recording)).toBe(false);
    await storage.plugInNetwork();
    await bbb.ask(until('stat -f /mnt/storage >/dev/null', 60), { seconds: 120 });
    await bbb.ask('rm -rf /var/bigbluebutton/recording/pilos/hosts');
    const delivered = await deliver({ bbb, storage, recording });
    expect(delivered).toBe(whole);
    report(task, `exit 75, a line; status shows it; back: ${delivered}`);
  });

  it('in the middle of a write of the service, which is stopped', async ({ task }) => {
    const recording = await publish(bbb, 60);
    await storage.limitNetwork(16);
    await bbb.ask(`systemctl start --no-block ${service}`);
    await storage.ask(until(`find ${spoolOnServer} -type f -size +1M | grep -q .`, 60), { seconds: 120 });
    await storage.unplugNetwork();
    await bbb.ask(until(`systemctl status ${service} | grep 'has not answered for 30 s'`, 60), {
      seconds: 120,
    });
    const status = await bbb.run(`pilos-post-publish status -m ${recording.id} 2>&1`, {
      user: bbbUser,
      seconds: 120,
    });
    expect(status.stdout).toMatch(/sending +since/);
    const seconds = await bbb.ask(
      `begin=$(date +%s); systemctl stop ${service}; echo $(($(date +%s) - begin))`,
    );
    expect(Number(seconds)).toBeLessThan(40);
    const said = await bbb.ask(`journalctl --unit ${service} --since -2min`);
    expect(said).toContain('the delivery was ended by a signal');
    await storage.plugInNetwork();
    await storage.limitNetwork(null);
    // What NFS has not written yet keeps a killed process until the server is back.
    await bbb.ask(until('! pgrep -x MainThread', 60), { seconds: 120 });
    const delivered = await deliver({ bbb, storage, recording });
    expect(delivered).toBe(whole);
    report(
      task,
      `its unit says so within a minute, status since when; stopped within 40 s; back: ${delivered}`,
    );
  });
});
