/** A failed transfer to the other host → the finding that it belongs to, and the command that mends it. Pure. */
import { EXIT } from '../errors.ts';
import type { SpoolAddress } from '../safe-path.ts';
import { shellQuote } from '../spool/rsync-arguments.ts';
import type { RsyncFailureKind } from '../spool/rsync-failure.ts';
import type { CheckStatus, Remedy } from './finding.ts';
import type { SshFacts } from './ssh.ts';

/** In the order in which a transfer comes to them: what stands before the one that failed is in order. */
export const remoteSteps = [
  'host',
  'host-key',
  'ssh-key',
  'remote-rsync',
  'remote-directory',
  'remote-write',
] as const;
export type RemoteStep = (typeof remoteSteps)[number];

export interface RemoteFacts {
  address: Exclude<SpoolAddress, { kind: 'local' }>;
  /** Undefined for a daemon. */
  ssh: SshFacts | undefined;
  /** The user of BBB. */
  user: string;
}

export interface RemoteFailure {
  step: RemoteStep;
  status: CheckStatus;
  remedy?: string | Remedy | undefined;
}

/** @param stderr of ssh and rsync, in English */
export function classifyFailure(kind: RsyncFailureKind, stderr: string, facts: RemoteFacts): RemoteFailure {
  switch (kind) {
    case 'host key unknown':
      return { step: 'host-key', status: EXIT.config, remedy: acceptHostKey(facts) };
    case 'host key changed':
      return { step: 'host-key', status: EXIT.config, remedy: replaceHostKey(facts) };
    case 'key refused':
      return { step: 'ssh-key', status: EXIT.permission, remedy: admitKey(facts, stderr) };
    case 'password refused':
    case 'address refused':
      return { step: 'remote-rsync', status: EXIT.permission };
    case 'read-only':
      return { step: 'remote-rsync', status: EXIT.permission, remedy: allowWriting(facts) };
    case 'rsync missing':
      return { step: 'remote-rsync', status: EXIT.config, remedy: installRsync(facts, stderr) };
    case 'option refused':
    case 'deletion refused':
    case 'option unknown':
    case 'refused':
    case 'noisy shell':
    case 'ssh missing':
      return { step: 'remote-rsync', status: EXIT.config };
    case 'directory missing':
      return { step: 'remote-directory', status: EXIT.spool, remedy: createDirectory(facts) };
    case 'not writable':
      return { step: 'remote-write', status: EXIT.permission, remedy: openDirectory(facts) };
    case 'disk full':
    case 'other':
    case 'locked':
      return { step: 'remote-write', status: EXIT.spool };
    case 'occupied':
    case 'no such host':
    case 'unreachable':
    case 'lost':
      return { step: 'host', status: EXIT.spool };
  }
}

/** A command as the user of BBB, whose `~/.ssh` counts. */
export function asUser(user: string, command: readonly string[]): string {
  return `runuser -u ${user} -- ${shellQuote(command)}`;
}

function acceptHostKey({ ssh, user }: RemoteFacts): string | undefined {
  if (ssh === undefined) return undefined;
  return asUser(user, [
    'ssh',
    '-o',
    'BatchMode=yes',
    '-o',
    'StrictHostKeyChecking=accept-new',
    ssh.alias,
    'exit',
  ]);
}

function replaceHostKey(facts: RemoteFacts): string | undefined {
  if (facts.ssh === undefined) return undefined;
  const forget = asUser(facts.user, ['ssh-keygen', '-R', facts.ssh.knownName]);
  return `${forget} && ${acceptHostKey(facts)}`;
}

/** The key is made here, and admitted there. */
function admitKey({ address, ssh, user }: RemoteFacts, stderr: string): string | Remedy | undefined {
  if (ssh === undefined) return undefined;
  if (ssh.key === undefined) {
    if (ssh.wantedKey === undefined) return undefined;
    return asUser(user, ['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', ssh.wantedKey]);
  }
  if (/permissions .* are too open|bad permissions/i.test(stderr))
    return `chmod 600 ${shellQuote([ssh.key])}`;
  if (ssh.publicKey === undefined) return undefined;
  // A key that rrsync restricts sees its directory as `/`, and only the admin there knows which one that is.
  const isRestricted = address.path === '/' || address.path === '';
  const rrsync = 'command="/usr/bin/rrsync -wo -no-lock /THE/SPOOL/DIRECTORY",restrict';
  const line = `${isRestricted ? rrsync : 'restrict'} ${ssh.publicKey}`;
  return onHost(ssh, `echo '${line}' >> ${authorizedKeys(ssh)}`);
}

function allowWriting({ ssh }: RemoteFacts): Remedy | undefined {
  const change = '/ -ro /{s/ -ro / /;/ -no-lock /!s/rrsync /rrsync -no-lock /;s/rrsync /rrsync -wo /}';
  return onHost(ssh, `sed -i '${change}' ${authorizedKeys(ssh)}`);
}

/** Several transfers at once, as BBB servers do them. */
export function allowSeveral({ ssh }: RemoteFacts): Remedy | undefined {
  return onHost(ssh, `sed -i '/ -no-lock \\| -ro /!s/rrsync /rrsync -no-lock /' ${authorizedKeys(ssh)}`);
}

/** Deleting, and so renaming what is complete. */
export function allowRenaming({ ssh }: RemoteFacts): Remedy | undefined {
  return onHost(ssh, `sed -i 's/ -no-del / /' ${authorizedKeys(ssh)}`);
}

function installRsync({ ssh }: RemoteFacts, stderr: string): Remedy | undefined {
  if (/Unknown module/.test(stderr)) return undefined;
  return onHost(ssh, `apt-get install ${/rrsync: /.test(stderr) ? 'rsync python3' : 'rsync'}`);
}

function createDirectory({ address, ssh }: RemoteFacts): Remedy | undefined {
  if (ssh === undefined || !isAbsolute(address.path)) return undefined;
  return onHost(
    ssh,
    `install -d -m 2775 -o ${ssh.user} -g "$(id -gn ${ssh.user})" ${shellQuote([address.path])}`,
  );
}

function openDirectory({ address, ssh }: RemoteFacts): Remedy | undefined {
  if (ssh === undefined || !isAbsolute(address.path)) return undefined;
  const path = shellQuote([address.path]);
  return onHost(ssh, `chown ${ssh.user}: ${path} && chmod 2775 ${path}`);
}

/** `/` is what rrsync makes of its directory. */
function isAbsolute(path: string): boolean {
  return path.startsWith('/') && path !== '/';
}

function authorizedKeys(ssh: SshFacts | undefined): string {
  return `~${ssh?.user ?? ''}/.ssh/authorized_keys`;
}

function onHost(ssh: SshFacts | undefined, command: string): Remedy | undefined {
  if (ssh === undefined || !/^[A-Za-z0-9_][A-Za-z0-9._-]*$/.test(ssh.user)) return undefined;
  return { command, host: ssh.hostname };
}
