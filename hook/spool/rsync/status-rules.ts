/** For an exit status alone: every reason that it can have. And for a connection that has ended. */
import { EXIT } from '../../errors.ts';
import { type Rule, silence } from './failure-rule.ts';
import { cleanShell, createIt, giveIt } from './fixes.ts';

const connectionLost = {
  code: 'connection_lost',
  exitStatus: EXIT.temporary,
  retryable: true,
  what: ({ host }) => `the connection to ${host} was lost`,
  fix: () => 'check the network and the log of sshd there',
} as const satisfies Rule;

/** In ssh's own words, which come when its connection ends. */
export const connectionEnded: Rule = {
  pattern:
    /^(?:(?:Shared )?[Cc]onnection (?:to|closed by|reset by) |client_loop: |Received disconnect|Disconnected|Timeout, server|packet_write|mux_)/m,
  exitCodes: [10, 12, 255],
  ...connectionLost,
};

/** Of a connection that stood and has died, whatever else is said. */
export const cutRules: readonly Rule[] = [{ exitCodes: [10, 12, 255], ...connectionLost }];

export const statusRules: readonly Rule[] = [
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
