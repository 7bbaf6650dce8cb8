/** A real metrics file, read by Debian's node_exporter and Prometheus with the alerts and the dashboard of examples/. */
import { appendFileSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { projectDirectory } from '../../../build/project.ts';
import { useBbbTrees } from '../../support/bbb/use-bbb-trees.ts';
import { startMonitoring } from '../../support/program/monitoring.ts';
import { runProgram } from '../../support/program/run-program.ts';

const createTree = useBbbTrees();
const read = (name: string) => readFileSync(join(projectDirectory, 'examples', name), 'utf8');
const minute = 60_000;

/** Prometheus looks every second. */
async function until(action: () => Promise<boolean>): Promise<void> {
  while (!(await action())) await sleep(200);
}

it('raises an alert for what PILOS has refused and for what check finds, and none once they are gone', {
  timeout: 5 * minute,
}, async () => {
  const tree = createTree();
  const textfiles = join(tree.root, 'textfiles');
  mkdirSync(textfiles);
  const metricsFile = join(textfiles, 'pilos.prom');
  appendFileSync(tree.pilosYml, `metrics_file: ${metricsFile}\n`);
  const [good, refused] = [tree.addMeeting().id, tree.addMeeting().id];
  expect((await tree.run(['deliver'])).status).toBe(0);
  mkdirSync(join(tree.spoolDir, 'failed'));
  const archive = `${refused}-presentation.tar`;
  renameSync(join(tree.spoolDir, archive), join(tree.spoolDir, 'failed', archive));
  rmSync(join(tree.spoolDir, `${good}-presentation.tar`));
  expect((await tree.run(['deliver'])).status).toBe(0);
  // It finds something in a tree that is no whole server.
  expect((await tree.run(['check', '--quiet', '--notify'])).status).not.toBe(0);
  const { status, stderr } = await runProgram('promtool', ['check', 'metrics'], {
    input: readFileSync(metricsFile),
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });

  const monitoring = await startMonitoring(
    join(tree.root, 'prometheus'),
    textfiles,
    read('prometheus-alerts.yml'),
  );
  try {
    await until(async () => new Set((await monitoring.readAlerts()).map(({ name }) => name)).size > 1);
    const alerts = await monitoring.readAlerts();
    expect([...new Set(alerts.map(({ name }) => name))].sort()).toEqual([
      'PilosCheckProblem',
      'PilosRecordingsNeedSomebody',
    ]);
    const one = alerts.find(({ name }) => name === 'PilosRecordingsNeedSomebody');
    expect(one?.labels).toMatchObject({ state: 'refused', severity: 'warning' });

    // Every panel of the dashboard asks what Prometheus understands; a gauge is there at once.
    const { panels } = JSON.parse(read('grafana-dashboard.json')) as {
      panels: { targets: { expr: string }[] }[];
    };
    for (const { expr } of panels.flatMap(({ targets }) => targets)) {
      const found = await monitoring.query(
        expr.replaceAll('$instance', '.*').replaceAll('$__rate_interval', '1m'),
      );
      if (!/rate|increase|> 0/.test(expr)) expect(found, expr).not.toEqual([]);
    }

    // As the removal of the program does it.
    rmSync(metricsFile);
    await until(async () => (await monitoring.readAlerts()).length === 0);
    expect(await monitoring.query('{__name__=~"pilos_.*"}')).toEqual([]);
  } finally {
    await monitoring.stop();
  }
});
