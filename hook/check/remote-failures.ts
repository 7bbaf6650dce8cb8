/** A failed transfer to the other host → which step of the way it belongs to, and what to do. Pure. */
import { EXIT } from '../errors.ts';
import type { RsyncFailure } from '../spool/rsync/failure.ts';
import type { RsyncFailureCode } from '../spool/rsync/failure-rule.ts';
import { sh, shellQuote } from '../system/shell-quote.ts';
import type { RemoteSpool } from './remote-spool.ts';
import type { CheckStatus } from './table.ts';

/** In the order in which a transfer comes to them: what is before the one that failed is in order. */
export const remoteSteps = [
  'host',
  'host_key',
  'ssh_key',
  'remote_rsync',
  'remote_directory',
  'remote_write',
] as const;
export type RemoteStep = (typeof remoteSteps)[number];

/** What a fix is made of; `user` is the user of BBB. */
export type RemoteFacts = Pick<RemoteSpool, 'address' | 'ssh'> & { user: string };

const { config, permission, spool } = EXIT;
const places: Record<RsyncFailureCode, [step: RemoteStep, status: CheckStatus]> = {
  host_not_found: ['host', spool],
  host_unreachable: ['host', spool],
  too_many_connections: ['host', spool],
  connection_lost: ['host', spool],
  connection_stalled: ['host', spool],
  ssh_failed: ['host', config],
  ssh_missing: ['host', config],
  ssh_config_invalid: ['host', config],
  host_key_unknown: ['host_key', config],
  host_key_changed: ['host_key', config],
  key_refused: ['ssh_key', permission],
  password_refused: ['remote_rsync', permission],
  address_refused: ['remote_rsync', permission],
  spool_read_only: ['remote_rsync', permission],
  remote_rsync_missing: ['remote_rsync', config],
  remote_rsync_silent: ['remote_rsync', config],
  renaming_refused: ['remote_rsync', config],
  option_refused: ['remote_rsync', config],
  option_unknown: ['remote_rsync', config],
  rrsync_refused: ['remote_rsync', config],
  shell_not_clean: ['remote_rsync', config],
  restricted_dir_missing: ['remote_directory', spool],
  spool_dir_missing: ['remote_directory', spool],
  spool_dir_unusable: ['remote_directory', spool],
  spool_not_writable: ['remote_write', permission],
  spool_not_written: ['remote_write', spool],
  spool_full: ['remote_write', spool],
  transfer_under_way: ['remote_write', spool],
  rsync_failed: ['remote_write', spool],
};

/** `fix` is undefined where what rsync's failure itself says is all that can be said. */
export function classifyFailure(
  { code }: RsyncFailure,
  stderr: string,
  facts: RemoteFacts,
): { step: RemoteStep; status: CheckStatus; fix: string | undefined } {
  const [step, status] = places[code];
  // Without these words it is rsync here that has ended, before it connected.
  if (code === 'option_unknown' && !/on remote machine/.test(stderr))
    return { step: 'host', status, fix: undefined };
  if (code === 'rsync_failed' && /@ERROR: /.test(stderr))
    return { step: 'remote_rsync', status: config, fix: 'correct the module in rsyncd.conf there' };
  if (code === 'connection_lost' && isLostByCommand(stderr)) {
    const fix =
      'what our key runs there is not rsync: correct its line in authorized_keys there (docs/ssh.md)';
    return { step: 'remote_rsync', status: config, fix };
  }
  if (code === 'key_refused') return { step, status, fix: admitKey(facts) };
  return { step, status, fix: code === 'host_key_unknown' ? acceptHostKey(facts) : undefined };
}

/** ssh says so when it loses the connection; here what it ran there has ended without a word of rsync. */
function isLostByCommand(stderr: string): boolean {
  const ofSsh =
    /^(?:Connection |Received disconnect|Disconnected|client_loop|kex_|ssh_|ssh: |Timeout, server)/m;
  return !ofSsh.test(stderr) && /\(0 bytes received so far\)[\s\S]*\(code 12\)/.test(stderr);
}

/** A command as the user of BBB, whose `~/.ssh` counts. */
export function asUser(user: string, command: readonly string[]): string {
  return `runuser -u ${user} -- ${shellQuote(command)}`;
}

/** ssh shows the fingerprint, and asks: nobody accepts a key unseen. */
function acceptHostKey({ ssh, user }: RemoteFacts): string | undefined {
  return ssh && asUser(user, ['ssh', '-o', 'StrictHostKeyChecking=ask', ssh.alias, 'exit']);
}

/** The key is made here, and admitted there. */
function admitKey({ address, ssh, user }: RemoteFacts): string | undefined {
  if (ssh === undefined) return undefined;
  const { key, wantedKey, isKeyPrivate, publicKey, hasPassphrase } = ssh;
  if (key === undefined)
    return wantedKey && asUser(user, ['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', wantedKey]);
  if (!isKeyPrivate) return sh`chown ${user}: ${key} && chmod 600 ${key}`;
  if (hasPassphrase)
    return `remove its passphrase, which nobody types in: ${asUser(user, ['ssh-keygen', '-p', '-f', key])}`;
  if (publicKey === undefined) return undefined;
  // A key that rrsync restricts sees its directory as `/`, and only the admin there knows which one that is.
  const isRestricted = address.path === '/' || address.path === '';
  const rrsync = 'command="/usr/bin/rrsync -wo -no-lock PILOS_SPOOL_DIRECTORY",restrict';
  return `on ${ssh.hostname}, add to ~${ssh.user}/.ssh/authorized_keys (docs/ssh.md): ${isRestricted ? rrsync : 'restrict'} ${publicKey}`;
}
