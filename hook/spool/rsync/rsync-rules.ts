/**
 * What fails behind ssh, or in a daemon: rsync's, rrsync's and the remote shell's words, in the order in which the
 * first that fits decides. Their last words may be lost with the connection; a rule for an exit status alone names
 * every reason that it can have.
 */
import { EXIT } from '../../errors.ts';
import { quote } from '../../terminal/escape.ts';
import { type Rule, silence } from './failure-rule.ts';

const createIt =
  'create it there, or correct spool_dir or RECORDING_SPOOL_SUB_DIRECTORY; it is never created from here. With a key that rrsync restricts, the path counts from the directory that authorized_keys names';
const giveIt = 'give it to the group pilos-spool there (chgrp pilos-spool, chmod 2775)';

const cleanShell = 'remove the output from ~/.bashrc or ~/.profile there, or restrict the key with rrsync';
const connectionLost = {
  code: 'connection_lost',
  exitStatus: EXIT.temporary,
  retryable: true,
  what: ({ host }) => `the connection to ${host} was lost`,
  fix: () => 'check the network and the log of sshd there',
} as const satisfies Rule;

const optionUnknown = {
  code: 'option_unknown',
  exitStatus: EXIT.config,
  what: () => 'rsync does not know an option',
  fix: () => 'correct extra_rsync_opts in pilos.yml, or update rsync on both servers',
} as const satisfies Rule;

const refusals: readonly Rule[] = [
  {
    pattern: /^(?:\S*rrsync error: )?Another instance of rrsync is already accessing/m,
    exitStatus: EXIT.temporary,
    retryable: true,
    code: 'transfer_under_way',
    scope: 'recording',
    what: ({ host }) => `${host} accepts one transfer at a time, and another one is under way`,
    fix: () => "put 'rrsync -wo -no-lock DIR' into authorized_keys there",
  },
  {
    pattern:
      /option --?(delete\S*|max-delete\S*|backup|b|suffix\S*) has been disabled|configured to refuse --(delete|backup|suffix)/,
    exitStatus: EXIT.config,
    code: 'renaming_refused',
    what: ({ host }) => `rsync on ${host} refuses to delete, and so to rename`,
    fix: () =>
      "remove '-no-del' from authorized_keys there, or '-no-overwrite', or delete and backup from 'refuse options' in rsyncd.conf",
  },
  {
    pattern: /rrsync error: invalid rsync-command syntax or options/,
    code: 'option_refused',
    exitStatus: EXIT.config,
    what: ({ host }) => `rsync on ${host} refuses an option`,
    fix: () => 'correct extra_rsync_opts in pilos.yml, or update rsync on both servers',
  },
  {
    pattern: /rrsync error: option (\S+) has been disabled|The server is configured to refuse (\S+)/,
    code: 'option_refused',
    exitStatus: EXIT.config,
    what: ({ host }, match) => `rsync on ${host} refuses the option ${quote(match[1] ?? match[2] ?? '')}`,
    fix: () => 'remove it from extra_rsync_opts in pilos.yml',
  },
  {
    pattern: /sending to read-only server is not allowed|module is read only/,
    code: 'spool_read_only',
    exitStatus: EXIT.permission,
    what: ({ host }) => `rsync on ${host} is read-only`,
    fix: () => "use 'rrsync -wo -no-lock DIR' in authorized_keys there, or 'read only = no' in rsyncd.conf",
  },
  {
    // Perl's rrsync (before rsync 3.2.4) takes an option that it does not know for the directory.
    pattern:
      /rrsync(?: error)?: Restricted directory does not exist|^FileNotFoundError: .*: '\/(?!.*\/bin\/rsync')/m,
    scope: 'destination',
    code: 'restricted_dir_missing',
    exitStatus: EXIT.spool,
    what: ({ host }) =>
      `rrsync on ${host} does not find its directory: it does not exist, or this rrsync is too old for -no-lock`,
    fix: () =>
      "look at the key's line in authorized_keys there: create the directory that it names; if it has -no-lock and 'file' says that rrsync is a Perl script, remove -no-lock, which that one does not need",
  },
];

const daemonRules: readonly Rule[] = [
  {
    pattern: /^@ERROR: auth failed on module/m,
    code: 'password_refused',
    exitStatus: EXIT.permission,
    what: ({ host }) => `the rsync daemon on ${host} refuses our user or password`,
    fix: () =>
      "write 'USER@' before the host in spool_dir and '--password-file=FILE' into extra_rsync_opts, as 'auth users' and 'secrets file' in rsyncd.conf there want them",
  },
  {
    pattern: /^@ERROR: access denied to \S+ from/m,
    code: 'address_refused',
    exitStatus: EXIT.permission,
    what: ({ host }) => `the rsync daemon on ${host} refuses this server's address`,
    fix: () => "add the address to 'hosts allow' in rsyncd.conf there",
  },
  {
    pattern: /^@ERROR: max connections \(-?\d+\) reached/m,
    code: 'too_many_connections',
    exitStatus: EXIT.temporary,
    retryable: true,
    scope: 'recording',
    what: ({ host }) => `the rsync daemon on ${host} has as many connections as it allows`,
    fix: () => "raise 'max connections' in rsyncd.conf there",
  },
  {
    pattern: /^@ERROR: Unknown module/m,
    code: 'remote_rsync_missing',
    exitStatus: EXIT.unavailable,
    what: ({ host }) => `the rsync daemon on ${host} has no such module`,
    fix: () => 'check spool_dir in pilos.yml',
  },
  {
    pattern: /^@ERROR: (?!ch(?:dir|root) failed)/m,
    code: 'module_unusable',
    exitStatus: EXIT.temporary,
    retryable: true,
    what: ({ destination }) => `the rsync daemon cannot use the module of ${destination}`,
    fix: () => 'correct the module in rsyncd.conf there',
  },
  {
    pattern: /^rsync: .*(?:getaddrinfo: |Name or service not known|Temporary failure in name resolution)/m,
    code: 'host_not_found',
    exitStatus: EXIT.temporary,
    retryable: true,
    what: ({ host }) => `the name ${host} cannot be resolved`,
    fix: () => 'check spool_dir in pilos.yml, and DNS',
  },
  {
    pattern: /^rsync: .*Connection refused/m,
    code: 'host_unreachable',
    exitStatus: EXIT.temporary,
    retryable: true,
    what: ({ host }) => `${host} refuses the connection`,
    fix: () => 'check that the rsync daemon runs there, its port and the firewall',
  },
  {
    pattern:
      /No route to host|Network is unreachable|Connection timed out|Operation timed out|timeout waiting for daemon connection/,
    code: 'host_unreachable',
    exitStatus: EXIT.temporary,
    retryable: true,
    what: ({ host }) => `${host} cannot be reached`,
    fix: () => 'check that it runs, the network and the firewall',
  },
];

const programs: readonly Rule[] = [
  {
    // Debian's rsync package only suggests python3, in which rrsync is written.
    pattern: /rrsync: (?:cannot execute: required file not found|[^\n]*bad interpreter)/,
    code: 'remote_rsync_missing',
    exitStatus: EXIT.unavailable,
    what: ({ host }) => `rrsync cannot run on ${host}, because python3 is missing there`,
    fix: () => "run 'apt-get install python3' there",
  },
  {
    pattern:
      /(?:rsync|rrsync): (?:command )?not found|rr?sync: No such file or directory|subprocess[\s\S]*FileNotFoundError|exec request failed/,
    code: 'remote_rsync_missing',
    exitStatus: EXIT.unavailable,
    what: ({ host }) => `rsync is not installed on ${host}`,
    fix: () => "run 'apt-get install rsync' there",
  },
];

const directoryRules: readonly Rule[] = [
  {
    pattern: /^rsync: .*(?:No space left on device|Disk quota exceeded|write failed on.*\(28\))/m,
    scope: 'destination',
    code: 'spool_full',
    exitStatus: EXIT.spool,
    what: ({ host }) => `the disk of ${host} is full`,
    fix: () => 'free some space there; PILOS may have stopped importing (look at Horizon and at failed/)',
  },
  {
    pattern:
      /(?:change_dir|chdir|mkdir|link_stat|stat destination)\S* .*(?:No such file or directory|Not a directory)|^@ERROR: ch(?:dir|root) failed/m,
    scope: 'destination',
    code: 'spool_dir_missing',
    exitStatus: EXIT.spool,
    what: ({ destination }) => `the directory ${destination} does not exist`,
    fix: () => createIt,
  },
  {
    pattern:
      /^rsync: .*(?:open ".*"(?: \(in \S+\))? failed: (?:No such file or directory|Invalid argument)|Permission denied|Read-only file system|Operation not permitted)|(?:post-realpath open failed|unable to chdir to restricted dir).*Permission denied|^PermissionError: /m,
    scope: 'destination',
    code: 'spool_not_writable',
    exitStatus: EXIT.permission,
    what: ({ destination }) => `the directory ${destination} is not writable`,
    fix: () => giveIt,
  },
];

const protocolRules: readonly Rule[] = [
  {
    pattern: /protocol version mismatch|is your shell clean/,
    code: 'shell_not_clean',
    exitStatus: EXIT.config,
    what: ({ host }) => `the login shell of ${host} prints something before rsync starts`,
    fix: () => cleanShell,
  },
  {
    pattern: /rrsync error: ([^\n]*)/,
    code: 'rrsync_refused',
    exitStatus: EXIT.config,
    what: ({ host }, match) => `rrsync on ${host} refuses: ${match[1] ?? ''}`,
    fix: () =>
      "check 'rrsync DIR' in authorized_keys there: spool_dir in pilos.yml must be a path within that DIR, without DIR itself",
  },
  {
    exitCodes: [30, 35],
    code: 'connection_stalled',
    exitStatus: EXIT.temporary,
    retryable: true,
    what: ({ host }) => `the connection to ${host} is stalled`,
    fix: () => 'check the network between the servers',
  },
  { pattern: /^rsync: on remote machine: .*(?:unknown|unrecognized|invalid) option/m, ...optionUnknown },
  { pattern: /(?:unknown|unrecognized|invalid) option/, ...optionUnknown, isHere: true },
];

/** In ssh's own words, which come when its connection ends. */
export const connectionEnded: Rule = {
  pattern:
    /^(?:(?:Shared )?[Cc]onnection (?:to|closed by|reset by) |client_loop: |Received disconnect|Disconnected|Timeout, server|packet_write|mux_)/m,
  exitCodes: [10, 12, 255],
  ...connectionLost,
};

/** For an exit status alone. */
const statusRules: readonly Rule[] = [
  {
    pattern: silence,
    exitCodes: [1],
    code: 'option_refused',
    exitStatus: EXIT.config,
    what: ({ host }) => `rsync on ${host} refuses an option, or to read what may only be written`,
    fix: () => "correct extra_rsync_opts in pilos.yml; look at 'write only' in rsyncd.conf there",
  },
  {
    pattern: silence,
    exitCodes: [3],
    scope: 'destination',
    code: 'spool_dir_unusable',
    exitStatus: EXIT.spool,
    what: ({ destination }) => `the directory ${destination} does not exist, or may not be entered`,
    fix: () => `if it exists there, ${giveIt}; if not, ${createIt}`,
  },
  {
    pattern: silence,
    exitCodes: [2],
    code: 'shell_not_clean',
    exitStatus: EXIT.config,
    what: ({ host }) =>
      `what ${host} sends is not rsync: its login shell prints something, or its rsync is too old`,
    fix: () => `${cleanShell}; look at 'rsync --version' there`,
  },
  connectionEnded,
  {
    exitCodes: [12],
    code: 'remote_rsync_silent',
    exitStatus: EXIT.temporary,
    retryable: true,
    what: ({ host }) =>
      `rsync on ${host} ended without saying why: it, rrsync or python3 is missing there, the key's line in authorized_keys is wrong, the directory is missing or may not be entered, an option or a second transfer is refused, or the connection was cut`,
    fix: () => "run 'pilos-post-publish check', and look at the log of sshd there",
  },
  {
    exitCodes: [126, 127],
    code: 'remote_rsync_missing',
    exitStatus: EXIT.unavailable,
    what: ({ host }) => `rsync cannot be run on ${host}`,
    fix: () => "run 'apt-get install rsync python3' there, and check the key's line in authorized_keys",
  },
  {
    pattern: silence,
    exitCodes: [14],
    code: 'ssh_missing',
    exitStatus: EXIT.unavailable,
    what: () => 'rsync could not start a program here: ssh is not installed, or memory or processes ran out',
    fix: () => "if 'ssh -V' fails, 'apt-get install openssh-client'; else look at 'free' and 'ulimit -u'",
  },
  { exitCodes: [10, 255], ...connectionLost },
  {
    exitCodes: [11, 14, 22, 23, 24, 25],
    scope: 'recording',
    code: 'spool_not_written',
    exitStatus: EXIT.io,
    retryable: true,
    what: ({ destination }) => `rsync could not write to ${destination}`,
    fix: () => `check the disk there, and whether it is full; if the directory is not writable, ${giveIt}`,
  },
];

/** Of a connection that stood and has died, whatever else is said. */
export const cutRules: readonly Rule[] = [{ exitCodes: [10, 12, 255], ...connectionLost }];

export const rsyncRules: readonly Rule[] = [
  ...refusals,
  ...daemonRules,
  ...programs,
  ...directoryRules,
  ...protocolRules,
  ...statusRules,
];
