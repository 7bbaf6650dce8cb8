/** `check --notify`: what the last check found is kept in `work_dir`, and `notify` says what has changed since. */
import { readFileSync } from 'node:fs';
import { updateMetrics } from '../delivery/metrics.ts';
import { notify } from '../delivery/notify.ts';
import { tolerate } from '../delivery/result.ts';
import type { ConfiguredRun } from '../run.ts';
import { replaceFile } from '../system/work-dir.ts';
import { type CheckReport, type CheckResult, type Row, toReport } from './table.ts';

/** What one check has found; it may be about several things, such as sub directories. */
interface Finding {
  state: 'warning' | 'problem';
  count: number;
  problem: string;
  fix?: string | undefined;
}

/** Check → what it has found. The texts have numbers in them that change daily: they are no change. */
export type Findings = Record<string, Finding>;

/** Keeps the results, and runs `notify` when they are not those of the last time. */
export async function rememberResults(run: ConfiguredRun, report: CheckReport): Promise<void> {
  const before = readFindings(run);
  await keep(run, before, collectFindings(report.results, before), report.exitStatus, true);
}

/** As {@link rememberResults}, of one check: what is known of the others stays. */
export async function rememberOne(run: ConfiguredRun, row: Row): Promise<void> {
  const before = readFindings(run);
  const { results, exitStatus } = toReport([row]);
  const { [row.check]: _, ...others } = before;
  const now = { ...others, ...collectFindings(results, before) };
  if (describeChange(before, now) !== undefined) await keep(run, before, now, exitStatus, false);
}

async function keep(
  run: ConfiguredRun,
  before: Findings,
  now: Findings,
  exitStatus: number,
  isWhole: boolean,
): Promise<void> {
  await tolerate(run, 'the results are not counted', () =>
    updateMetrics(run.config, (counters) => {
      counters.problems = Object.entries(now).map(([check, { state, count }]) => ({ check, state, count }));
      if (isWhole) counters.lastCheck = Math.round(Date.now() / 1000);
    }),
  );
  if (!(await notifyChange(run, before, now, exitStatus))) return;
  await tolerate(run, 'the next check will notify again', () =>
    replaceFile(run.config.workDir, fileOf(run), `${JSON.stringify(now, null, 2)}\n`),
  );
}

const fileOf = ({ config }: ConfiguredRun) => `${config.workDir}/check.json`;

/** A check that is skipped until another problem is fixed has found nothing new: what it said before still counts. */
export function collectFindings(results: readonly CheckResult[], before: Findings): Findings {
  const skipped = results.filter(({ check, state }) => state === 'skipped' && before[check] !== undefined);
  const kept = skipped.map(({ check }) => [check, before[check]]);
  const found = Object.fromEntries(kept) as Findings;
  const named = Map.groupBy(results, ({ check }) => check);
  for (const [check, all] of named) {
    const wrong = all.filter((one) => one.state === 'problem' || one.state === 'warning');
    const worst = wrong.find(({ state }) => state === 'problem') ?? wrong[0];
    if (worst === undefined) continue;
    const { problem = '', fix } = worst;
    const state = worst.state === 'problem' ? 'problem' : 'warning';
    found[check] = { state, count: wrong.length, problem, fix };
  }
  return found;
}

/** What is new or worse, and what is gone; undefined without a change. */
export function describeChange(
  before: Findings,
  now: Findings,
): { event: 'check' | 'recovered'; text: string } | undefined {
  const appeared = Object.entries(now).filter(([check, finding]) => isNew(before[check], finding));
  const gone = Object.keys(before).filter((check) => now[check] === undefined);
  const eased = Object.keys(now).filter((check) => isNew(now[check], before[check]));
  const solved = [...gone, ...eased].filter((check) => !appeared.some(([name]) => name === check));
  if (appeared.length === 0 && solved.length === 0) return undefined;
  const sentences = appeared.map(([check, { problem, fix }]) => sentence(check, problem, fix));
  if (solved.length > 0) sentences.push(`solved: ${solved.join(', ')}`);
  const left = Object.keys(now).filter((check) => !appeared.some(([name]) => name === check));
  if (left.length > 0) sentences.push(`still there: ${left.join(', ')}`);
  return { event: appeared.length > 0 ? 'check' : 'recovered', text: sentences.join('; ') };
}

function isNew(before: Finding | undefined, now: Finding | undefined): boolean {
  if (now === undefined) return false;
  if (before === undefined || now.count > before.count) return true;
  return before.state === 'warning' && now.state === 'problem';
}

function sentence(check: string, problem: string, fix: string | undefined): string {
  return `${check}: ${problem}${fix === undefined ? '' : ` (fix: ${fix})`}`;
}

/** @returns true unless somebody should have been notified and was not */
async function notifyChange(
  run: ConfiguredRun,
  before: Findings,
  now: Findings,
  exitStatus: number,
): Promise<boolean> {
  const change = describeChange(before, now);
  if (change === undefined) return true;
  const nobody = { meetingId: '', recordId: '', format: '', destination: '' };
  return notify(run, { ...nobody, event: change.event, error: change.text, exitStatus });
}

function readFindings(run: ConfiguredRun): Findings {
  try {
    const read: unknown = JSON.parse(readFileSync(fileOf(run)).toString());
    return typeof read === 'object' && read !== null && !Array.isArray(read) ? (read as Findings) : {};
  } catch {
    return {};
  }
}
