/** An incident on a BBB server: how it is noticed, what fixes it, and whether everything arrives afterwards. */
import { afterAll, beforeAll, beforeEach, expect } from 'vitest';
import type { ImportAttempt } from '../../support/pilos/import-attempt.ts';
import type { Machines } from './all-machines.ts';
import {
  bbbUser,
  configure,
  isWhole,
  publish,
  type Recording,
  removeRecordings,
  workDirectory,
} from './bbb.ts';
import { check } from './check.ts';
import type { Machine } from './machine.ts';
import { importSpool } from './pilos.ts';
import { after } from './schedule.ts';
import { emptySpool, makeFailed, prepareSpool, type SpoolOptions, spool, squashAll } from './storage.ts';
import { service } from './timer.ts';
import { callByWorker, removeWorker, startWorker } from './worker.ts';

export const checkService = 'pilos-post-publish-check.service';
const metricsDirectory = '/var/lib/prometheus/node-exporter';
export const metricsFile = `${metricsDirectory}/pilos-post-publish.prom`;
const hook = '/usr/local/bin/notify-admin';
export const notified = '/var/bigbluebutton/notified';
export const settings = { metrics_file: metricsFile, notify: hook };

type Site = Pick<Machines, 'storage' | 'bbb' | 'pilos'>;

/** How a call that has failed is noticed: the admin reads of it at once, and check of what is behind it. */
export function noticedByCall(status: number) {
  const noticed = `BBB's call: exit ${status}, a line, \`notify\`; \`check\`: unit failed, \`notify\`, metric`;
  return { noticed, by: "BBB's log; the admin", after: `${after.call}; ${after.check}` };
}

/**
 * For the cases of a `describe`: a server on which check finds nothing, with nothing on it before each.
 *
 * @param more settings of pilos.yml that differ from those of a mounted spool
 */
export function useServer(site: Site, options: Partial<SpoolOptions> = {}, more: object = {}): void {
  let leave = async () => {};
  beforeAll(async () => {
    leave = await prepareServer(site, options);
  });
  beforeEach(() => begin(site, more));
  afterAll(() => leave());
}

/** A server on which check finds nothing, with the admin's hook, metrics, and a worker. @returns takes all of it away */
async function prepareServer(
  { storage, bbb, pilos }: Site,
  options: Partial<SpoolOptions> = {},
): Promise<() => Promise<void>> {
  await prepareSpool({ storage, clients: [bbb, pilos], options: squashAll, ...options });
  await bbb.ask(`install -d -o ${bbbUser} ${metricsDirectory} && cat > ${hook} && chmod 755 ${hook}`, {
    input: `#!/bin/sh\necho "$PILOS_POST_PUBLISH_EVENT $PILOS_POST_PUBLISH_ERROR" >> ${notified}\n`,
  });
  await startWorker(bbb);
  return async () => {
    await removeWorker(bbb);
    await bbb.ask(`rm -rf ${hook} ${metricsDirectory} ${notified}`);
    await configure(bbb);
  };
}

/** No recording, no archive, nothing known, nobody notified: no incident depends on the one before. */
export async function begin({ storage, bbb }: Site, more: object = {}): Promise<void> {
  await configure(bbb, { ...settings, ...more });
  await emptySpool(storage);
  await makeFailed(storage);
  await removeRecordings(bbb);
  await bbb.ask(`rm -rf ${workDirectory}/* ${notified} ${metricsFile}`);
}

export async function readNotified(bbb: Machine): Promise<string[]> {
  const lines = (await bbb.ask(`cat ${notified} 2>/dev/null || true`)).split('\n');
  return lines.filter((line) => line !== '');
}

/** BBB's call for a new recording, which fails: the admin's hook is run, unless nobody knows it without a pilos.yml. */
export async function failToDeliver(
  bbb: Machine,
  status: number,
  says: RegExp,
  { isNotified = true } = {},
): Promise<Recording> {
  const recording = await publish(bbb);
  const call = await callByWorker(bbb, recording);
  expect(call).toEqual({ status, stdout: expect.stringMatching(says) });
  expect(await readNotified(bbb)).toEqual(isNotified ? [expect.stringMatching(/^failure /)] : []);
  return recording;
}

/** What the timer of check starts: the admin's hook is run, with the fix; and the metric is there. @returns the fix */
export async function noticeByCheck(
  bbb: Machine,
  name: string,
  state: 'problem' | 'warning' = 'problem',
): Promise<string> {
  const { status } = await bbb.run(`systemctl start ${checkService}`, { seconds: 120 });
  expect(status === 0).toBe(state === 'warning');
  const failed = await bbb.ask('systemctl --failed --no-legend --plain');
  expect(failed.includes(checkService)).toBe(state === 'problem');
  const { fix = '', ...result } = await check(bbb, name);
  expect(result.state).toBe(state);
  const line = (await readNotified(bbb)).find((one) => one.startsWith('check ') && one.includes(`${name}: `));
  expect(line).toContain(fix);
  expect(await bbb.ask(`cat ${metricsFile}`)).toContain(`{check="${name}",state="${state}"} 1`);
  return fix;
}

/** As root, as the admin has copied it. */
export async function paste(bbb: Machine, fix: string): Promise<void> {
  await bbb.ask(fix, { seconds: 180 });
}

interface Expectation {
  /** What the incident has held up. */
  held?: readonly Recording[];
  /** Of which PILOS' user finds the archives there, on its server or on the storage. */
  spoolDirectory?: string;
}

/**
 * BBB's worker delivers the next recording, the timer what was held up; PILOS' user reads and deletes every archive,
 * whole, once; and check finds nothing any more, which the admin hears.
 */
export async function expectAllWell(
  { bbb, pilos }: Site,
  { held = [], spoolDirectory = spool }: Expectation = {},
): Promise<void> {
  const next = await publish(bbb);
  expect(await callByWorker(bbb, next)).toMatchObject({ status: 0 });
  expect(await bbb.run(`systemctl start ${service}`, { seconds: 180 })).toMatchObject({ status: 0 });
  const all = [...held, next];
  for (const one of all)
    expect(await isWhole(bbb, one, pilos, `${spoolDirectory}/${one.archive}`)).toBe(true);
  await expectImports(pilos, all, spoolDirectory);
  // What PILOS has taken is confirmed, and nothing is sent again.
  expect(await bbb.run(`systemctl start ${service} ${checkService}`, { seconds: 180 })).toMatchObject({
    status: 0,
  });
  expect(await importSpool(pilos, spoolDirectory)).toEqual([]);
  // Without 'still there', which would name what check still finds.
  expect((await readNotified(bbb)).at(-1) ?? 'recovered ').toMatch(/^recovered (?:solved: [^;]*)?$/);
  expect(await bbb.ask('systemctl list-units --failed --no-legend --plain "*pilos*"')).toBe('');
}

async function expectImports(pilos: Machine, all: readonly Recording[], directory: string): Promise<void> {
  const names = (attempts: readonly ImportAttempt[]) =>
    attempts.map(
      ({ archive, result, formats }) => `${archive} ${result} ${formats.every((one) => one.isMoved)}`,
    );
  const attempts = names(await importSpool(pilos, directory)).sort();
  expect(attempts).toEqual(all.map(({ archive }) => `${archive} imported true`).sort());
}

/** In a cell of the table. */
export function command(fix: string): string {
  return `\`${fix.replaceAll('|', '\\|')}\``;
}
