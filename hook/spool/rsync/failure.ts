/** How a failed rsync is told: exit status and stderr → what is wrong, what to do, and is it worth trying again. */
import { type ErrorScope, EXIT, type ExitStatus, ExpectedError } from '../../errors.ts';
import { quote } from '../../terminal/escape.ts';

/** What execa reports of a child process, of which spawn failure, signal and exit status are different things. */
export interface RsyncResult {
  exitCode?: number | undefined;
  signal?: string | undefined;
  stderr: string;
}

export interface RsyncFacts {
  /** `[USER@]HOST:PATH/SUB` */
  destination: string;
  host: string;
}

/** What has failed, for who has to tell the failures apart: {@link RsyncFailure.kind}. */
export type RsyncFailureKind =
  | 'locked'
  | 'deletion refused'
  | 'option refused'
  | 'read-only'
  | 'host key changed'
  | 'host key unknown'
  | 'key refused'
  | 'password refused'
  | 'address refused'
  | 'occupied'
  | 'no such host'
  | 'unreachable'
  | 'ssh missing'
  | 'rsync missing'
  | 'disk full'
  | 'directory missing'
  | 'not writable'
  | 'noisy shell'
  | 'refused'
  | 'option unknown'
  | 'lost'
  | 'other';

/** A failure of rsync or ssh. */
export class RsyncFailure extends ExpectedError {
  readonly kind: RsyncFailureKind;
  /** Another transfer to the same directory is under way: rrsync allows one at a time. */
  readonly isLocked: boolean;
  /** The server refuses to delete, and so to rename: the archive must be sent whole, under its name. */
  readonly isDeletionRefused: boolean;

  constructor(
    message: string,
    rule: Pick<Rule, 'exitStatus' | 'retryable' | 'kind' | 'scope'> & { fix: string },
  ) {
    const { exitStatus, fix, retryable = false, scope = 'spool' } = rule;
    super(message, { exitStatus, fix, retryable, scope });
    this.kind = rule.kind ?? 'other';
    this.isLocked = rule.kind === 'locked';
    this.isDeletionRefused = rule.kind === 'deletion refused';
  }
}

interface Rule {
  /** Matched against stderr. */
  pattern?: RegExp;
  exitCodes?: readonly number[];
  exitStatus: ExitStatus;
  retryable?: boolean;
  kind?: RsyncFailureKind;
  /** Default: the whole host. */
  scope?: ErrorScope;
  what: (facts: RsyncFacts, match: readonly string[]) => string;
  fix: (facts: RsyncFacts, match: readonly string[]) => string;
}

const asUser = 'as the user bigbluebutton (sudo -u bigbluebutton -H ssh';
const createIt =
  'create it there, or correct spool_dir or RECORDING_SPOOL_SUB_DIRECTORY; it is never created from here';

/** The first rule that fits decides; what is specific stands before what is general. */
const rules: readonly Rule[] = [
  {
    pattern: /Another instance of rrsync is already accessing/,
    exitStatus: EXIT.temporary,
    retryable: true,
    kind: 'locked',
    scope: 'recording',
    what: ({ host }) => `${host} accepts one transfer at a time, and another one is under way`,
    fix: () => "put 'rrsync -wo -no-lock DIR' into authorized_keys there",
  },
  {
    pattern:
      /option --?(delete\S*|max-delete\S*|backup|suffix\S*) has been disabled|configured to refuse --(delete|backup|suffix)/,
    exitStatus: EXIT.config,
    kind: 'deletion refused',
    what: ({ host }) => `rsync on ${host} refuses to delete, and so to rename`,
    fix: () =>
      "remove '-no-del' from authorized_keys there, or delete and backup from 'refuse options' in rsyncd.conf",
  },
  {
    pattern: /rrsync error: option (\S+) has been disabled|The server is configured to refuse (\S+)/,
    kind: 'option refused',
    exitStatus: EXIT.config,
    what: ({ host }, match) => `rsync on ${host} refuses the option ${quote(match[1] ?? match[2] ?? '')}`,
    fix: () => 'remove it from extra_rsync_opts in pilos.yml',
  },
  {
    pattern: /sending to read-only server is not allowed|module is read only/,
    kind: 'read-only',
    exitStatus: EXIT.permission,
    what: ({ host }) => `rsync on ${host} is read-only`,
    fix: () => "use 'rrsync -wo -no-lock DIR' in authorized_keys there, or 'read only = no' in rsyncd.conf",
  },
  {
    pattern: /REMOTE HOST IDENTIFICATION HAS CHANGED/,
    kind: 'host key changed',
    exitStatus: EXIT.config,
    what: ({ host }) => `the ssh host key of ${host} has changed`,
    fix: ({ host }) =>
      `find out why, then remove the old key (ssh-keygen -R ${host}) and connect once ${asUser} ${host})`,
  },
  {
    pattern: /Host key verification failed/,
    kind: 'host key unknown',
    exitStatus: EXIT.config,
    what: ({ host }) => `the ssh host key of ${host} is not known`,
    fix: ({ host }) => `connect once ${asUser} ${host}) and accept the key`,
  },
  {
    pattern: /Permission denied \((?:publickey|keyboard|password|gssapi)[^)]*\)/,
    kind: 'key refused',
    exitStatus: EXIT.permission,
    what: ({ host }) => `${host} refuses our ssh key`,
    fix: () => 'check ~/.ssh/config and the key of the user bigbluebutton here, and authorized_keys there',
  },
  {
    pattern: /@ERROR: auth failed on module/,
    kind: 'password refused',
    exitStatus: EXIT.permission,
    what: ({ host }) => `the rsync daemon on ${host} refuses our user or password`,
    fix: () =>
      "write 'USER@' before the host in spool_dir and '--password-file=FILE' into extra_rsync_opts, as 'auth users' and 'secrets file' in rsyncd.conf there want them",
  },
  {
    pattern: /@ERROR: access denied to \S+ from/,
    kind: 'address refused',
    exitStatus: EXIT.permission,
    what: ({ host }) => `the rsync daemon on ${host} refuses this server's address`,
    fix: () => "add the address to 'hosts allow' in rsyncd.conf there",
  },
  {
    pattern: /@ERROR: max connections \(-?\d+\) reached/,
    kind: 'occupied',
    exitStatus: EXIT.temporary,
    retryable: true,
    scope: 'recording',
    what: ({ host }) => `the rsync daemon on ${host} has as many connections as it allows`,
    fix: () => "raise 'max connections' in rsyncd.conf there",
  },
  {
    pattern:
      /Could not resolve hostname|Name or service not known|Temporary failure in name resolution|getaddrinfo:/,
    kind: 'no such host',
    exitStatus: EXIT.temporary,
    retryable: true,
    what: ({ host }) => `the name ${host} cannot be resolved`,
    fix: () => 'check spool_dir in pilos.yml, ~/.ssh/config of the user bigbluebutton, and DNS',
  },
  {
    pattern: /Connection refused/,
    kind: 'unreachable',
    exitStatus: EXIT.temporary,
    retryable: true,
    what: ({ host }) => `${host} refuses the connection`,
    fix: () => 'check that sshd runs there, its port and the firewall',
  },
  {
    pattern:
      /No route to host|Network is unreachable|Connection timed out|Operation timed out|timed out during banner|timeout waiting for daemon connection/,
    kind: 'unreachable',
    exitStatus: EXIT.temporary,
    retryable: true,
    what: ({ host }) => `${host} cannot be reached`,
    fix: () => 'check that it runs, the network and the firewall',
  },
  {
    pattern: /Failed to exec ssh|Failed to exec \S*ssh|exec \S*ssh: No such file/,
    kind: 'ssh missing',
    exitStatus: EXIT.unavailable,
    what: () => 'ssh is not installed',
    fix: () => 'apt-get install openssh-client',
  },
  {
    // Debian's rsync package only suggests python3, in which rrsync is written.
    pattern: /rrsync: (?:cannot execute: required file not found|[^\n]*bad interpreter)/,
    kind: 'rsync missing',
    exitStatus: EXIT.unavailable,
    what: ({ host }) => `rrsync cannot run on ${host}, because python3 is missing there`,
    fix: () => "run 'apt-get install python3' there",
  },
  {
    pattern:
      /(?:rsync|rrsync): (?:command )?not found|rr?sync: No such file or directory|subprocess[\s\S]*FileNotFoundError|exec request failed|Unknown module/,
    kind: 'rsync missing',
    exitStatus: EXIT.unavailable,
    what: ({ host }, match) =>
      match[0]?.includes('module')
        ? `the rsync daemon on ${host} has no such module`
        : `rsync is not installed on ${host}`,
    fix: (_, match) =>
      match[0]?.includes('module') ? 'check spool_dir in pilos.yml' : "run 'apt-get install rsync' there",
  },
  {
    pattern: /No space left on device|Disk quota exceeded|write failed on.*\(28\)/,
    scope: 'destination',
    kind: 'disk full',
    exitStatus: EXIT.spool,
    what: ({ host }) => `the disk of ${host} is full`,
    fix: () => 'free some space there; PILOS may have stopped importing (look at Horizon and at failed/)',
  },
  {
    pattern:
      /(?:change_dir|chdir|mkdir|link_stat|stat destination)\S* .*(?:No such file or directory|Not a directory)|FileNotFoundError: .*: '\/|Restricted directory does not exist|@ERROR: ch(?:dir|root) failed/,
    scope: 'destination',
    kind: 'directory missing',
    exitStatus: EXIT.spool,
    what: ({ destination }) => `the directory ${destination} does not exist`,
    fix: () => createIt,
  },
  {
    pattern:
      /open ".*"(?: \(in \S+\))? failed: (?:No such file or directory|Invalid argument)|Permission denied \(13\)|Read-only file system|Operation not permitted|failed: Permission denied|(?:post-realpath open failed|unable to chdir to restricted dir).*Permission denied|PermissionError: /,
    scope: 'destination',
    kind: 'not writable',
    exitStatus: EXIT.permission,
    what: ({ destination }) => `the directory ${destination} is not writable`,
    fix: () => 'give it to the group pilos-spool there (chgrp pilos-spool, chmod 2775)',
  },
  {
    pattern: /protocol version mismatch|is your shell clean/,
    kind: 'noisy shell',
    exitStatus: EXIT.config,
    what: ({ host }) => `the login shell of ${host} prints something before rsync starts`,
    fix: () => 'remove the output from ~/.bashrc or ~/.profile there, or restrict the key with rrsync',
  },
  {
    pattern: /rrsync error: ([^\n]*)/,
    kind: 'refused',
    exitStatus: EXIT.config,
    what: ({ host }, match) => `rrsync on ${host} refuses: ${match[1] ?? ''}`,
    fix: () => "check 'rrsync DIR' in authorized_keys there",
  },
  {
    exitCodes: [30, 35],
    kind: 'lost',
    exitStatus: EXIT.temporary,
    retryable: true,
    what: ({ host }) => `the connection to ${host} is stalled`,
    fix: () => 'check the network between the servers',
  },
  {
    pattern: /(?:unknown|unrecognized) option|invalid option|syntax or usage error/,
    kind: 'option unknown',
    exitStatus: EXIT.config,
    what: () => 'rsync does not know an option',
    fix: () => 'correct extra_rsync_opts in pilos.yml, or update rsync on both servers',
  },
  {
    // rsync's status for a directory that it cannot enter, whose message can get lost with the connection.
    pattern: /^(?:rsync error: .*\s*)?$/,
    exitCodes: [3],
    scope: 'destination',
    kind: 'directory missing',
    exitStatus: EXIT.spool,
    what: ({ destination }) => `the directory ${destination} does not exist`,
    fix: () => createIt,
  },
  {
    exitCodes: [10, 12, 255],
    kind: 'lost',
    exitStatus: EXIT.temporary,
    retryable: true,
    what: ({ host }) => `the connection to ${host} was lost`,
    fix: () => 'check the network and the log of sshd there',
  },
  {
    exitCodes: [11, 14, 22, 23, 24, 25],
    scope: 'recording',
    exitStatus: EXIT.io,
    retryable: true,
    what: ({ destination }) => `rsync could not write to ${destination}`,
    fix: () => 'check the disk there, and whether it is full',
  },
];

/** The reason for a failed run of rsync. */
export function explainFailure(result: RsyncResult, facts: RsyncFacts): RsyncFailure {
  const last = lastLine(result.stderr);
  for (const rule of rules) {
    if (rule.exitCodes !== undefined && !rule.exitCodes.includes(result.exitCode ?? -1)) continue;
    const match = rule.pattern === undefined ? [''] : result.stderr.match(rule.pattern);
    if (match === null) continue;
    // What the other side says may be lost with the connection.
    const said = last === '' ? `exit status ${result.exitCode}` : quote(last);
    const message = `${rule.what(facts, match)} (rsync: ${said})`;
    return new RsyncFailure(message, { ...rule, fix: rule.fix(facts, match) });
  }
  const how = result.signal === undefined ? `exit status ${result.exitCode}` : `killed by ${result.signal}`;
  return new RsyncFailure(`rsync to ${facts.destination} failed, ${how} (${quote(last)})`, {
    exitStatus: EXIT.temporary,
    retryable: result.signal === undefined,
    fix: 'run it by hand with --verbose',
  });
}

/** The line that says most: the last one that is not rsync's own summary. */
function lastLine(stderr: string): string {
  // ssh ends its lines as for a terminal in raw mode.
  const lines = stderr.split(/\r?\n/).filter((line) => line.trim() !== '');
  const telling = lines.filter((line) => !/^rsync error: |connection unexpectedly closed/.test(line));
  return telling.at(-1) ?? lines.at(-1) ?? '';
}
