/** Is this server set up right? Facts are gathered once; each entry of the tables decides about some of them. */
import type { ExitStatus } from '../errors.ts';
import { escapeText } from '../terminal/escape.ts';
import { accountChecks } from './account-checks.ts';
import { archiveChecks } from './archive-checks.ts';
import { callChecks } from './call-checks.ts';
import { configurationChecks } from './configuration-checks.ts';
import type { Check } from './define.ts';
import { directoryChecks } from './directory-checks.ts';
import type { Facts } from './facts.ts';
import { localSpoolChecks } from './local-spool-checks.ts';
import { recordingChecks } from './recording-checks.ts';
import { remoteSpoolChecks } from './remote-spool-checks.ts';
import { type CheckResult, type Verdict, worstStatus } from './result.ts';
import { workDirChecks } from './work-dir-checks.ts';

/** All checks, in the order in which they are shown. */
export const tables = {
  server: [...configurationChecks, ...accountChecks, ...directoryChecks, ...workDirChecks, ...callChecks],
  /** Of each spool. */
  spool: [...localSpoolChecks, ...remoteSpoolChecks, ...archiveChecks],
  recordings: recordingChecks,
};

export interface CheckReport {
  results: CheckResult[];
  exitStatus: ExitStatus;
}

/** Takes all decisions. Pure. */
export function decide(facts: Facts): CheckReport {
  return toReport([
    ...decideTable(tables.server, facts),
    ...facts.spools.flatMap((spool) => decideTable(tables.spool, { ...facts, ...spool })),
    ...decideTable(tables.recordings, facts),
  ]);
}

interface Decision {
  result: CheckResult;
  verdict: Verdict;
}

export function toReport(decisions: readonly Decision[]): CheckReport {
  return {
    results: decisions.map(({ result }) => result),
    exitStatus: worstStatus(decisions.map(({ verdict }) => verdict)),
  };
}

/** A check is skipped while one that it comes after has a problem, or is skipped for one. */
export function decideTable<F>(table: readonly Check<F>[], facts: F): Decision[] {
  const broken = new Set<string>();
  return table.flatMap((check) =>
    check.subjects(facts).map((subject) => {
      const before = subject.after.find((name) => broken.has(name));
      const verdict: Verdict =
        before === undefined ? subject.decide() : { state: 'skipped', reason: `fix ${before} first` };
      if (verdict.state === 'problem' || before !== undefined) broken.add(check.check);
      return { verdict, result: toResult(check, subject.title(), verdict) };
    }),
  );
}

function toResult(
  { check, group }: Pick<Check<never>, 'check' | 'group'>,
  title: string,
  verdict: Verdict,
): CheckResult {
  const { state } = verdict;
  if (state === 'ok') return { check, group, state, title: escapeText(title) };
  if (state === 'skipped') {
    return { check, group, state, title: escapeText(`${title}: not checked, ${verdict.reason}`) };
  }
  const { problem, fix } = verdict;
  const basis = { check, group, state, title: escapeText(title), problem: escapeText(problem) };
  return fix === undefined ? basis : { ...basis, fix };
}
