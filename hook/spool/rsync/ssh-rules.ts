/** What fails before a connection stands is ssh's: its words, in the order in which the first that fits decides. */
import { EXIT } from '../../errors.ts';
import { type Rule, silence } from './failure-rule.ts';
import { explainChangedKey } from './host-key.ts';

const asUser = 'as the user bigbluebutton (sudo -u bigbluebutton -H ssh';

export const sshRules: readonly Rule[] = [
  {
    pattern: /WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED![\s\S]*/,
    code: 'host_key_changed',
    exitStatus: EXIT.config,
    what: ({ host }) => `the ssh host key of ${host} has changed`,
    fix: ({ host }, [text = '']) => explainChangedKey(text, host),
  },
  {
    pattern: /^Host key verification failed/m,
    code: 'host_key_unknown',
    exitStatus: EXIT.config,
    what: ({ host }) => `the ssh host key of ${host} is not known`,
    fix: ({ host }) =>
      `connect once ${asUser} ${host}), and accept the key if 'ssh-keygen -lf' shows the same fingerprint for it there`,
  },
  {
    pattern:
      /Permission denied \((?:publickey|keyboard|password|gssapi|hostbased)[^)]*\)|Too many authentication failures/,
    code: 'key_refused',
    exitStatus: EXIT.permission,
    what: ({ host }) => `${host} refuses our ssh key`,
    fix: () => 'check ~/.ssh/config and the key of the user bigbluebutton here, and authorized_keys there',
  },
  {
    pattern: /^ssh: Could not resolve hostname /m,
    code: 'host_not_found',
    exitStatus: EXIT.temporary,
    retryable: true,
    what: ({ host }) => `the name ${host} cannot be resolved`,
    fix: () => 'check spool_dir in pilos.yml, ~/.ssh/config of the user bigbluebutton, and DNS',
  },
  {
    pattern: /^ssh: connect to host .*Connection refused/m,
    code: 'host_unreachable',
    exitStatus: EXIT.temporary,
    retryable: true,
    what: ({ host }) => `${host} refuses the connection`,
    fix: () => 'check that sshd runs there, its port and the firewall',
  },
  {
    pattern:
      /^(?:ssh: connect to host .*(?:No route to host|Network is unreachable|timed out)|Connection timed out during banner|Connection to \S+ port \d+ timed out|banner exchange: .*timed out)/m,
    code: 'host_unreachable',
    exitStatus: EXIT.temporary,
    retryable: true,
    what: ({ host }) => `${host} cannot be reached`,
    fix: () => 'check that it runs, the network and the firewall',
  },
  {
    pattern:
      /^(?:\S+: line \d+: Bad configuration option.*|\/\S+ line \d+: .*|Bad owner or permissions on .*|Can't open user config file .*)/m,
    code: 'ssh_config_invalid',
    exitStatus: EXIT.config,
    what: () => "ssh's own configuration on this server is invalid",
    fix: () => 'correct ~/.ssh/config of the user bigbluebutton, or /etc/ssh/ssh_config',
  },
  {
    pattern: /^Unable to negotiate with /m,
    code: 'ssh_failed',
    exitStatus: EXIT.config,
    what: ({ host }) => `ssh here and sshd on ${host} have no algorithm in common`,
    fix: () => 'update the older of the two',
  },
  {
    pattern: /^(?:kex_exchange_identification: |ssh_exchange_identification: |banner exchange: )/m,
    code: 'connection_lost',
    exitStatus: EXIT.temporary,
    retryable: true,
    what: ({ host }) => `${host} closed the connection before the login`,
    fix: () => 'check the log of sshd there: MaxStartups, PerSourcePenalties, fail2ban, or not enough memory',
  },
  {
    pattern: /Failed to exec \S*ssh|exec \S*ssh: No such file/,
    code: 'ssh_missing',
    exitStatus: EXIT.unavailable,
    what: () => 'ssh is not installed',
    fix: () => 'apt-get install openssh-client',
  },
];

export const silentSshRules: readonly Rule[] = [
  {
    // What it said is lost: nobody knows which of them it was.
    pattern: silence,
    exitCodes: [255],
    code: 'ssh_failed',
    exitStatus: EXIT.temporary,
    retryable: true,
    what: ({ host }) =>
      `ssh to ${host} ended without saying why: the name, network, port or firewall, the host key, our key, or ssh's configuration here`,
    fix: ({ host }) => `run it ${asUser} -v ${host}), or 'pilos-post-publish check'`,
  },
];
