/** The table of checks: what an entry is, what it decides, and the exit status that this makes. Pure. */
import { EXIT, type ExitStatus } from '../errors.ts';
import type { FreeSpace } from '../system/free-space.ts';
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
export function noAccess(user: string, verb: 'read' | 'enter', path: string): Verdict {
  const right = verb === 'read' ? 'a+rX' : 'a+x';
  return problem(EXIT.permission, `${user} cannot ${verb} ${path}`, sh`chmod ${right} ${path}`);
}

/** With fewer bytes, a recording may not fit. */
const littleSpace = 1e9;

/** @param needed bytes; without them nothing works, and `result` says what comes of it */
export function decideFreeSpace(
  { bytes, inodes }: FreeSpace,
  { needed, status, fix, result = '' }: { needed: number; status: CheckStatus; fix: string; result?: string },
): Verdict {
  if (inodes === 0) return problem(status, `no inode is free${result}`, fix);
  if (bytes < needed) return problem(status, `it is full${result}`, fix);
  return bytes < littleSpace ? warning('a recording may be larger', fix) : ok;
}

/** What a failed delivery's exit status means for the set-up. */
export function checkStatusOf({ exitStatus }: { exitStatus: ExitStatus }): CheckStatus {
  return exitStatus === EXIT.permission || exitStatus === EXIT.config ? exitStatus : EXIT.spool;
}

/** One row of the table: what is checked, and what was decided about it. */
export interface Row {
  check: string;
  group: Group;
  title: string;
  verdict: Verdict;
  /** Names of checks: while one of them has a problem, or is skipped for one, this one is skipped. */
  after: readonly string[];
}

/** @returns makes the rows of a group */
export function rowsOf(group: Group) {
  return (check: string, title: string, verdict: Verdict, after: readonly string[] = []): Row => {
    return { check, group, title, verdict, after };
  };
}

/** Without rows that do not apply here. */
export function applicable(...rows: (Row | false | undefined)[]): Row[] {
  return rows.filter((row) => row !== undefined && row !== false);
}

/** Skips what comes after a check with a problem. */
export function skipDependents(rows: readonly Row[]): Row[] {
  const broken = new Set<string>();
  return rows.map((row) => {
    const before = row.after.find((name) => broken.has(name));
    if (row.verdict.state === 'problem' || before !== undefined) broken.add(row.check);
    return before === undefined ? row : { ...row, verdict: skipped(`fix ${before} first`) };
  });
}

/** The exit status is 0 without a problem, else the first of 78, 77, 73 that a problem has. */
export function toReport(rows: readonly Row[]): CheckReport {
  const isNeeded = (status: CheckStatus) =>
    rows.some(({ verdict }) => verdict.state === 'problem' && verdict.status === status);
  return { results: rows.map(toResult), exitStatus: statuses.find(isNeeded) ?? EXIT.ok };
}

function toResult({ check, group, title, verdict }: Row): CheckResult {
  const { state } = verdict;
  if (state === 'ok') return { check, group, state, title: escapeText(title) };
  if (state === 'skipped')
    return { check, group, state, title: escapeText(`${title}: not checked, ${verdict.reason}`) };
  const { problem: text, fix } = verdict;
  const result = { check, group, state, title: escapeText(title), problem: escapeText(text) };
  return fix === undefined ? result : { ...result, fix };
}
