/** A failed transfer to the other host → which step of the way it belongs to, and what to do. Pure. */
import { EXIT, type ExpectedError } from '../errors.ts';
import { RsyncFailure } from '../spool/rsync/failure.ts';
import { sh, shellQuote } from '../system/shell-quote.ts';
import type { RemoteSpool } from './remote-spool-facts.ts';
import { type Problem, problem } from './table.ts';

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

/** By the code of a failure; every other one comes from rsync there. */
const stepsByCode: readonly [RegExp, RemoteStep][] = [
  [/^host_key_/, 'host_key'],
  [/^key_refused$/, 'ssh_key'],
  [/^(?:host|ssh|connection)_|^too_many_connections$/, 'host'],
  [/^(?:restricted|spool)_dir_/, 'remote_directory'],
  [/^(?:spool_not_|spool_full$|transfer_|rsync_failed$|archive_vanished$)/, 'remote_write'],
];

const betterFixes: Record<string, (facts: RemoteFacts) => string | undefined> = {
  key_refused: admitKey,
  host_key_unknown: acceptHostKey,
};

export function classifyFailure(failure: ExpectedError, facts: RemoteFacts): Problem & { step: RemoteStep } {
  const { code, message, exitStatus } = failure;
  const isHere = failure instanceof RsyncFailure && failure.isHere;
  const [, known = 'remote_rsync'] = stepsByCode.find(([pattern]) => pattern.test(code)) ?? [];
  const step = isHere ? 'host' : known;
  const isSetUp = code.startsWith('ssh_') || step === 'remote_rsync';
  const fix = betterFixes[code]?.(facts) ?? failure.fix;
  return { ...problem.of({ exitStatus, message, fix }, isSetUp ? EXIT.config : EXIT.spool), step };
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
