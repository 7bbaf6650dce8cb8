/**
 * `make bench`: what the program costs, against PILOS' own script and against the least that the machine could
 * do, as ratios within one run. Writes a table to stdout and dist/bench.json.
 *
 *     node build/bench.ts [ROW ...]
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { type Row, rows } from './bench/rows.ts';
import { createScene } from './bench/scene.ts';
import { outputDirectory, readCommit } from './project.ts';

interface Line {
  row: number;
  work: string;
  against: string;
  figure: string;
  ratio: number;
  reach?: number | undefined;
  reached?: boolean | undefined;
  detail: string;
}

async function main(chosen: readonly string[]): Promise<void> {
  const wanted = rows.filter((row) => chosen.length === 0 || chosen.includes(String(row.number)));
  if (wanted.length === 0) throw new Error(`no row ${chosen.join(', ')}: there are 1 to ${rows.length}`);
  mkdirSync(outputDirectory, { recursive: true });
  const scene = createScene(outputDirectory);
  process.once('exit', scene.remove);
  process.once('SIGINT', () => process.exit(130));
  const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'processor'}, ${Math.round(totalmem() / 2 ** 30)} GiB`;
  print(`${machine}; medians of ratios, each pair run in turn\n`);
  print(format(['row', 'work', 'against', 'figure', 'ratio', 'reach', '', 'measured / other']));
  print(format(widths.map((width) => '-'.repeat(Math.max(width, 3)))));
  const lines: Line[] = [];
  for (const row of wanted) {
    for (const line of await runRow(row, scene)) {
      lines.push(line);
      print(describe(line));
    }
  }
  const report = { machine, commit: readCommit(), date: new Date().toISOString(), lines };
  writeFileSync(join(outputDirectory, 'bench.json'), `${JSON.stringify(report, null, 2)}\n`);
}

async function runRow(row: Row, scene: ReturnType<typeof createScene>): Promise<Line[]> {
  const figures = await row.run(scene);
  return figures.map(({ name, value, reach, detail }) => ({
    ...{ row: row.number, work: row.work, against: row.against, figure: name },
    ...{ ratio: value, reach, reached: reach === undefined ? undefined : value <= reach, detail },
  }));
}

function describe({ row, work, against, figure, ratio, reach, reached, detail }: Line): string {
  const cells = [
    String(row),
    work,
    against,
    figure,
    ratio.toFixed(3),
    String(reach ?? ''),
    reached === undefined ? '' : reached ? 'ok' : 'NOT',
    detail,
  ];
  return format(cells);
}

const widths = [3, 53, 24, 18, 7, 5, 3, 0];

/** A row of a Markdown table, which docs/benchmarks.md takes over as it is. */
function format(cells: readonly string[]): string {
  return `| ${cells.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join(' | ')} |`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

await main(process.argv.slice(2));
