/** The timer of the package, and its service, on a BBB server. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { Recording } from './bbb.ts';
import { describeDelivery } from './delivery.ts';
import type { Machine } from './machine.ts';
import { listSpool } from './storage.ts';

export const timer = 'pilos-post-publish.timer';
export const service = 'pilos-post-publish.service';
export const timerStamp = `/var/lib/systemd/timers/stamp-${timer}`;

/** Its next run is planned; while one lasts, none is. */
export async function expectToWait(bbb: Machine): Promise<void> {
  expect(await bbb.ask(`systemctl is-active ${timer}`)).toBe('active\n');
  await bbb.ask(
    `until systemctl show --property NextElapseUSecRealtime --value ${timer} | grep -q .; do sleep 0.2; done`,
  );
}

/** What one run of the service comes to. */
export async function runService(bbb: Machine, storage: Machine, recording: Recording): Promise<string> {
  const { status } = await bbb.run(`systemctl start ${service}`, { seconds: 180 });
  return await describeDelivery({ bbb, storage, recording }, status);
}

/** The last run was more than an hour ago, for all that systemd knows: the next boot makes up for one. */
export async function missRun(bbb: Machine): Promise<void> {
  await bbb.ask(`touch --date='1 hour ago' ${timerStamp} && sync`);
}

/** Waits until the timer has delivered it, by itself: the unit delays a run by up to 2 minutes. */
export async function waitForTimer(bbb: Machine, storage: Machine, recording: Recording): Promise<string> {
  const end = Date.now() + 240_000;
  const isThere = async () =>
    (await listSpool(storage)).some((entry) => entry.endsWith(` ${recording.archive}`));
  while (!(await isThere())) {
    if (Date.now() > end)
      throw new Error(`no delivery: ${await bbb.ask(`journalctl -u ${service} -u ${timer} | tail -20`)}`);
    await sleep(1000);
  }
  await bbb.ask(`until [ "$(systemctl is-active ${service})" = inactive ]; do sleep 0.2; done`);
  return await describeDelivery({ bbb, storage, recording }, 0);
}

const rarely = `/etc/systemd/system/${timer}.d/rarely.conf`;

/** No run that a case does not expect: every 15 minutes is often while a server is taken away. */
export async function keepTimerWaiting(bbb: Machine): Promise<void> {
  await bbb.ask(`mkdir -p ${rarely.replace('/rarely.conf', '')}
    printf '[Timer]\\nOnCalendar=\\nOnCalendar=*-01-01\\n' > ${rarely}
    systemctl daemon-reload && systemctl restart ${timer} && sync`);
}

/** As the package has it. */
export async function letTimerRun(bbb: Machine): Promise<void> {
  await bbb.ask(
    `rm -rf ${rarely.replace('/rarely.conf', '')} && systemctl daemon-reload && systemctl restart ${timer}`,
  );
}
