/** `metrics_file` and `on_failure` as the executable serves them, alone and twenty at once. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { BbbTree } from '../../support/bbb/bbb-tree.ts';
import { useBbbTrees } from '../../support/bbb/use-bbb-trees.ts';
import { parseExposition, sampleOf } from '../../support/pilos/exposition.ts';
import { readLog } from '../../support/program/traces.ts';

const createTree = useBbbTrees();

/** A server whose `pilos.yml` has these keys; `ROOT` in them is the tree's own directory. */
function createMonitoredTree(pilos: string, formats = ['presentation']): BbbTree {
  const tree = createTree({ formats });
  mkdirSync(join(tree.root, 'textfiles'));
  const text = readFileSync(tree.pilosYml, 'utf8');
  writeFileSync(tree.pilosYml, `${text}${pilos.replaceAll('ROOT', tree.root)}\n`);
  return tree;
}

const metricsSetting = 'metrics_file: ROOT/textfiles/pilos.prom';
const metricsFile = (tree: BbbTree) => join(tree.root, 'textfiles/pilos.prom');
const read = (tree: BbbTree, name: string, format: string | undefined = 'presentation') =>
  sampleOf(
    readFileSync(metricsFile(tree), 'utf8'),
    `pilos_post_publish_${name}`,
    format === '' ? {} : { format },
  );

describe('metrics_file', () => {
  it('counts deliveries, failures, bytes and seconds by format', async () => {
    const formats = ['presentation', 'video'];
    const tree = createMonitoredTree(metricsSetting, formats);
    const [first, second] = [tree.addMeeting({ formats }), tree.addMeeting({ formats })];
    const failing = tree.addMeeting({ subDir: 'missing' });
    const begin = Math.floor(Date.now() / 1000);
    for (const { id } of [first, second]) expect((await tree.run(['-m', id])).status).toBe(0);
    expect((await tree.run(['-m', failing.id])).status).toBe(73);
    expect([read(tree, 'deliveries_total'), read(tree, 'deliveries_total', 'video')]).toEqual([2, 2]);
    expect([read(tree, 'failures_total'), read(tree, 'failures_total', 'video')]).toEqual([1, 0]);
    const sizes = [first, second].map(({ id }) => statSync(join(tree.spoolDir, `${id}-video.tar`)).size);
    expect(read(tree, 'delivered_bytes_total', 'video')).toBe(sizes.reduce((sum, one) => sum + one, 0));
    expect(read(tree, 'delivery_seconds_total')).toBeGreaterThan(0);
    expect(read(tree, 'last_success_timestamp_seconds')).toBeGreaterThanOrEqual(begin);
    expect((statSync(metricsFile(tree)).mode & 0o777).toString(8)).toBe('644');
  });

  it('adds up over twenty runs at once, and a reader sees whole files only', async () => {
    const tree = createMonitoredTree(metricsSetting);
    const ids = Array.from({ length: 20 }, () => tree.addMeeting().id);
    let isOver = false;
    const runs = Promise.all(ids.map((id) => tree.run(['-m', id]))).finally(() => {
      isOver = true;
    });
    let looks = 0;
    while (!isOver) {
      await sleep(2);
      if (!existsSync(metricsFile(tree))) continue;
      parseExposition(readFileSync(metricsFile(tree), 'utf8'));
      looks += 1;
    }
    for (const { status, stderr } of await runs)
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(read(tree, 'deliveries_total')).toBe(20);
    expect(looks).toBeGreaterThan(0);
  });

  it('counts one delivery when two runs meet the same recording at once, and says what it found delivered', async () => {
    const tree = createMonitoredTree(metricsSetting);
    const { id } = tree.addMeeting();
    const runs = await Promise.all([['-m', id], ['deliver'], ['deliver']].map((args) => tree.run(args)));
    expect(runs.map(({ status }) => status)).toEqual([0, 0, 0]);
    expect(read(tree, 'deliveries_total')).toBe(1);
    const said = runs.slice(1).map(({ stdout }) => stdout.trim().split('\n').at(-1));
    for (const line of said)
      expect(line).toMatch(/^(1 delivered|0 delivered, 1 delivered before|nothing to deliver)$/);
    expect(said.filter((line) => line === '1 delivered').length).toBeLessThan(2);
  });

  it('reports what deliver has left missing, and that nothing is any more', async () => {
    const tree = createMonitoredTree(metricsSetting);
    for (const subDir of ['later', 'later', '']) tree.addMeeting({ subDir });
    expect((await tree.run(['deliver'])).status).toBe(73);
    expect(read(tree, 'recordings_missing', '')).toBe(2);
    mkdirSync(join(tree.spoolDir, 'later'));
    expect((await tree.run(['deliver'])).status).toBe(0);
    expect(read(tree, 'recordings_missing', '')).toBe(0);
  });

  it('counts formats apart from recordings, and says since when the oldest archive waits for PILOS', async () => {
    const formats = ['presentation', 'video'];
    const tree = createMonitoredTree(metricsSetting, formats);
    const { id } = tree.addMeeting({ formats });
    const begin = Math.floor(Date.now() / 1000);
    expect((await tree.run(['deliver'])).status).toBe(0);
    const countOf = (what: string, state: string) =>
      sampleOf(readFileSync(metricsFile(tree), 'utf8'), `pilos_post_publish_${what}`, { state });
    expect([countOf('formats', 'delivered'), countOf('recordings', 'delivered')]).toEqual([2, 1]);
    expect(read(tree, 'oldest_waiting_timestamp_seconds', '')).toBeGreaterThanOrEqual(begin);
    mkdirSync(join(tree.spoolDir, 'failed'));
    renameSync(join(tree.spoolDir, `${id}-video.tar`), join(tree.spoolDir, 'failed', `${id}-video.tar`));
    rmSync(join(tree.spoolDir, `${id}-presentation.tar`));
    expect((await tree.run(['deliver'])).status).toBe(0);
    const states = ['delivered', 'imported', 'refused'];
    expect(states.map((state) => countOf('formats', state))).toEqual([0, 1, 1]);
    expect(states.map((state) => countOf('recordings', state))).toEqual([0, 1, 1]);
    expect(read(tree, 'oldest_waiting_timestamp_seconds', '')).toBe(0);
  });

  it('has the time of the last whole run of deliver, which no call of BBB sets, and no part of a run', async () => {
    const tree = createMonitoredTree(metricsSetting);
    const [first, second] = [tree.addMeeting().id, tree.addMeeting().id];
    tree.addMeeting();
    for (const call of [
      ['-m', first],
      ['deliver', '-m', second],
      ['deliver', '--failed'],
    ]) {
      expect((await tree.run(call)).status).toBe(0);
      expect(read(tree, 'last_run_timestamp_seconds', '')).toBe(0);
    }
    const begin = Math.floor(Date.now() / 1000);
    expect((await tree.run(['deliver'])).status).toBe(0);
    expect(read(tree, 'last_run_timestamp_seconds', '')).toBeGreaterThanOrEqual(begin);
  });

  it('counts what was deleted before PILOS had it as lost, and not what was moved away', async () => {
    const tree = createMonitoredTree(metricsSetting);
    const count = (state: string) =>
      sampleOf(readFileSync(metricsFile(tree), 'utf8'), 'pilos_post_publish_formats', { state });
    const [deleted, unpublished] = [
      tree.addMeeting({ subDir: 'missing' }),
      tree.addMeeting({ subDir: 'away' }),
    ];
    expect((await tree.run(['deliver'])).status).toBe(73);
    expect([count('failed'), count('lost')]).toEqual([2, 0]);
    mkdirSync(join(tree.publishedDir, '../unpublished/presentation'), { recursive: true });
    renameSync(
      unpublished.published('presentation'),
      join(tree.publishedDir, '../unpublished/presentation', unpublished.id),
    );
    rmSync(deleted.published('presentation'), { recursive: true });
    rmSync(join(tree.recordingDir, 'raw', deleted.id), { recursive: true });
    expect((await tree.run(['deliver'])).status).toBe(0);
    expect([count('failed'), count('lost')]).toEqual([0, 1]);
    expect((await tree.run(['status', '--forget', deleted.id])).status).toBe(0);
    expect((await tree.run(['deliver'])).status).toBe(0);
    expect(count('lost')).toBe(0);
  });

  it('survives the deletion of the textfile, and starts again when its counts are broken', async () => {
    const tree = createMonitoredTree(metricsSetting);
    const [first, second, third] = [1, 2, 3].map(() => tree.addMeeting().id) as [string, string, string];
    expect((await tree.run(['-m', first])).status).toBe(0);
    rmSync(metricsFile(tree));
    expect((await tree.run(['-m', second])).status).toBe(0);
    expect(read(tree, 'deliveries_total')).toBe(2);
    writeFileSync(join(tree.workDir, 'metrics.json'), '{"formats":null}');
    expect(await tree.run(['-m', third])).toMatchObject({ status: 0, stderr: '' });
    expect(read(tree, 'deliveries_total')).toBe(1);
  });

  it('that cannot be written is only warned of', async () => {
    const tree = createMonitoredTree('metrics_file: ROOT/nowhere/pilos.prom');
    const { id } = tree.addMeeting();
    const { status, stderr } = await tree.run(['-m', id]);
    expect(status).toBe(0);
    expect(stderr).toMatch(
      /^pilos-post-publish: it is not counted: cannot write metrics_file \S+\/nowhere\/pilos\.prom: [^\n]+\n$/,
    );
    expect(tree.spoolFiles()).toEqual([`${id}-presentation.tar`]);
  });

  it('is not touched by a dry run', async () => {
    const tree = createMonitoredTree(metricsSetting);
    expect((await tree.run(['-m', tree.addMeeting().id, '--dry-run'])).status).toBe(0);
    expect(existsSync(metricsFile(tree))).toBe(false);
  });
});

/** Notes its arguments and our variables, a line for each call. */
function writeTeller(tree: BbbTree, end = 'exit 0'): () => string[] {
  const said = join(tree.root, 'notified');
  const script = join(tree.root, 'notify');
  writeFileSync(
    script,
    `#!/bin/sh\n{ echo "$@"; env | grep ^PILOS_POST_PUBLISH_ | sort; echo; } >> '${said}'\n${end}\n`,
  );
  chmodSync(script, 0o755);
  return () => (existsSync(said) ? readFileSync(said, 'utf8').split('\n\n').slice(0, -1) : []);
}

describe('on_failure', () => {
  it('is given what failed, and what is written for it in pilos.yml stays as it is', async () => {
    const tree = createMonitoredTree('on_failure: [ROOT/notify, "$(id)", "a b;c"]');
    const read = writeTeller(tree);
    const { id } = tree.addMeeting({ subDir: 'missing' });
    expect((await tree.run(['-m', id])).status).toBe(73);
    const [call = '', ...others] = read();
    expect(others).toEqual([]);
    expect(call).toContain('$(id) a b;c\n');
    for (const line of [`MEETING_ID=${id}`, `RECORD_ID=${id}`, 'FORMAT=presentation', 'EXIT_STATUS=73'])
      expect(call).toContain(`PILOS_POST_PUBLISH_${line}`);
    expect(call).toContain(`PILOS_POST_PUBLISH_DESTINATION=${tree.spoolDir}/missing\n`);
    expect(call).toMatch(/PILOS_POST_PUBLISH_ERROR=the spool directory \S+\/missing does not exist: /);
  });

  it('gets hostile values of a meeting on one line and literally', async () => {
    const tree = createMonitoredTree('on_failure: ROOT/notify');
    const read = writeTeller(tree);
    const { id } = tree.addMeeting({ subDir: '$(touch hacked)`x`\x1b[31m"\';\n../..' });
    expect((await tree.run(['-m', id])).status).toBe(65);
    expect(read()).toHaveLength(1);
    expect(read()[0]).toContain(`sub directory '$(touch hacked)\`x\``);
    expect(read()[0]).not.toMatch(/[^\P{Cc}\n]/u);
    expect(existsSync(join(tree.scriptsDir, 'hacked'))).toBe(false);
  });

  it('is not run again for the same failure, only for another one or after a success', async () => {
    const tree = createMonitoredTree('on_failure: [ROOT/notify]');
    const read = writeTeller(tree);
    const { id } = tree.addMeeting({ subDir: 'later' });
    for (const command of [['-m', id], ['deliver'], ['deliver', '--failed']])
      expect((await tree.run(command)).status).toBe(73);
    expect(read()).toHaveLength(1);
    writeFileSync(join(tree.spoolDir, 'later'), 'in the way');
    expect((await tree.run(['deliver'])).status).not.toBe(0);
    expect(read()).toHaveLength(2);
    rmSync(join(tree.spoolDir, 'later'));
    mkdirSync(join(tree.spoolDir, 'later'));
    expect((await tree.run(['deliver'])).status).toBe(0);
    expect(read()).toHaveLength(2);
    // PILOS takes the archive, and somebody asks for it again, where it cannot go.
    rmSync(join(tree.spoolDir, 'later', `${id}-presentation.tar`));
    expect((await tree.run(['deliver'])).status).toBe(0);
    rmSync(join(tree.spoolDir, 'later'), { recursive: true });
    expect((await tree.run(['-m', id, '--again'])).status).toBe(73);
    expect(read()).toHaveLength(3);
  });

  it('is not run for a success, a meeting of another front end or a dry run', async () => {
    const tree = createMonitoredTree('on_failure: [ROOT/notify]');
    const read = writeTeller(tree);
    expect((await tree.run(['-m', tree.addMeeting().id])).status).toBe(0);
    expect((await tree.run(['-m', tree.addMeeting({ origin: 'Greenlight' }).id])).status).toBe(0);
    expect((await tree.run(['-m', tree.addMeeting({ subDir: 'missing' }).id, '--dry-run'])).status).toBe(73);
    expect(read()).toEqual([]);
  });

  it.each([
    ['ends with 1', 'echo no mail >&2; exit 1', "ended with 1: 'no mail'"],
    ['hangs', 'sleep 600', 'took over 30 s'],
  ])('that %s is only warned of', async (_, end, how) => {
    const tree = createMonitoredTree('on_failure: [ROOT/notify]');
    writeTeller(tree, end);
    const { id } = tree.addMeeting({ subDir: 'missing' });
    const { status, stderr } = await tree.run(['-m', id]);
    expect(status).toBe(73);
    expect(stderr).toContain(`nobody was notified: notify '${tree.root}/notify' ${how}`);
    expect(readLog(tree).at(-1)).toContain(' WARN -- : nobody was notified');
  });
});
