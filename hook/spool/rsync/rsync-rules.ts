/**
 * What fails behind ssh, or in a daemon: rsync's, rrsync's and the remote shell's words, in the order in which the
 * first that fits decides. Their last words may be lost with the connection; a rule for an exit status alone names
 * every reason that it can have.
 */
import { EXIT } from '../../errors.ts';
import { daemonRules } from './daemon-rules.ts';
import type { Rule } from './failure-rule.ts';
import { cleanShell, createIt, giveIt } from './fixes.ts';
import { refusals } from './refusal-rules.ts';
import { statusRules } from './status-rules.ts';

const optionUnknown = {
  code: 'option_unknown',
  exitStatus: EXIT.config,
  what: () => 'rsync does not know an option',
  fix: () => 'correct extra_rsync_opts in pilos.yml, or update rsync on both servers',
} as const satisfies Rule;

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

export const rsyncRules: readonly Rule[] = [
  ...refusals,
  ...daemonRules,
  ...programs,
  ...directoryRules,
  ...protocolRules,
  ...statusRules,
];
