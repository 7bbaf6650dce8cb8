/** What a check says, and the exit status that this makes. */
import { EXIT, type ExitStatus } from '../errors.ts';

/** What has to be put right: the set-up, rights, or the spool. */
export type CheckStatus = typeof EXIT.config | typeof EXIT.permission | typeof EXIT.spool;

export type Group = 'Configuration' | 'BigBlueButton' | 'Calls' | 'Spool' | 'Recordings';

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

/** The order in which to put things right: the set-up, then rights, then the spool itself. */
const order: readonly CheckStatus[] = [EXIT.config, EXIT.permission, EXIT.spool];

/** 0 without a problem, else the first of 78, 77, 73 that a problem has. */
export function worstStatus(verdicts: readonly Verdict[]): ExitStatus {
  const has = (status: CheckStatus) =>
    verdicts.some((one) => one.state === 'problem' && one.status === status);
  return order.find(has) ?? EXIT.ok;
}

/** What a failed delivery's exit status means for the set-up. */
export function checkStatusOf({ exitStatus }: { exitStatus: ExitStatus }): CheckStatus {
  return exitStatus === EXIT.permission || exitStatus === EXIT.config ? exitStatus : EXIT.spool;
}
