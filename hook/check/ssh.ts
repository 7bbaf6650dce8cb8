/** What ssh would do to reach a host, from `ssh -G`. */
import { type ChildOptions, runChild } from '../system/child-process.ts';
import { statOrUndefined } from '../system/paths.ts';
import type { Accounts } from './accounts.ts';

export interface SshFacts {
  /** As `spool_dir` has it, `[USER@]HOST`. */
  alias: string;
  hostname: string;
  port: string;
  /** The user there. */
  user: string;
  /** How `known_hosts` names the host. */
  knownName: string;
  /** The private key that is offered first; undefined when there is none. */
  key: string | undefined;
  /** Where ssh would look for one. */
  wantedKey: string | undefined;
  /** ssh refuses a key that others may read, or that belongs to somebody else. */
  isKeyPrivate: boolean;
  /** What the key itself says: the file `.pub` may be missing, or another one's. */
  publicKey: string | undefined;
  hasPassphrase: boolean;
}

/** @returns `refusal`: what ssh says of its own configuration when it does not accept that */
export async function readSshFacts(
  host: string,
  { account }: Accounts,
  options: ChildOptions,
): Promise<{ ssh?: SshFacts; refusal?: string }> {
  // rsync wants an IPv6 address in brackets, ssh without.
  const alias = host.replace(/\[([^\]]*)\]/, '$1');
  const { exitStatus, stdout, stderr } = await runChild(['ssh', '-G', '--', alias], options);
  if (exitStatus !== 0) return { refusal: stderr.trim().split(/[\r\n]+/)[0] ?? '' };
  const { wantedKeys, ...facts } = parseSshFacts(alias, stdout, account?.home ?? process.env['HOME'] ?? '/');
  const key = wantedKeys.find((file) => statOrUndefined(file) !== undefined);
  const stats = key === undefined ? undefined : statOrUndefined(key);
  const isKeyPrivate =
    stats === undefined || (stats.uid === process.geteuid?.() && (stats.mode & 0o077) === 0);
  const canAsk = key !== undefined && isKeyPrivate;
  const said = canAsk ? await runChild(['ssh-keygen', '-y', '-P', '', '-f', key], options) : undefined;
  const hasPassphrase = /passphrase/.test(said?.stderr ?? '');
  return {
    ssh: { ...facts, key, isKeyPrivate, publicKey: parsePublicKey(said?.stdout ?? ''), hasPassphrase },
  };
}

/** The output of `ssh -G`: a keyword and its value on each line. */
export function parseSshFacts(alias: string, output: string, home: string) {
  const values = (keyword: string) =>
    output
      .split('\n')
      .filter((line) => line.startsWith(`${keyword} `))
      .map((line) => line.slice(keyword.length + 1).trim());
  const [hostname = alias] = values('hostname');
  const [port = '22'] = values('port');
  const [user = ''] = values('user');
  const [hostKeyAlias] = values('hostkeyalias');
  const knownName = hostKeyAlias ?? (port === '22' ? hostname : `[${hostname}]:${port}`);
  const files = values('identityfile').filter((file) => file !== 'none');
  const wantedKeys = files.map((file) => file.replace(/^~(?=\/)/, home));
  // The first one of ssh's own list is for an RSA key; with IdentityFile the list is what that names.
  const wantedKey = wantedKeys.find((file) => file.endsWith('/id_ed25519')) ?? wantedKeys[0];
  return { alias, hostname, port, user, knownName, wantedKeys, wantedKey };
}

/** Undefined unless it is one line of such a key: it becomes part of a fix. */
function parsePublicKey(output: string): string | undefined {
  const line = output.trim();
  return /^[a-z0-9@.-]+ [A-Za-z0-9+/=]+(?: [A-Za-z0-9@._ -]*)?$/.test(line) ? line : undefined;
}
