/** What mends the way to another host: commands for root, here or there. Pure. */
import type { SpoolAddress } from '../config/spool-address.ts';
import { shellQuote } from '../system/shell-quote.ts';
import type { Fix } from './finding.ts';
import { remoteTestName } from './remote-arguments.ts';
import type { SshFacts } from './ssh.ts';

export interface RemoteFacts {
  address: Exclude<SpoolAddress, { kind: 'local' }>;
  /** Undefined for a daemon. */
  ssh: SshFacts | undefined;
  /** The user of BBB. */
  user: string;
}

/** A command, or else what to do where none can mend it. */
export interface Mending {
  fix?: string | Fix | undefined;
  /** More than what the failure of rsync itself advises. */
  advice?: string;
}

/** A key that rrsync restricts sees its directory as `/`, and only the admin there knows which one that is. */
const unknownDirectory = '/THE/SPOOL/DIRECTORY';
const nameIt = `put PILOS' spool directory there in the place of ${unknownDirectory}`;

/** A command as the user of BBB, whose `~/.ssh` counts. */
export function asUser(user: string, command: readonly string[]): string {
  return `runuser -u ${user} -- ${shellQuote(command)}`;
}

export function acceptHostKey({ ssh, user }: RemoteFacts): string | undefined {
  if (ssh === undefined) return undefined;
  const accepting = ['-o', 'BatchMode=yes', '-o', 'StrictHostKeyChecking=accept-new'];
  return asUser(user, ['ssh', ...accepting, ssh.alias, 'exit']);
}

export function replaceHostKey(facts: RemoteFacts): string | undefined {
  if (facts.ssh === undefined) return undefined;
  const forget = asUser(facts.user, ['ssh-keygen', '-R', facts.ssh.knownName]);
  return `${forget} && ${acceptHostKey(facts)}`;
}

/** The key is made here, and admitted there. */
export function admitKey({ address, ssh, user }: RemoteFacts, stderr: string): Mending {
  if (ssh === undefined) return {};
  if (ssh.key === undefined) {
    if (ssh.wantedKey === undefined) return {};
    return { fix: asUser(user, ['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', ssh.wantedKey]) };
  }
  if (/permissions .* are too open|bad permissions/i.test(stderr))
    return { fix: `chmod 600 ${shellQuote([ssh.key])}` };
  if (ssh.hasPassphrase)
    return { advice: `nobody types in the passphrase of ${ssh.key}: remove it with 'ssh-keygen -p'` };
  if (ssh.publicKey === undefined) return {};
  const isRestricted = address.path === '/' || address.path === '';
  const rrsync = `command="/usr/bin/rrsync -wo -no-lock ${unknownDirectory}",restrict`;
  const line = `${isRestricted ? rrsync : 'restrict'} ${ssh.publicKey}`;
  const home = `~${ssh.user}/.ssh`;
  const prepare = `install -d -m 700 -o ${ssh.user} -g "$(id -gn ${ssh.user})" ${home}`;
  const fix = onHost(ssh, `${prepare} && echo '${line}' >> ${home}/authorized_keys`);
  return isRestricted && fix !== undefined ? { fix, advice: nameIt } : { fix };
}

export function allowWriting({ ssh }: RemoteFacts): Mending {
  const change = '/ -ro /{s/ -ro / /;/ -no-lock /!s/rrsync /rrsync -no-lock /;s/rrsync /rrsync -wo /}';
  return { fix: editKeys(ssh, change) };
}

/** Several transfers at once, as BBB servers do them. */
export function allowSeveral({ ssh }: RemoteFacts): Fix | undefined {
  return editKeys(ssh, '/ -no-lock \\| -ro /!s/rrsync /rrsync -no-lock /');
}

/** Deleting, and so renaming what is complete. */
export function allowRenaming({ ssh }: RemoteFacts): Fix | undefined {
  return editKeys(ssh, 's/ -no-del / /');
}

export function installRsync({ ssh }: RemoteFacts, stderr: string): Mending {
  if (/Unknown module/.test(stderr)) return {};
  const packages = /rrsync: /.test(stderr) ? 'rsync python3' : 'rsync';
  return { fix: onHost(ssh, `apt-get install --yes ${packages}`) };
}

export function createDirectory(facts: RemoteFacts, stderr: string): Mending {
  return onDirectory(facts, stderr, (path, user) => {
    return `install -d -m 2775 -o ${user} -g "$(id -gn ${user})" ${path}`;
  });
}

export function openDirectory(facts: RemoteFacts, stderr: string): Mending {
  return onDirectory(facts, stderr, (path, user) => `chown ${user}: ${path} && chmod 2775 ${path}`);
}

function onDirectory(
  { address, ssh }: RemoteFacts,
  stderr: string,
  command: (path: string, user: string) => string,
): Mending {
  const path = findDirectory(address.path, stderr);
  if (ssh === undefined || path === undefined) return {};
  const fix = onHost(ssh, command(shellQuote([path]), ssh.user));
  if (fix === undefined || !path.startsWith(unknownDirectory)) return { fix };
  return { fix, advice: nameIt };
}

/**
 * What `path` of `spool_dir` is on the host itself. rsync there tells it, but for a key that rrsync restricts:
 * then it is below a directory that we do not know. Undefined when nothing tells.
 */
export function findDirectory(path: string, stderr: string): string | undefined {
  if (/rrsync error|"\/proc\/self\/fd\//.test(stderr)) {
    const below = path.replace(/^\/+|\/+$/g, '');
    return below === '' ? unknownDirectory : `${unknownDirectory}/${below}`;
  }
  const told =
    /(?:change_dir|chdir|mkdir|destination|mkstemp|open)\S* "(\/[A-Za-z0-9._/-]+)"/.exec(stderr) ??
    /^\w+Error: .*: '(\/[A-Za-z0-9._/-]+)'/m.exec(stderr);
  const ending = new RegExp(`/(?:\\.|\\.?${remoteTestName}(?:\\.[A-Za-z0-9]+)*)$`);
  return told?.[1]?.replace(ending, '');
}

function editKeys(ssh: SshFacts | undefined, change: string): Fix | undefined {
  return onHost(ssh, `sed -i '${change}' ~${ssh?.user ?? ''}/.ssh/authorized_keys`);
}

function onHost(ssh: SshFacts | undefined, command: string): Fix | undefined {
  if (ssh === undefined || !/^[A-Za-z0-9_][A-Za-z0-9._-]*$/.test(ssh.user)) return undefined;
  return { command, host: ssh.hostname };
}
