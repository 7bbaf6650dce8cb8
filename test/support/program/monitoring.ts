/** Debian's Prometheus and node_exporter, which read a directory of textfiles as on an admin's servers. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type RunningProgram, startProgram } from './run-program.ts';

interface Alert {
  name: string;
  labels: Record<string, string>;
}

export interface Monitoring {
  /** Alerts that are firing now. */
  readAlerts(): Promise<Alert[]>;
  /** Labels of what an expression finds; throws when Prometheus does not understand it. */
  query(expression: string): Promise<Record<string, string>[]>;
  stop(): Promise<void>;
}

/** @param rules the text of a file of alerts, which fire here as soon as they are true */
export async function startMonitoring(
  directory: string,
  textfiles: string,
  rules: string,
): Promise<Monitoring> {
  const [exporterPort, port] = [await findPort(), await findPort()];
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'alerts.yml'), rules.replace(/^( +for:) .*$/gm, '$1 0s'));
  writeFileSync(join(directory, 'prometheus.yml'), configuration(exporterPort));
  const programs = [
    startProgram('prometheus-node-exporter', [
      ...[
        '--collector.disable-defaults',
        '--collector.textfile',
        `--collector.textfile.directory=${textfiles}`,
      ],
      `--web.listen-address=127.0.0.1:${exporterPort}`,
    ]),
    startProgram('prometheus', [
      ...[`--config.file=${directory}/prometheus.yml`, `--storage.tsdb.path=${directory}/data`],
      `--web.listen-address=127.0.0.1:${port}`,
    ]),
  ];
  const ask = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/${path}`);
    const { data, error } = (await response.json()) as { data: Answer; error?: string };
    if (error !== undefined) throw new Error(`${path}: ${error}`);
    return data;
  };
  await untilAnswers(programs, () => ask('query?query=1'));
  return {
    readAlerts: async () => {
      const { alerts = [] } = await ask('alerts');
      const firing = alerts.filter(({ state }) => state === 'firing');
      return firing.map(({ labels: { alertname: name = '', ...labels } }) => ({ name, labels }));
    },
    query: async (expression) => {
      const { result = [] } = await ask(`query?query=${encodeURIComponent(expression)}`);
      return result.map(({ metric }) => metric);
    },
    stop: async () => {
      for (const { child, result } of programs) {
        child.kill('SIGTERM');
        await result;
      }
    },
  };
}

interface Answer {
  alerts?: { state: string; labels: Record<string, string> }[];
  result?: { metric: Record<string, string> }[];
}

function configuration(exporterPort: number): string {
  return `global: { scrape_interval: 1s, evaluation_interval: 1s }
rule_files: [alerts.yml]
scrape_configs:
  - job_name: node
    static_configs:
      - targets: ['127.0.0.1:${exporterPort}']
`;
}

/** One that is free; nobody else on this machine takes it in the moment until it is used. */
async function findPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port is free');
  return address.port;
}

async function untilAnswers(programs: readonly RunningProgram[], ask: () => Promise<unknown>): Promise<void> {
  let ended = '';
  for (const { result } of programs) void result.then(({ stderr }) => (ended = `it has ended: ${stderr}`));
  for (;;) {
    try {
      await ask();
      return;
    } catch (error) {
      if (ended !== '') throw new Error(ended, { cause: error });
      await sleep(100);
    }
  }
}
