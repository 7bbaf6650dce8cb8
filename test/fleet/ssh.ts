/** sshd and rrsync on the PILOS hosts, and the keys of the BBB servers, as docs/ssh.md says. */
import { spawn } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Undo } from '../support/program/create-with-undo.ts';
import { runOrThrow } from '../support/program/run-program.ts';
import type { Host } from './host.ts';
import { bbbUser, makeOwned, type Owner, putFile, spoolUser } from './image.ts';
import { pilosSpool } from './storage.ts';

const hostKeyFile = '/etc/ssh/fleet_host_key';

const serverConfig = (address: string) => `ListenAddress ${address}
HostKey ${hostKeyFile}
PidFile none
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM yes
MaxStartups 200
`;

const clientConfig = (alias: string, address: string) => `Host ${alias}
    HostName ${address}
    Port 22
    User pilos-spool
    IdentityFile ~/.ssh/${alias}
    IdentitiesOnly yes
`;

const keyOptions = `command="/usr/bin/rrsync -wo -no-lock ${pilosSpool}",restrict`;
const privateMode = 0o600;

/** @returns the line of the public key */
async function generateKey(host: Host, path: string, owner?: Owner): Promise<string> {
  const file = host.path(path);
  await runOrThrow('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', host.name, '-f', file]);
  if (owner !== undefined) chownSync(file, owner.uid, owner.gid);
  return readFileSync(`${file}.pub`, 'utf8');
}

export async function generateHostKey(host: Host): Promise<string> {
  return await generateKey(host, hostKeyFile);
}

/** A key for the user bigbluebutton, the host `alias` in its configuration, and that host's key as known. */
export async function prepareClient(
  host: Host,
  alias: string,
  address: string,
  hostKey: string,
): Promise<string> {
  const home = '/home/bigbluebutton/.ssh';
  makeOwned(host.path('/'), home, bbbUser);
  const publicKey = await generateKey(host, `${home}/${alias}`, bbbUser);
  const add = (name: string, text: string) => {
    const file = host.path(`${home}/${name}`);
    const before = existsSync(file) ? readFileSync(file, 'utf8') : '';
    putFile(host.path('/'), `${home}/${name}`, before + text, bbbUser, privateMode);
  };
  add('config', clientConfig(alias, address));
  add('known_hosts', `${address} ${hostKey}`);
  return publicKey;
}

/** Lets the BBB servers in whose keys are in `publicKeys`. */
export async function startSshd(
  undo: Undo,
  host: Host,
  { address, publicKeys }: { address: string; publicKeys: readonly string[] },
): Promise<void> {
  const tree = host.path('/');
  mkdirSync(join(tree, 'run/sshd'), { mode: 0o755 });
  putFile(tree, '/etc/ssh/sshd_config', serverConfig(address));
  makeOwned(tree, '/home/pilos-spool/.ssh', spoolUser);
  const lines = publicKeys.map((key) => `${keyOptions} ${key}`).join('');
  putFile(tree, '/home/pilos-spool/.ssh/authorized_keys', lines, spoolUser, privateMode);
  const [program, ...args] = host.enter(['/usr/sbin/sshd', '-D', '-e']);
  const child = spawn(program, args, { stdio: 'ignore', detached: true });
  // sshd itself ends with its host.
  undo(() => child.kill('SIGKILL'));
  const probe = ['bash', '-c', `exec 3<>/dev/tcp/${address}/22 && head -c 3 <&3`];
  for (let attempt = 0; (await host.run(probe)).stdout !== 'SSH'; attempt += 1) {
    if (attempt === 100) throw new Error(`${host.name}: sshd does not answer on ${address}`);
    await sleep(50);
  }
}
