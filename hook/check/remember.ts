/** `check --notify`: what the last check found is kept in `work_dir`, and `notify` says what has changed since. */
import { readFileSync } from 'node:fs';
import { isMapping } from '../config/yaml-mapping.ts';
import { updateMetrics } from '../delivery/metrics.ts';
import { notify } from '../delivery/notify.ts';
import { tolerate } from '../delivery/result.ts';
import type { ConfiguredRun } from '../run.ts';
import { replaceFile } from '../system/work-dir.ts';
import type { CheckReport, CheckResult } from './table.ts';

/** What one check has found; it may be about several things, such as sub directories. */
interface Finding {
  state: 'warning' | 'problem';
  count: number;
  problem: string;
  fix: string;
}

/** Check → what it has found. The texts have numbers in them that change daily: they are no change. */
export type Findings = Record<string, Finding>;

/**
 * Counts the results, runs `notify` when they are not those of the last time, and keeps them.
 *
 * @param isWhole of all checks; false: what is known of the others stays
 */
export async function rememberResults(
  run: ConfiguredRun,
  { results, exitStatus }: CheckReport,
  isWhole = true,
): Promise<void> {
  const { config } = run;
  const file = `${config.workDir}/check.json`;
  const before = readFindings(file);
  const isOther = (check: string) => !isWhole && results.every((one) => one.check !== check);
  const others = Object.fromEntries(Object.entries(before).filter(([check]) => isOther(check)));
  const now = { ...others, ...collectFindings(results, before) };
  const change = describeChange(before, now);
  if (change === undefined && !isWhole) return;
  await tolerate(run, 'the results are not counted', () =>
    updateMetrics(config, (counters) => {
      counters.problems = Object.entries(now).map(([check, { state, count }]) => ({ check, state, count }));
      if (isWhole) counters.lastCheck = Math.round(Date.now() / 1000);
    }),
  );
  if (change === undefined) return;
  const nobody = { meetingId: '', recordId: '', format: '', destination: '' };
  const { event, text: error } = change;
  if (!(await notify(run, { ...nobody, event, error, exitStatus }))) return;
  await tolerate(run, 'the next check will notify again', () =>
    replaceFile(config.workDir, file, `${JSON.stringify(now, null, 2)}\n`),
  );
}

/** A check that is skipped until another problem is fixed has found nothing new: what it said before still counts. */
export function collectFindings(results: readonly CheckResult[], before: Findings): Findings {
  const found: Findings = {};
  for (const [check, all] of Map.groupBy(results, (one) => one.check)) {
    const wrong = all.filter(({ state }) => state === 'problem' || state === 'warning');
    const worst = wrong.find(({ state }) => state === 'problem') ?? wrong[0];
    const known = all.some(({ state }) => state === 'skipped') ? before[check] : undefined;
    if (worst !== undefined) {
      const { problem = '', fix = '' } = worst;
      found[check] = { state: worst.state as Finding['state'], count: wrong.length, problem, fix };
    } else if (known !== undefined) found[check] = known;
  }
  return found;
}

/** What is new or worse, and what is gone; undefined without a change. */
export function describeChange(
  before: Findings,
  now: Findings,
): { event: 'check' | 'recovered'; text: string } | undefined {
  const appeared = Object.entries(now).filter(([check, finding]) => isNew(before[check], finding));
  const isSilent = (check: string) => appeared.every(([name]) => name !== check);
  const left = Object.keys(now).filter(isSilent);
  const gone = Object.keys(before).filter((check) => now[check] === undefined);
  const solved = [...gone, ...left.filter((check) => isNew(now[check], before[check]))];
  if (appeared.length === 0 && solved.length === 0) return undefined;
  const sentences = appeared.map(([check, { problem, fix }]) => `${check}: ${problem} (fix: ${fix})`);
  if (solved.length > 0) sentences.push(`solved: ${solved.join(', ')}`);
  if (left.length > 0) sentences.push(`still there: ${left.join(', ')}`);
  return { event: appeared.length > 0 ? 'check' : 'recovered', text: sentences.join('; ') };
}

function isNew(before: Finding | undefined, now: Finding | undefined): boolean {
  if (now === undefined) return false;
  if (before === undefined || now.count > before.count) return true;
  return before.state === 'warning' && now.state === 'problem';
}

function readFindings(file: string): Findings {
  try {
    const read: unknown = JSON.parse(readFileSync(file).toString());
    return isMapping(read) ? (read as Findings) : {};
  } catch {
    return {};
  }
}
