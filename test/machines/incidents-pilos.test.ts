/** What happens on PILOS' side, to what is known of it here, and when this server is to deliver no longer. */
import { describe, expect, it } from 'vitest';
import { configure, hasSenderDone, installPackage, publish, workDirectory } from './support/bbb.ts';
import {
  begin,
  checkService,
  expectAllWell,
  metricsFile,
  noticeByCheck,
  readNotified,
  settings,
  useServer,
} from './support/incident.ts';
import { isFull, reportIncident, useMachines } from './support/machines.ts';
import { importSpool, refuseSpool } from './support/pilos.ts';
import { after } from './support/schedule.ts';
import { listSpool, spool, spoolOnServer } from './support/storage.ts';
import { keepTimerWaiting, service } from './support/timer.ts';
import { callByWorker } from './support/worker.ts';

const machines = useMachines();
const { storage, bbb, pilos } = machines;
const statusFiles = '/var/bigbluebutton/recording/status/published';
const byCheck = { by: 'the admin', after: after.check };

async function deliverOne() {
  const recording = await publish(bbb);
  expect(await callByWorker(bbb, recording)).toMatchObject({ status: 0 });
  return recording;
}
const runService = () => bbb.ask(`systemctl start ${service}`, { seconds: 180 });

describe.runIf(isFull)('PILOS', () => {
  useServer(machines);

  it('the ledger is lost', async ({ task }) => {
    const recording = await deliverOne();
    // Of BBB's other step nothing came, so the meeting is complete.
    await bbb.ask(`touch --date='2 hours ago' ${statusFiles}/${recording.id}-video.done`);
    expect(await importSpool(pilos)).toMatchObject([{ result: 'imported' }]);
    await runService();
    expect(await hasSenderDone(bbb, recording)).toBe(true);
    await bbb.ask(`cp -a ${workDirectory}/ledger /root/backup && rm -rf ${workDirectory}/ledger`);
    const fix = await noticeByCheck(bbb, 'ledger', 'warning');
    await runService();
    expect((await listSpool(storage)).filter((entry) => entry.endsWith('.tar'))).toEqual([]);
    expect(await bbb.ask(`pilos-post-publish status -m ${recording.id}`)).toContain('adopted');
    await bbb.ask(`rm -rf ${workDirectory}/ledger && mv /root/backup ${workDirectory}/ledger`);
    await expectAllWell(machines);
    reportIncident(task, { noticed: '`check`: `notify`, metric; nothing is sent again', ...byCheck, fix });
  });

  it('PILOS imports nothing: its scheduler or its queue has stopped', async ({ task }) => {
    await begin(machines, { import_patience: '1s' });
    const held = await deliverOne();
    await bbb.ask(`touch --date='2 hours ago' ${spool}/${held.archive}`);
    const fix = await noticeByCheck(bbb, 'importer');
    await runService();
    expect(await readNotified(bbb)).toContainEqual(
      expect.stringMatching(/^stuck PILOS has taken no archive/),
    );
    // What the scheduler and the queue do when they run again.
    expect(await importSpool(pilos)).toMatchObject([{ archive: held.archive, result: 'imported' }]);
    await runService();
    expect((await readNotified(bbb)).filter((line) => line.startsWith('recovered'))).toHaveLength(1);
    await begin(machines);
    await expectAllWell(machines);
    reportIncident(task, {
      noticed: '`deliver` and `check`: `notify`, metric; the archives wait',
      ...{ by: 'the admin', after: `\`import_patience\` (2h), then ${after.deliver}`, fix },
    });
  });

  it('PILOS refuses an archive, of a meeting that it does not know', async ({ task }) => {
    const recording = await deliverOne();
    expect(await refuseSpool(pilos)).toMatchObject([{ result: 'refused' }]);
    await runService();
    expect(await readNotified(bbb)).toEqual([expect.stringMatching(/^refused /)]);
    expect(await bbb.ask(`pilos-post-publish status -m ${recording.id} || true`)).toContain('refused');
    const fix = await noticeByCheck(bbb, 'refused_archives', 'warning');
    await storage.ask(`cd ${spoolOnServer} && mv failed/${recording.archive} .`);
    await expectAllWell(machines, { held: [recording] });
    reportIncident(task, {
      noticed: '`deliver`: `notify`, metric; `check`',
      by: 'the admin',
      after: after.deliver,
      fix,
    });
  });

  it('the package is purged: nothing is left that alerts', async ({ task }) => {
    await deliverOne();
    await bbb.ask(`test -e ${metricsFile} && systemctl start ${checkService}`, { seconds: 120 });
    await bbb.ask('dpkg --purge pilos-post-publish', { seconds: 180 });
    try {
      expect(await bbb.ask(`find ${metricsFile.replace(/[^/]*$/, '')} -type f`)).toBe('');
      expect(await bbb.ask('systemctl --failed --no-legend --plain')).toBe('');
      expect(await bbb.ask('systemctl list-units --all --no-legend --plain "pilos*"')).toBe('');
      expect(await readNotified(bbb)).toEqual([]);
    } finally {
      await installPackage(bbb);
      await keepTimerWaiting(bbb);
      await configure(bbb, settings);
    }
    reportIncident(task, {
      noticed: 'not at all: no unit, no metric',
      by: 'nobody',
      after: 'never',
      fix: 'none',
    });
  });
});
