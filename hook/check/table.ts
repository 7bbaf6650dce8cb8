/** The table of checks: what an entry is, what it decides, and the exit status that this makes. Pure. */
import { EXIT, type ExitStatus, type ExpectedError } from '../errors.ts';
import type { FreeSpace } from '../system/free-space.ts';
import { sh } from '../system/shell-quote.ts';
import { escapeText } from '../terminal/escape.ts';

/** What has to be put right, in the order in which to do it: the set-up, then rights, then the spool itself. */
const statuses = [EXIT.config, EXIT.permission, EXIT.spool] as const;
export type CheckStatus = (typeof statuses)[number];

type Group = 'Configuration' | 'BigBlueButton' | 'Calls' | 'Spool' | 'Recordings';

export interface Problem {
  state: 'problem';
  problem: string;
  /** A command for root's shell, or a sentence. */
  fix: string;
  status: CheckStatus;
}

/** What a check decides about what it was given. */
export type Verdict =
  | { state: 'ok' }
  /** There is nothing to check, or something else has to be put right first. */
  | { state: 'skipped'; reason: string }
  | { state: 'warning'; problem: string; fix: string }
  | Problem;

/** As `--json` prints it. */
export interface CheckResult {
  /** Names the check; the same in every version, so that monitoring can rely on it. */
  check: string;
  group: Group;
  state: Verdict['state'];
  title: string;
  /** Of a warning and a problem, as `fix`. */
  problem?: string;
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

export function warning(problem: string, fix: string): Verdict {
  return { state: 'warning', problem, fix };
}

type Failure = Pick<ExpectedError, 'exitStatus' | 'message' | 'fix'>;

const problemWith = (status: CheckStatus) => (problem: string, fix: string) =>
  ({ state: 'problem', problem, fix, status }) satisfies Problem;

export const problem = {
  setUp: problemWith(EXIT.config),
  rights: problemWith(EXIT.permission),
  spool: problemWith(EXIT.spool),
  /** A delivery would fail with this. @param otherwise what it counts as when it is neither the set-up nor rights */
  of({ exitStatus, message, fix }: Failure, otherwise: CheckStatus = EXIT.spool): Problem {
    const isKnown = exitStatus === EXIT.config || exitStatus === EXIT.permission;
    return problemWith(isKnown ? exitStatus : otherwise)(message, fix);
  },
};

/** A path that `user` may not read or enter. */
export function noAccess(user: string, verb: 'read' | 'enter', path: string): Verdict {
  const right = verb === 'read' ? 'a+rX' : 'a+x';
  return problem.rights(`${user} cannot ${verb} ${path}`, sh`chmod ${right} ${path}`);
}

/** With fewer bytes, a recording may not fit. */
const littleSpace = 1e9;

/** @param needed bytes, without which nothing works */
export function decideFreeSpace(
  { bytes, inodes }: FreeSpace,
  needed: number,
  problemWith: typeof problem.spool,
  fix: string,
): Verdict {
  if (inodes === 0) return problemWith('no inode is free', fix);
  if (bytes < needed) return problemWith('it is full', fix);
  return bytes < littleSpace ? warning('a recording may be larger', fix) : ok;
}

/** One row of the table: what is checked, and what was decided about it. */
export interface Row {
  check: string;
  title: string;
  verdict: Verdict;
  /** Names of checks: while one of them has a problem, or is skipped for one, this one is skipped. */
  after: readonly string[];
}

type GroupedRow = Row & { group: Group };

/** Some do not apply here. */
export type Rows = readonly (Row | false | undefined)[];

export function row(check: string, title: string, verdict: Verdict, after: readonly string[] = []): Row {
  return { check, title, verdict, after };
}

/** Takes rows into the table, and skips what comes after a check with a problem. */
export function skipDependents(groups: readonly [Group, Rows][]): GroupedRow[] {
  const broken = new Set<string>();
  const all = groups.flatMap(([group, rows]) => rows.map((row) => row && { ...row, group }));
  return all
    .filter((row) => row !== undefined && row !== false)
    .map((row) => {
      const before = row.after.find((name) => broken.has(name));
      if (row.verdict.state === 'problem' || before !== undefined) broken.add(row.check);
      return before === undefined ? row : { ...row, verdict: skipped(`fix ${before} first`) };
    });
}

/** The exit status is 0 without a problem, else the first of 78, 77, 73 that a problem has. */
export function toReport(rows: readonly GroupedRow[]): CheckReport {
  const isNeeded = (status: CheckStatus) =>
    rows.some(({ verdict }) => verdict.state === 'problem' && verdict.status === status);
  return { results: rows.map(toResult), exitStatus: statuses.find(isNeeded) ?? EXIT.ok };
}

function toResult({ check, group, title, verdict }: GroupedRow): CheckResult {
  const shown = verdict.state === 'skipped' ? `${title}: not checked, ${verdict.reason}` : title;
  const result = { check, group, state: verdict.state, title: escapeText(shown) };
  if (!('problem' in verdict)) return result;
  return { ...result, problem: escapeText(verdict.problem), fix: verdict.fix };
}
