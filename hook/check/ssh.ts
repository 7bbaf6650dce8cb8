/** What ssh would do to reach a host, from `ssh -G`. */
import { existsSync } from 'node:fs';
import { EXIT } from '../errors.ts';
import { shellQuote } from '../system/shell-quote.ts';
import type { Account } from '../system/user.ts';
import { quote } from '../terminal/escape.ts';
import { type Look, problem } from './finding.ts';
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
  /** See {@link readOwnKey}. */
  publicKey?: string | undefined;
  hasPassphrase?: boolean;
}

/** What ssh says of its own configuration instead. */
export interface SshTrouble {
  stderr: string;
}

export async function readSshFacts(
  host: string,
  account: Account | undefined,
  options: RunOptions,
): Promise<SshFacts | SshTrouble> {
  // rsync wants an IPv6 address in brackets, ssh without.
  const alias = host.replace(/\[([^\]]*)\]/, '$1');
  const { exitCode, stdout, stderr } = await run(['ssh', '-G', '--', alias], options);
  if (exitCode !== 0) return { stderr };
  const facts = parseSshFacts(alias, stdout, account?.home ?? options.environment?.['HOME'] ?? '/');
  const key = facts.wantedKeys.find((file) => existsSync(file));
  return { ...facts, key };
}

/** ssh does not begin: `ssh -G` fails as any connection would. */
export function decideSshTrouble(user: string, { stderr }: SshTrouble): Look {
  const [said = ''] = stderr.trim().split(/[\r\n]+/);
  const closed = /^Bad owner or permissions on (\/.*)$/.exec(said)?.[1];
  // What lies in /etc/ssh is read by everybody.
  const [owner, mode] = closed?.startsWith('/etc/') ? ['root', 644] : [user, 600];
  const file = shellQuote([closed ?? '']);
  return problem('ssh', 'ssh reads its configuration', EXIT.config, {
    problem: `it refuses it (ssh: ${quote(said)}): ${closed === undefined ? 'correct that' : 'only its owner may write it'}`,
    fix: closed === undefined ? undefined : `chown ${owner}: ${file} && chmod ${mode} ${file}`,
  });
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

/** The same with what the private key tells of itself: the file `.pub` may be missing, or be another one's. */
export async function readOwnKey(facts: SshFacts, options: RunOptions): Promise<SshFacts> {
  if (facts.key === undefined) return facts;
  const { stdout, stderr } = await run(['ssh-keygen', '-y', '-P', '', '-f', facts.key], options);
  return { ...facts, publicKey: parsePublicKey(stdout), hasPassphrase: /passphrase/.test(stderr) };
}

/** Undefined unless it is one line of such a key: it becomes part of a command. */
function parsePublicKey(output: string): string | undefined {
  const line = output.trim();
  return /^[a-z0-9@.-]+ [A-Za-z0-9+/=]+(?: [A-Za-z0-9@._ -]*)?$/.test(line) ? line : undefined;
}
