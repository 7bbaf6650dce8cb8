/** `check --notify`, as its timer runs it: what has changed is reported once, and every problem is a metric. */
import { chmodSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { createCheckScene, useScene } from '../../support/check/check-scene.ts';
import { parseExposition, sampleOf } from '../../support/pilos/exposition.ts';

const scene = useScene(createCheckScene);
const place = (name: string) => join(scene().tree.root, 'notify', name);

beforeEach(async () => {
  await scene().sh(`install -d -o ${scene().bbb.name} ${place('')}`);
  const { workDir, spoolDir, pilosYml } = scene().tree;
  for (const name of ['notified', 'fail']) rmSync(place(name), { force: true });
  rmSync(join(workDir, 'check.json'), { force: true });
  const keys = {
    work_dir: workDir,
    spool_dir: spoolDir,
    notify: place('notify'),
    metrics_file: metricsFile(),
  };
  writeFileSync(
    pilosYml,
    Object.entries(keys)
      .map(([key, value]) => `${key}: ${value}\n`)
      .join(''),
  );
  const script = `#!/bin/sh
[ ! -e ${place('fail')} ] || exit 1
echo "$PILOS_POST_PUBLISH_EVENT $PILOS_POST_PUBLISH_EXIT_STATUS $PILOS_POST_PUBLISH_ERROR" >>${place('notified')}
`;
  writeFileSync(place('notify'), script);
  chmodSync(place('notify'), 0o755);
});

const metricsFile = () => place('pilos.prom');
const notified = () =>
  existsSync(place('notified')) ? readFileSync(place('notified'), 'utf8').split('\n').slice(0, -1) : [];
const asTimer = () => scene().check(['--quiet', '--notify']);
const problems = () =>
  parseExposition(readFileSync(metricsFile(), 'utf8')).get('pilos_post_publish_check_problems');
const breakSpool = () => scene().sh(`chmod 0755 ${scene().tree.spoolDir}`);
const repairSpool = () => scene().sh(`chmod 2775 ${scene().tree.spoolDir}`);

describe('check --notify', () => {
  it('notifies nobody while nothing is wrong, and says when it ran', async () => {
    const before = Math.floor(Date.now() / 1000);
    expect(await asTimer()).toMatchObject({ status: 0, stdout: '', stderr: '' });
    expect(notified()).toEqual([]);
    expect(problems()).toBeUndefined();
    const ran = sampleOf(
      readFileSync(metricsFile(), 'utf8'),
      'pilos_post_publish_last_check_timestamp_seconds',
      {},
    );
    expect(ran).toBeGreaterThanOrEqual(before);
  });

  it('reports a new problem once, with its fix, then that it is gone; meanwhile it is a metric', async () => {
    await breakSpool();
    for (const _ of ['today', 'tomorrow']) expect((await asTimer()).status).toBe(77);
    expect(notified()).toEqual([expect.stringMatching(/^check 77 spool_mode: .* \(fix: chmod .*\)$/)]);
    expect(problems()?.samples).toEqual([
      expect.objectContaining({ labels: { check: 'spool_mode', state: 'problem' }, value: 1 }),
    ]);
    await repairSpool();
    expect((await asTimer()).status).toBe(0);
    expect(notified()).toEqual([expect.anything(), 'recovered 0 solved: spool_mode']);
    expect(problems()).toBeUndefined();
  });

  it('reports again what nobody could be notified of', async () => {
    await breakSpool();
    writeFileSync(place('fail'), '');
    expect((await asTimer()).stderr).toContain('nobody was notified');
    rmSync(place('fail'));
    await asTimer();
    expect(notified()).toHaveLength(1);
    await repairSpool();
  });

  it('belongs to the timer: check alone remembers nothing and notifies nobody', async () => {
    await breakSpool();
    expect((await scene().check()).status).toBe(77);
    await repairSpool();
    expect(notified()).toEqual([]);
    expect(existsSync(join(scene().tree.workDir, 'check.json'))).toBe(false);
  });

  it('cannot say itself that its timer has stopped: deliver says it, once, and that it runs again', async () => {
    const { stateDir, sh, run } = scene();
    const deliver = () => run(['deliver']);
    await breakSpool();
    await asTimer();
    await sh(`echo static > ${stateDir}/check-timer`);
    for (const _ of ['now', 'again'])
      expect((await deliver()).stderr).toMatch(
        /-check\.timer: it is enabled, but does not run: .*: systemctl restart pilos-post-publish-check\.timer/,
      );
    const [, stopped] = notified();
    expect(stopped).toMatch(/^check 78 check_timer: .*; still there: spool_mode$/);
    await sh('systemctl restart pilos-post-publish-check.timer');
    expect((await deliver()).stderr).not.toContain('check.timer');
    expect(notified()).toEqual([
      expect.anything(),
      stopped,
      'recovered 0 solved: check_timer; still there: spool_mode',
    ]);
    await repairSpool();
    await asTimer();
    expect(notified().at(-1)).toBe('recovered 0 solved: spool_mode');
  });

  it('of which only a whole run of deliver takes notice', async () => {
    const { stateDir, sh, run } = scene();
    await sh(`echo static > ${stateDir}/check-timer`);
    for (const args of [['--dry-run'], ['--since', '1d'], ['--failed']])
      expect((await run(['deliver', ...args])).stderr).not.toContain('check.timer');
    await sh(`echo enabled > ${stateDir}/check-timer`);
    expect(notified()).toEqual([]);
  });

  it('fails without a pilos.yml, so that systemd lists it', async () => {
    const { pilosYml } = scene().tree;
    renameSync(pilosYml, place('kept.yml'));
    const { status, stdout } = await asTimer();
    renameSync(place('kept.yml'), pilosYml);
    expect({ status, stdout }).toMatchObject({ status: 78, stdout: expect.stringContaining(pilosYml) });
  });
});
