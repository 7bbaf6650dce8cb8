/** The dashboard and the alerts of examples/ ask for metrics that there are, by labels that they have. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseMapping } from '../../../hook/config/yaml-mapping.ts';
import { formatMetrics } from '../../../hook/delivery/metrics-text.ts';
import { parseExposition } from '../../support/pilos/exposition.ts';

const examples = join(import.meta.dirname, '../../../examples');
const read = (name: string) => readFileSync(join(examples, name), 'utf8');

const counts = { deliveries: 1, failures: 1, bytes: 1, seconds: 1, lastSuccess: 1 };
const counters = {
  ...{ formats: { video: counts }, missing: 1, states: { refused: 1 }, recordings: { refused: 1 } },
  ...{ oldestWaiting: 1, lastRun: 1, lastCheck: 1 },
  problems: [{ check: 'spool_mode', state: 'problem', count: 1 }],
};
const families = parseExposition(formatMetrics(counters));

interface Target {
  expr: string;
  legendFormat: string;
}

interface Panel {
  id: number;
  title: string;
  datasource: { type: string; uid: string };
  gridPos: { x: number; y: number; w: number; h: number };
  targets: Target[];
}

interface Dashboard {
  schemaVersion: number;
  panels: Panel[];
  templating: { list: { name: string; type: string; query: unknown; definition?: string }[] };
}

interface Rule {
  alert: string;
  expr: string;
  for: string;
  annotations: { summary: string; description: string };
}

const dashboard = JSON.parse(read('grafana-dashboard.json')) as Dashboard;
const { groups } = parseMapping(read('prometheus-alerts.yml'), 'prometheus-alerts.yml') as {
  groups: { name: string; rules: Rule[] }[];
};
const rules = groups.flatMap((group) => group.rules);
const targets = dashboard.panels.flatMap((panel) => panel.targets);

/** Names of our metrics in a PromQL expression. */
function metricsOf(expression: string): string[] {
  return [...expression.matchAll(/\bpilos_\w+/g)].map(([name]) => name);
}

/** `sum by (format)`, `{format="video"}`: labels that an expression names. */
function labelsOf(expression: string): string[] {
  const grouped = [...expression.matchAll(/\b(?:by|without)\s*\(([^)]*)\)/g)].flatMap(([, list = '']) =>
    list.split(','),
  );
  const matched = [...expression.matchAll(/(\w+)\s*(?:=~|!~|!=|=)\s*"/g)].map(([, name = '']) => name);
  return [...grouped, ...matched].map((name) => name.trim());
}

describe('examples/grafana-dashboard.json', () => {
  it('is of a schema that current Grafana imports, with its data source to be chosen', () => {
    expect(dashboard.schemaVersion).toBeGreaterThanOrEqual(39);
    expect(dashboard.templating.list[0]).toMatchObject({
      name: 'datasource',
      type: 'datasource',
      query: 'prometheus',
    });
    for (const { datasource } of dashboard.panels)
      expect(datasource).toEqual({ type: 'prometheus', uid: `\${datasource}` });
  });

  it('asks in every expression for metrics that there are', () => {
    expect(targets.length).toBeGreaterThan(0);
    for (const { expr } of targets) {
      expect(metricsOf(expr), expr).not.toEqual([]);
      for (const name of metricsOf(expr)) expect([...families.keys()], expr).toContain(name);
    }
  });

  it('shows every metric', () => {
    const shown = new Set(targets.flatMap(({ expr }) => metricsOf(expr)));
    expect([...shown].sort()).toEqual([...families.keys()].sort());
  });

  it('takes rates of counters only, and never a gauge for one', () => {
    for (const { expr } of targets) {
      const rated = [...expr.matchAll(/\b(?:rate|increase)\((\w+)/g)].map(([, name = '']) => name);
      for (const name of metricsOf(expr)) {
        expect(rated.includes(name), `${name} in ${expr}`).toBe(families.get(name)?.type === 'counter');
      }
    }
  });

  it('groups and names by labels that the metrics have', () => {
    for (const { expr, legendFormat } of targets) {
      const grouped = /by \((\w+)\)/.exec(expr)?.[1];
      expect(legendFormat, expr).toBe(`{{${grouped}}}`);
      // Prometheus itself adds the instance.
      const known = metricsOf(expr).flatMap((name) =>
        Object.keys(families.get(name)?.samples[0]?.labels ?? {}),
      );
      for (const label of labelsOf(expr)) expect([...known, 'instance'], expr).toContain(label);
    }
  });

  it('uses no variable that is not defined, and lists servers by a metric that there is', () => {
    const defined = dashboard.templating.list.map(({ name }) => name);
    const used = [...JSON.stringify(dashboard.panels).matchAll(/\$\{?(\w+)/g)].map(([, name = '']) => name);
    for (const name of used) expect([...defined, '__rate_interval']).toContain(name);
    const definitions = dashboard.templating.list.flatMap(({ definition = '' }) => metricsOf(definition));
    expect(definitions).toEqual(['pilos_post_publish_deliveries_total']);
  });

  it('has panels that do not lie on each other, each with an id of its own', () => {
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)}/${y + Math.floor(cell / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(dashboard.panels.every(({ gridPos: { x, w } }) => x + w <= 24)).toBe(true);
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
  });
});

describe('examples/prometheus-alerts.yml', () => {
  it('asks for metrics that there are', () => {
    expect(rules.map(({ alert }) => alert)).toEqual([
      'PilosRecordingsMissing',
      'PilosDeliveriesFail',
      'PilosRecordingsNeedSomebody',
      'PilosImporterStuck',
      'PilosTimerDead',
      'PilosCheckProblem',
      'PilosCheckDead',
    ]);
    const names = rules.flatMap(({ expr }) => metricsOf(expr));
    expect(names.length).toBeGreaterThan(0);
    for (const name of names) expect([...families.keys()]).toContain(name);
  });

  it('waits longer than the timer before it says that recordings are missing', () => {
    expect(rules[0]).toMatchObject({ for: '1h' });
    expect(rules[0]?.expr).toMatch(/^pilos_post_publish_recordings_missing > 0$/);
  });

  it('says in each alert where and what to do', () => {
    for (const { annotations } of rules) {
      expect(annotations.summary).toContain('{{ $labels.instance }}');
      expect(annotations.description).toMatch(/pilos-post-publish/);
    }
  });
});
