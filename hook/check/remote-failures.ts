/** A failed transfer to the other host → which step of the way it belongs to, and what to do. Pure. */
import { EXIT, type ExpectedError } from '../errors.ts';
import { RsyncFailure } from '../spool/rsync/failure.ts';
import { sh, shellQuote } from '../system/shell-quote.ts';
import type { RemoteSpool } from './remote-spool.ts';
import { type CheckStatus, checkStatusOf } from './table.ts';

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
export type RemoteFacts = Pick<RemoteSpool, 'address' | 'ssh' | 'user'>;

/** Codes of failures; every other one comes from rsync there. */
const codes: Partial<Record<RemoteStep, readonly string[]>> = {
  host: [
    ...[
      'host_not_found',
      'host_unreachable',
      'too_many_connections',
      'connection_lost',
      'connection_stalled',
    ],
    ...['ssh_failed', 'ssh_missing', 'ssh_config_invalid'],
  ],
  host_key: ['host_key_unknown', 'host_key_changed'],
  ssh_key: ['key_refused'],
  remote_directory: ['restricted_dir_missing', 'spool_dir_missing', 'spool_dir_unusable'],
  remote_write: [
    ...['spool_not_writable', 'spool_not_written', 'spool_full', 'transfer_under_way', 'rsync_failed'],
    'archive_vanished',
  ],
};

export function classifyFailure(
  failure: ExpectedError,
  facts: RemoteFacts,
): { step: RemoteStep; status: CheckStatus; fix: string } {
  const { code } = failure;
  const isHere = failure instanceof RsyncFailure && failure.isHere;
  const step = isHere ? 'host' : (remoteSteps.find((one) => codes[one]?.includes(code)) ?? 'remote_rsync');
  const isSetUp = code.startsWith('ssh_') || step === 'remote_rsync';
  const status = isSetUp && failure.exitStatus !== EXIT.permission ? EXIT.config : checkStatusOf(failure);
  const better =
    code === 'key_refused' ? admitKey(facts) : code === 'host_key_unknown' ? acceptHostKey(facts) : undefined;
  return { step, status, fix: better ?? failure.fix };
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
