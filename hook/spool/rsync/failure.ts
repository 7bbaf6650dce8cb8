/** How a failed rsync or ssh is reported: exit status and stderr → what is wrong, what to do, and is it worth trying again. */
import { EXIT, ExpectedError } from '../../errors.ts';
import { quote } from '../../terminal/escape.ts';
import type { RsyncFacts, RsyncFailureCode, Rule } from './failure-rule.ts';
import { rsyncRules } from './rsync-rules.ts';
import { silentSshRules, sshRules } from './ssh-rules.ts';
import { connectionEnded, cutRules } from './status-rules.ts';

/** What is known of a child process that has failed. */
export interface RsyncResult {
  exitCode?: number | undefined;
  signal?: string | undefined;
  stderr: string;
}

/** A failure of rsync or ssh. */
export class RsyncFailure extends ExpectedError {
  declare readonly code: RsyncFailureCode;
  /** It is rsync or ssh on this server that has ended, before it connected. */
  readonly isHere: boolean;

  constructor(
    message: string,
    { code, exitStatus, fix, retryable = false, scope = 'spool', isHere = false }: RsyncFailureFacts,
  ) {
    super(message, { code, exitStatus, fix, retryable, scope });
    this.isHere = isHere;
  }

  /** Another transfer to the same directory is under way: rrsync allows one at a time. */
  get isLocked(): boolean {
    return this.code === 'transfer_under_way';
  }

  /** The server refuses to delete, and so to rename: the archive must be sent whole, under its name. */
  get isDeletionRefused(): boolean {
    return this.code === 'renaming_refused';
  }
}

type RsyncFailureFacts = Pick<Rule, 'code' | 'exitStatus' | 'retryable' | 'scope' | 'isHere'> & {
  fix: string;
};

/** What ssh says beside the reason of a failure; none of it is one. */
const notice =
  /^(?:unix_listener: |hostfile_replace_entries: |update_known_hosts: |Could not chdir to home directory |Warning: Permanently added |Warning: the (?:ECDSA|ED25519|RSA) host key|ControlSocket |mux_client_|Control socket connect|setlocale: |\S*bash: warning: setlocale).*$/gm;

/**
 * The reason for a failed run of rsync or ssh.
 *
 * @param phase `connection`: ssh alone has run; `transfer`: rsync, through a connection that stands; `cut`: the same, and
 *   that connection has died; undefined: both in one, so that each may be the one that has failed
 */
export function explainFailure(
  { exitCode, signal, stderr }: RsyncResult,
  facts: RsyncFacts,
  phase?: 'connection' | 'transfer' | 'cut',
): RsyncFailure {
  const said = stderr.replace(notice, '');
  const last = lastLine(said);
  const rules = {
    connection: [...sshRules, connectionEnded, ...silentSshRules],
    transfer: rsyncRules,
    cut: [...sshRules, ...cutRules, ...rsyncRules],
    both: [...sshRules, ...silentSshRules, ...rsyncRules],
  };
  const program = phase === 'connection' ? 'ssh' : 'rsync';
  for (const rule of rules[phase ?? 'both']) {
    if (rule.exitCodes !== undefined && !rule.exitCodes.includes(exitCode ?? -1)) continue;
    const match = rule.pattern === undefined ? [''] : said.match(rule.pattern);
    if (match === null) continue;
    const line = decidingLine(said, match) ?? last;
    // What the other side says may be lost with the connection.
    const words = line === '' ? `exit status ${exitCode}` : quote(line);
    return new RsyncFailure(`${rule.what(facts, match)} (${program}: ${words})`, {
      ...rule,
      fix: rule.fix(facts, match),
    });
  }
  const how = signal === undefined ? `exit status ${exitCode}` : `killed by ${signal}`;
  return new RsyncFailure(`${program} to ${facts.destination} failed, ${how} (${quote(last)})`, {
    code: phase === 'connection' ? 'ssh_failed' : 'rsync_failed',
    exitStatus: EXIT.temporary,
    retryable: signal === undefined,
    fix: 'run it by hand with --verbose',
  });
}

/** The line in which a rule has found its reason: whose words come last is a race of rsync's two processes. */
function decidingLine(said: string, match: readonly string[] & { index?: number }): string | undefined {
  if (match.index === undefined || match[0]?.trim() === '') return undefined;
  return said
    .slice(said.lastIndexOf('\n', match.index) + 1)
    .split(/\r?\n/)
    .at(0);
}

/** The line that says most where none decides: the last one that is not rsync's own summary. */
function lastLine(stderr: string): string {
  // ssh ends its lines as for a terminal in raw mode.
  const lines = stderr.split(/\r?\n/).filter((line) => line.trim() !== '');
  const meaningful = lines.filter(
    (line) => !/^rsync error: |connection unexpectedly closed|safe_write failed/.test(line),
  );
  return meaningful.at(-1) ?? lines.at(-1) ?? '';
}
