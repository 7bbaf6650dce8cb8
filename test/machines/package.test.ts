/** The package on a BBB server with a real systemd and dpkg: upgraded, removed, purged, installed again. */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  bbbUser,
  configure,
  installPackage,
  pilosYml,
  publish,
  removeRecordings,
  workDirectory,
} from './support/bbb.ts';
import { deliver } from './support/delivery.ts';
import { isFull, report, useMachines } from './support/machines.ts';
import { executable, providePackage } from './support/packages.ts';
import { emptySpool, prepareSpool, squashAll } from './support/storage.ts';
import { expectToWait, keepTimerWaiting, letTimerRun, runService, timer } from './support/timer.ts';

const { storage, bbb, pilos } = useMachines();
const earlier = '0.9.0';
const metricsDirectory = '/var/lib/prometheus/node-exporter';
const delivered = 'exit 0, archive whole, -rw-rw-r-- 65534:2000';
const postPublish = '/usr/local/bigbluebutton/core/scripts/post_publish';

const dpkg = (action: string) => bbb.ask(`dpkg --${action} pilos-post-publish`, { seconds: 180 });
/** The recordings that the ledger knows. */
const readLedger = () => bbb.ask(`ls ${workDirectory}/ledger`);

describe.runIf(isFull)('The package', () => {
  beforeAll(async () => {
    await providePackage(earlier);
    await prepareSpool({ storage, clients: [bbb, pilos], options: squashAll });
    await removeRecordings(bbb);
    await letTimerRun(bbb);
    await dpkg('purge');
    await installPackage(bbb, earlier);
    await bbb.ask(`install -d -o ${bbbUser} ${metricsDirectory}`);
    await configure(bbb, { metrics_file: `${metricsDirectory}/pilos.prom` });
    return async () => {
      await installPackage(bbb);
      await keepTimerWaiting(bbb);
      await configure(bbb);
      await bbb.ask(`rm -rf ${metricsDirectory}`);
    };
  });

  it('upgrade from the package before: timer, pilos.yml and ledger go on', async ({ task }) => {
    expect(await deliver({ bbb, storage, recording: await publish(bbb) })).toBe(delivered);
    const [configuration, ledger] = [await bbb.ask(`cat ${pilosYml}`), await readLedger()];
    await installPackage(bbb);
    expect(await dpkg('status')).not.toContain(`Version: ${earlier}`);
    await expectToWait(bbb);
    expect(await bbb.ask(`cat ${pilosYml}`)).toBe(configuration);
    expect(await readLedger()).toBe(ledger);
    await emptySpool(storage);
    const result = await runService(bbb, storage, await publish(bbb));
    expect(result).toBe(delivered);
    report(task, result);
  });

  it('remove: no timer, no metrics; pilos.yml and ledger stay', async ({ task }) => {
    const ledger = await readLedger();
    await bbb.ask(`test -e ${metricsDirectory}/pilos.prom`);
    await dpkg('remove');
    expect(await bbb.ask('systemctl list-units --no-legend "*pilos*"')).toBe('');
    expect(await bbb.ask(`find ${postPublish} ${metricsDirectory} -type f 2>/dev/null || true`)).toBe('');
    expect(await readLedger()).toBe(ledger);
    await bbb.ask(`test -e ${pilosYml}`);
    report(task, 'so it is');
  });

  it('install after remove: the timer waits again, and nothing is sent twice', async ({ task }) => {
    const ledger = await readLedger();
    await emptySpool(storage);
    await installPackage(bbb);
    await expectToWait(bbb);
    const result = await runService(bbb, storage, await publish(bbb));
    expect(result).toBe(delivered);
    expect(await readLedger()).toContain(ledger.trim().split('\n')[0]);
    report(task, result);
  });

  it('purge: of everything nothing is left but the ledger', async ({ task }) => {
    await dpkg('purge');
    const found = await bbb.ask(`find /etc /usr /var /run /root /home -xdev -iname '*pilos*' \
      -not -path '/var/bigbluebutton/published/*' -not -path '/root/*.deb' -not -path '*/.ssh/*'`);
    expect(found.trim().split('\n')).toEqual([workDirectory]);
    expect(await bbb.ask('systemctl list-unit-files --all --no-legend "*pilos*" || true')).toBe('');
    expect(await readLedger()).not.toBe('');
    report(task, 'so it is');
  });

  it("the command 'install' after the package, and the package after it", async ({ task }) => {
    const copied = '/root/pilos-post-publish';
    await emptySpool(storage);
    await bbb.ask(`cat > ${copied} && chmod 755 ${copied}`, {
      input: readFileSync(executable),
      seconds: 180,
    });
    await configure(bbb);
    await bbb.ask(`${copied} install`, { seconds: 120 });
    await expectToWait(bbb);
    expect(await bbb.ask(`systemctl show --property FragmentPath ${timer}`)).toContain('/etc/systemd');
    expect(await runService(bbb, storage, await publish(bbb))).toBe(delivered);
    await emptySpool(storage);
    await installPackage(bbb);
    await expectToWait(bbb);
    expect(await bbb.ask(`systemctl show --property FragmentPath ${timer}`)).toContain('/lib/systemd');
    const result = await runService(bbb, storage, await publish(bbb));
    expect(result).toBe(delivered);
    report(task, `each time ${result}`);
  });
});
