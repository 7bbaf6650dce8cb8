/** What an rsync daemon says of itself. */
import { EXIT } from '../../errors.ts';
import type { Rule } from './failure-rule.ts';

export const daemonRules: readonly Rule[] = [
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
