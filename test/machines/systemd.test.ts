/** The timer and its sandboxed service under a real systemd. */
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { bbbUser, configure, isWhole, publish, removeRecordings } from './support/bbb.ts';
import { check } from './support/check.ts';
import { isFull, report, useMachines } from './support/machines.ts';
import { acceptKey, sshSpool } from './support/pilos.ts';
import { emptySpool, prepareSpool, squashAll } from './support/storage.ts';
import {
  expectToWait,
  keepTimerWaiting,
  letTimerRun,
  missRun,
  runService,
  service,
  timer,
  timerStamp,
  waitForTimer,
} from './support/timer.ts';

const { storage, bbb, pilos } = useMachines();
const delivered = 'exit 0, archive whole, -rw-rw-r-- 65534:2000';

describe.runIf(isFull)('systemd', () => {
  beforeAll(async () => {
    await prepareSpool({ storage, clients: [bbb, pilos], options: squashAll });
    await removeRecordings(bbb);
    await letTimerRun(bbb);
    return () => keepTimerWaiting(bbb);
  });
  afterEach(() => emptySpool(storage));

  it('the sandboxed service delivers to NFS what no call has delivered', async ({ task }) => {
    const result = await runService(bbb, storage, await publish(bbb));
    expect(result).toBe(delivered);
    report(task, result);
  });

  it("the sandboxed service delivers over ssh, with the key of BBB's user", async ({ task }) => {
    const recording = await publish(bbb);
    await acceptKey(pilos, bbb, bbbUser);
    await configure(bbb, { spool_dir: `pilos-spool@pilos:${sshSpool}`, require_mount: false });
    try {
      await bbb.ask(`systemctl start ${service}`, { seconds: 180 });
      expect(await isWhole(bbb, recording, pilos, `${sshSpool}/${recording.archive}`)).toBe(true);
      report(task, 'exit 0, archive whole');
    } finally {
      await configure(bbb);
    }
  });

  it('the sandboxed service writes the metrics file into a directory of node_exporter', async ({ task }) => {
    const directory = '/var/lib/prometheus/node-exporter';
    await bbb.ask(`install -d -o ${bbbUser} ${directory}`);
    await configure(bbb, { metrics_file: `${directory}/pilos.prom` });
    try {
      expect(await runService(bbb, storage, await publish(bbb))).toBe(delivered);
      expect(await bbb.ask(`cat ${directory}/pilos.prom`)).toMatch(/^pilos_post_publish_\S+ [1-9]/m);
      report(task, 'written');
    } finally {
      await configure(bbb);
      await bbb.ask(`rm -r ${directory}`);
    }
  });

  it('a reboot: the timer makes up for the run that was due meanwhile', async ({ task }) => {
    const recording = await publish(bbb);
    await missRun(bbb);
    await bbb.shutDown();
    await bbb.boot();
    await expectToWait(bbb);
    const result = await waitForTimer(bbb, storage, recording);
    expect(result).toBe(delivered);
    report(task, result);
  });

  it('a power cut: the timer makes up for the run that was due meanwhile', async ({ task }) => {
    const recording = await publish(bbb);
    await missRun(bbb);
    await bbb.cutPower();
    await bbb.boot();
    const result = await waitForTimer(bbb, storage, recording);
    expect(result).toBe(delivered);
    await expectToWait(bbb);
    // As new as the run: the next boot makes up for none.
    await bbb.ask(`find ${timerStamp} -mmin -10 | grep -q .`);
    report(task, result);
  });

  it('a stopped timer: check finds it, and its command starts it', async ({ task }) => {
    await bbb.ask(`systemctl stop ${timer}`);
    const { problem, fix } = await check(bbb, 'timer');
    expect(problem).toContain('does not run');
    await bbb.ask(fix ?? 'exit 99');
    expect((await check(bbb, 'timer')).problem).toBeUndefined();
    await expectToWait(bbb);
    report(task, `found; ${fix}`);
  });

  it('a failed timer: check finds it, and its command starts it', async ({ task }) => {
    const dropIn = `/run/systemd/system/${timer}.d`;
    // A timer whose service is masked fails when it runs.
    await bbb.ask(`systemctl mask --runtime ${service}; mkdir -p ${dropIn}
      printf '[Timer]\\nOnCalendar=*:*:*\\nRandomizedDelaySec=0\\n' > ${dropIn}/now.conf
      systemctl daemon-reload; systemctl restart ${timer}
      until systemctl is-failed ${timer}; do sleep 0.2; done`);
    const { problem, fix } = await check(bbb, 'timer');
    await bbb.ask(`rm -r ${dropIn}; systemctl unmask --runtime ${service}; systemctl daemon-reload`);
    expect(problem).toContain('has failed');
    await bbb.ask(fix ?? 'exit 99');
    expect((await check(bbb, 'timer')).problem).toBeUndefined();
    await expectToWait(bbb);
    report(task, `found; ${fix}`);
  });
});
