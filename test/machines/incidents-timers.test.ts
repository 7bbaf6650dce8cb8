/** What runs by itself, and does not any more: the timers, their services, and the configuration that these need. */
import { describe, expect, it } from 'vitest';
import { pilosYml, publish } from './support/bbb.ts';
import { check } from './support/check.ts';
import {
  checkService,
  command,
  expectAllWell,
  failToDeliver,
  noticeByCheck,
  paste,
  readNotified,
  useServer,
} from './support/incident.ts';
import { isFull, reportIncident, useMachines } from './support/machines.ts';
import { after } from './support/schedule.ts';
import { spool } from './support/storage.ts';
import { expectToWait, service, timer } from './support/timer.ts';

const machines = useMachines();
const { bbb } = machines;
const checkTimer = 'pilos-post-publish-check.timer';
const byCheck = { noticed: '`check`: unit failed, `notify`, metric', by: 'the admin', after: after.check };

async function expectBothServicesToFail(): Promise<void> {
  const run = await bbb.run(`systemctl start ${service} ${checkService}`, { seconds: 120 });
  expect(run).not.toMatchObject({ status: 0 });
  const failed = await bbb.ask('systemctl --failed --no-legend --plain');
  for (const unit of [service, checkService]) expect(failed).toContain(unit);
}

// The cheapest of all incidents is in the short form, too.
describe('Timer of check', () => {
  useServer(machines);

  it('the timer of `check` is stopped', async ({ task }) => {
    await bbb.ask(`systemctl stop ${checkTimer} && systemctl start ${service}`, { seconds: 120 });
    const { problem, fix = 'exit 99' } = await check(bbb, 'check_timer');
    expect(problem).toContain('does not run');
    expect(await readNotified(bbb)).toEqual([expect.stringContaining(`(fix: ${fix})`)]);
    expect(await bbb.ask(`journalctl --unit ${service} --lines 20`)).toContain(fix);
    await paste(bbb, fix);
    expect(await bbb.ask(`systemctl is-active ${checkTimer}`)).toBe('active\n');
    await bbb.ask(`systemctl start ${service}`, { seconds: 120 });
    expect(await readNotified(bbb)).toEqual([expect.anything(), 'recovered solved: check_timer']);
    reportIncident(task, {
      noticed: '`deliver`: a warning in its log, `notify`, metric',
      ...{ by: 'the admin', after: after.deliver, fix: command(fix) },
    });
  });
});

describe.runIf(isFull)('Timers and configuration', () => {
  useServer(machines);

  it('the timer of `deliver` is stopped', async ({ task }) => {
    await bbb.ask(`systemctl stop ${timer}`);
    const held = [await publish(bbb)];
    const fix = await noticeByCheck(bbb, 'timer');
    await paste(bbb, fix);
    await expectToWait(bbb);
    await expectAllWell(machines, { held });
    reportIncident(task, { ...byCheck, fix: command(fix) });
  });

  it('the timer of `deliver` has failed', async ({ task }) => {
    const dropIn = `/run/systemd/system/${timer}.d`;
    // A timer whose service is masked fails when it runs. The name is behind that of what keeps it waiting in these tests.
    await bbb.ask(`systemctl mask --runtime ${service}; mkdir -p ${dropIn}
      printf '[Timer]\\nOnCalendar=*:*:*\\nRandomizedDelaySec=0\\n' > ${dropIn}/zz-now.conf
      systemctl daemon-reload; systemctl restart ${timer}
      until systemctl is-failed ${timer}; do sleep 0.2; done
      rm -r ${dropIn}; systemctl unmask --runtime ${service}; systemctl daemon-reload`);
    const held = [await publish(bbb)];
    const fix = await noticeByCheck(bbb, 'timer');
    await paste(bbb, fix);
    await expectToWait(bbb);
    await expectAllWell(machines, { held });
    reportIncident(task, {
      ...byCheck,
      noticed: `\`systemctl --failed\`; ${byCheck.noticed}`,
      fix: command(fix),
    });
  });

  it('`pilos.yml` is missing', async ({ task }) => {
    await bbb.ask(`rm ${pilosYml}`);
    const held = [await failToDeliver(bbb, 78, /pilos\.yml/, { isNotified: false })];
    await expectBothServicesToFail();
    const { fix = 'exit 99' } = await check(bbb, 'pilos_yml');
    await paste(bbb, fix);
    expect(await bbb.ask(`cat ${pilosYml}`)).toContain('\nspool_dir: /mnt/pilos-spool\n');
    await bbb.ask(`sed -i 's#/mnt/pilos-spool#${spool}#' ${pilosYml}`);
    await expectAllWell(machines, { held });
    reportIncident(task, {
      noticed: "BBB's call: exit 78, a line; both units failed, none skipped",
      by: "BBB's log; `systemctl --failed`",
      after: `${after.call}; ${after.deliver}`,
      fix: `${command(fix)}, and the right \`spool_dir\` in it; or from a backup`,
    });
  });

  it('`pilos.yml` has a misspelt key', async ({ task }) => {
    await bbb.ask(`echo 'spool_dri: /x' >> ${pilosYml}`);
    const held = [await failToDeliver(bbb, 78, /spool_dri/, { isNotified: false })];
    await expectBothServicesToFail();
    const { fix = '' } = await check(bbb, 'pilos_yml');
    await bbb.ask(`sed -i /spool_dri/d ${pilosYml}`);
    await expectAllWell(machines, { held });
    reportIncident(task, {
      noticed: "BBB's call: exit 78, a line with file and key; both units failed",
      by: "BBB's log; `systemctl --failed`",
      after: `${after.call}; ${after.deliver}`,
      fix,
    });
  });
});
