/** One thing that `check` has looked at, and how it was found. */
import { EXIT, type ExitStatus } from '../errors.ts';
import { escapeText } from '../terminal/escape.ts';

export type FindingState = 'ok' | 'warning' | 'problem' | 'skipped';

/** What ends `check` with a status other than 0: what has to be mended in the set-up, in rights, in the spool. */
export type CheckStatus = typeof EXIT.config | typeof EXIT.permission | typeof EXIT.spool;

/** As `--json` prints it. */
export interface Finding {
  group: string;
  /** Names what was looked at; the same in every version, so that a monitoring can rely on it. */
  id: string;
  state: FindingState;
  looked_at: string;
  problem?: string;
  /** A command for `sh`, run as root: here, or on `remedy_host` when that is given. */
  fix?: string;
  remedy_host?: string;
  exit_status?: CheckStatus;
}

/** A finding before its group is known. */
export type Look = Omit<Finding, 'group'>;

/** A command that mends; `host` when it has to be run on another server. */
export interface Fix {
  command: string;
  host?: string;
}

/** What is wrong, and what mends it where a command can. */
export interface Trouble {
  problem: string;
  fix?: string | Fix | undefined;
}

export function ok(id: string, lookedAt: string): Look {
  return { id, state: 'ok', looked_at: escapeText(lookedAt) };
}

/** Something else has to be mended before this can be looked at, or there is nothing to look at here. */
export function skipped(id: string, lookedAt: string, reason: string): Look {
  return { id, state: 'skipped', looked_at: escapeText(`${lookedAt}: not looked at, ${reason}`) };
}

export function warning(id: string, lookedAt: string, trouble: Trouble): Look {
  return { id, state: 'warning', looked_at: escapeText(lookedAt), ...told(trouble) };
}

export function problem(id: string, lookedAt: string, status: CheckStatus, trouble: Trouble): Look {
  return {
    id,
    state: 'problem',
    looked_at: escapeText(lookedAt),
    ...told(trouble),
    exit_status: status,
  };
}

function told({ problem: wrong, fix }: Trouble): Pick<Finding, 'problem' | 'fix' | 'remedy_host'> {
  const { command, host } = typeof fix === 'string' ? { command: fix, host: undefined } : (fix ?? {});
  return {
    problem: escapeText(wrong),
    ...(command === undefined ? {} : { fix: command }),
    ...(host === undefined ? {} : { remedy_host: host }),
  };
}

export function inGroup(group: string, looks: readonly Look[]): Finding[] {
  return looks.map((look) => ({ group, ...look }));
}

/** The order in which to mend, and so which status counts: what is set up, who may, then the spool itself. */
const order: readonly CheckStatus[] = [EXIT.config, EXIT.permission, EXIT.spool];

/** 0 without a problem, else the first of 78, 77, 73 that a problem has. */
export function worstStatus(findings: readonly Pick<Finding, 'exit_status'>[]): ExitStatus {
  return order.find((status) => findings.some((finding) => finding.exit_status === status)) ?? EXIT.ok;
}

/** What a failure of a station means for the set-up. */
export function checkStatusOf({ exitStatus }: { exitStatus: ExitStatus }): CheckStatus {
  if (exitStatus === EXIT.permission || exitStatus === EXIT.config) return exitStatus;
  return EXIT.spool;
}

/** True when one of these has a problem of this id. */
export function hasProblem(looks: readonly Look[], ...ids: string[]): boolean {
  return looks.some((look) => look.state === 'problem' && ids.includes(look.id));
}
