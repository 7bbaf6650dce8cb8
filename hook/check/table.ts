/** The table of checks: what an entry is, what it decides, and the exit status that this makes. Pure. */
import { EXIT, type ExitStatus } from '../errors.ts';
import { sh } from '../system/shell-quote.ts';
import { escapeText } from '../terminal/escape.ts';

/** What has to be put right, in the order in which to do it: the set-up, then rights, then the spool itself. */
const statuses = [EXIT.config, EXIT.permission, EXIT.spool] as const;
export type CheckStatus = (typeof statuses)[number];

type Group = 'Configuration' | 'BigBlueButton' | 'Calls' | 'Spool' | 'Recordings';

/** What a check decides about what it was given. */
export type Verdict =
  | { state: 'ok' }
  /** There is nothing to check, or something else has to be put right first. */
  | { state: 'skipped'; reason: string }
  | { state: 'warning'; problem: string; fix?: string | undefined }
  | { state: 'problem'; problem: string; fix?: string | undefined; status: CheckStatus };

/** As `--json` prints it. */
export interface CheckResult {
  /** Names the check; the same in every version, so that monitoring can rely on it. */
  check: string;
  group: Group;
  state: Verdict['state'];
  title: string;
  problem?: string;
  /** A command for root's shell, or a sentence. */
  fix?: string;
}

export interface CheckReport {
  results: CheckResult[];
  exitStatus: ExitStatus;
}

export const ok: Verdict = { state: 'ok' };

export function skipped(reason: string): Verdict {
  return { state: 'skipped', reason };
}

export function warning(problem: string, fix?: string): Verdict {
  return { state: 'warning', problem, fix };
}

export function problem(status: CheckStatus, text: string, fix?: string): Verdict {
  return { state: 'problem', problem: text, fix, status };
}

/** A path that `user` may not read or enter. */
export function closed(user: string, verb: 'read' | 'enter', path: string): Verdict {
  const right = verb === 'read' ? 'a+rX' : 'a+x';
  return problem(EXIT.permission, `${user} cannot ${verb} ${path}`, sh`chmod ${right} ${path}`);
}

/** What a failed delivery's exit status means for the set-up. */
export function checkStatusOf({ exitStatus }: { exitStatus: ExitStatus }): CheckStatus {
  return exitStatus === EXIT.permission || exitStatus === EXIT.config ? exitStatus : EXIT.spool;
}

/** One entry of the table, about one thing, several or none. */
export interface Check<Facts> {
  check: string;
  group: Group;
  subjects: (facts: Facts) => Subject[];
}

interface Subject {
  title: string;
  after: readonly string[];
  decide: () => Verdict;
}

/** The same for all parts, or made from one of them. */
type Made<T, Part, Facts> = T | ((part: Part, facts: Facts) => T);

/**
 * @returns makes the entries of one group: `one` about a part of the facts, when that is there, `each` about several.
 *   `after` has the names of checks: while one of them has a problem, or is skipped for one, this one is skipped.
 */
export function definer<Facts>(group: Group) {
  const each = <Part>(
    check: string,
    of: (facts: Facts) => readonly Part[],
    title: Made<string, Part, Facts>,
    decide: (part: Part, facts: Facts) => Verdict,
    after: Made<readonly string[], Part, Facts> = [],
  ): Check<Facts> => ({
    check,
    group,
    subjects: (facts) =>
      of(facts).map((part) => ({
        title: typeof title === 'function' ? title(part, facts) : title,
        after: typeof after === 'function' ? after(part, facts) : after,
        decide: () => decide(part, facts),
      })),
  });
  const one = <Part>(
    check: string,
    of: (facts: Facts) => Part | undefined,
    title: Made<string, Part, Facts>,
    decide: (part: Part, facts: Facts) => Verdict,
    after: Made<readonly string[], Part, Facts> = [],
  ): Check<Facts> => {
    const parts = (facts: Facts): Part[] => [of(facts)].filter((part) => part !== undefined);
    return each(check, parts, title, decide, after);
  };
  return { one, each };
}

interface Decision {
  result: CheckResult;
  verdict: Verdict;
}

/** Takes the decisions of a table, in its order. */
export function decideTable<Facts>(table: readonly Check<Facts>[], facts: Facts): Decision[] {
  const broken = new Set<string>();
  return table.flatMap(({ check, group, subjects }) =>
    subjects(facts).map(({ title, after, decide }) => {
      const before = after.find((name) => broken.has(name));
      const verdict = before === undefined ? decide() : skipped(`fix ${before} first`);
      if (verdict.state === 'problem' || before !== undefined) broken.add(check);
      const { state } = verdict;
      const whole = state === 'skipped' ? `${title}: not checked, ${verdict.reason}` : title;
      const result: CheckResult = { check, group, state, title: escapeText(whole) };
      if ('problem' in verdict) result.problem = escapeText(verdict.problem);
      if ('fix' in verdict && verdict.fix !== undefined) result.fix = verdict.fix;
      return { verdict, result };
    }),
  );
}

/** 0 without a problem, else the first of 78, 77, 73 that a problem has. */
export function toReport(decisions: readonly Decision[]): CheckReport {
  const isNeeded = (status: CheckStatus) =>
    decisions.some(({ verdict }) => verdict.state === 'problem' && verdict.status === status);
  return {
    results: decisions.map(({ result }) => result),
    exitStatus: statuses.find(isNeeded) ?? EXIT.ok,
  };
}
