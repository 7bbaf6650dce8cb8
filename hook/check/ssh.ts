/** What ssh would do to reach a host, from `ssh -G`. */
import { existsSync, readFileSync } from 'node:fs';
import type { Account } from '../user.ts';
import { type RunOptions, run } from './run.ts';

export interface SshFacts {
  /** As `spool_dir` has it, `[USER@]HOST`. */
  alias: string;
  hostname: string;
  port: string;
  /** The user there. */
  user: string;
  /** How `known_hosts` names the host. */
  knownName: string;
  /** The private key that is offered first; undefined when none is there. */
  key: string | undefined;
  /** Where ssh would look for one. */
  wantedKey: string | undefined;
  /** The line of the public key beside it. */
  publicKey: string | undefined;
}

/** Undefined when ssh does not say: then it is not there, or the host's name is no name. */
export async function readSshFacts(
  host: string,
  account: Account | undefined,
  options: RunOptions,
): Promise<SshFacts | undefined> {
  // rsync wants an IPv6 address in brackets, ssh without.
  const alias = host.replace(/\[([^\]]*)\]/, '$1');
  const { exitCode, stdout } = await run(['ssh', '-G', '--', alias], options);
  if (exitCode !== 0) return undefined;
  const facts = parseSshFacts(alias, stdout, account?.home ?? options.environment?.['HOME'] ?? '/');
  const key = facts.wantedKeys.find((file) => existsSync(file));
  const publicKey = key === undefined ? undefined : readPublicKey(`${key}.pub`);
  return { ...facts, key, wantedKey: facts.wantedKeys[0], publicKey };
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
  const wantedKeys = values('identityfile').map((file) => file.replace(/^~(?=\/)/, home));
  return { alias, hostname, port, user, knownName, wantedKeys };
}

/** Undefined unless it is one line of such a key: it becomes part of a command. */
function readPublicKey(file: string): string | undefined {
  try {
    const [line = ''] = readFileSync(file, 'utf8').trim().split('\n');
    return /^[a-z0-9@.-]+ [A-Za-z0-9+/=]+(?: [A-Za-z0-9@._ -]*)?$/.test(line) ? line : undefined;
  } catch {
    return undefined;
  }
}
