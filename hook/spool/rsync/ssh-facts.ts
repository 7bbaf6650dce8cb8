/** What ssh would do to reach a host, from `ssh -G`. */

import { type ChildOptions, runChild } from '../../system/child-process.ts';
import { statOrUndefined } from '../../system/paths.ts';
import { sshHost } from './ssh-arguments.ts';

/** @returns `refusal`: what ssh says of its own configuration when it does not accept that */
export async function readSshFacts(host: string, home: string, options: ChildOptions) {
  const alias = sshHost({ host });
  const { exitStatus, stdout, stderr } = await runChild(['ssh', '-G', '--', alias], options);
  if (exitStatus !== 0) return { ssh: undefined, refusal: stderr.trim().split(/[\r\n]+/)[0] ?? '' };
  const { wantedKeys, ...facts } = parseSshFacts(alias, stdout, home);
  const key = wantedKeys.find((file) => statOrUndefined(file) !== undefined);
  const stats = key === undefined ? undefined : statOrUndefined(key);
  // ssh refuses a key that others may read, or that belongs to somebody else.
  const isKeyPrivate =
    stats === undefined || (stats.uid === process.geteuid?.() && (stats.mode & 0o077) === 0);
  const canAsk = key !== undefined && isKeyPrivate;
  const said = canAsk ? await runChild(['ssh-keygen', '-y', '-P', '', '-f', key], options) : undefined;
  const ssh = {
    ...facts,
    /** The private key that is offered first; undefined when there is none. */
    key,
    isKeyPrivate,
    /** What the key itself says: the file `.pub` may be missing, or another one's. */
    publicKey: parsePublicKey(said?.stdout ?? ''),
    hasPassphrase: /passphrase/.test(said?.stderr ?? ''),
  };
  return { ssh, refusal: undefined };
}

/**
 * The output of `ssh -G`: a keyword and its value on each line. `alias`: as `spool_dir` has it; `knownName`: as `known_hosts`
 * does; `wantedKeys`: the files in which ssh looks for a key, `wantedKey` the one to make where none is there.
 */
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
