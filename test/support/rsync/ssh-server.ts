import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, chmod, chown, mkdir, open, readdir, readFile, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import type { TestUser } from '../program/users.ts';
import type { RsyncPrograms } from './old-rsync.ts';

const sshdPath = '/usr/sbin/sshd';
const startAttempts = 5;
const startDeadlineMs = 10_000;

/** The kinds of key that an admin may have given to a BBB server: what stands before it in `authorized_keys`. */
export function keyScenarios(spool: string, old: RsyncPrograms) {
  const restricted = (rrsync: string, flags: string) => `command="${rrsync} ${flags}${spool}",restrict`;
  return {
    ordinary: '',
    rrsync: restricted('/usr/bin/rrsync', ''),
    'rrsync-wo': restricted('/usr/bin/rrsync', '-wo '),
    'rrsync-wo-no-lock': restricted('/usr/bin/rrsync', '-wo -no-lock '),
    'rrsync-no-lock': restricted('/usr/bin/rrsync', '-no-lock '),
    'rrsync-no-del': restricted('/usr/bin/rrsync', '-no-del '),
    'rrsync-no-overwrite': restricted('/usr/bin/rrsync', '-no-overwrite '),
    'rrsync-ro': restricted('/usr/bin/rrsync', '-ro '),
    'old-ordinary': `environment="PATH=${old.binDirectory}:/usr/bin:/bin"`,
    'old-rrsync': restricted(old.rrsync, ''),
    'old-rrsync-wo': restricted(old.rrsync, '-wo '),
    'old-rrsync-wo-no-lock': restricted(old.rrsync, '-wo -no-lock '),
    'old-rrsync-no-del': restricted(old.rrsync, '-no-del '),
  };
}

export type KeyScenario = keyof ReturnType<typeof keyScenarios>;

export interface SshServerOptions<Scenario extends string> {
  /** Whose `authorized_keys` is written. */
  pilosUser: TestUser;
  /** Whose `~/.ssh/config`, keys and `known_hosts` are written; one server for each such user. */
  bbbUser: TestUser;
  /** For the configuration, host key and log. */
  directory: string;
  /** For each scenario the options of its line in `authorized_keys`; see {@link keyScenarios}. */
  keys: Record<Scenario, string>;
  /** The server's, and so its sessions': octal digits; sshd itself always adds 022. */
  umask?: string;
  maxStartups?: number;
  /** What stands before the command of the server, as to run that of another system. */
  enter?: readonly string[];
}

export interface SshServer<Scenario extends string> {
  port: number;
  /** The alias of each scenario in the BBB user's ssh configuration, for `HOST:PATH`. */
  hosts: Record<Scenario, string>;
  configPath: string;
  logPath: string;
  authorizedKeysPath: string;
  knownHostsPath: string;
  /** On the same port and with the same keys as before. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** From here on it takes connections, and says nothing. */
  freeze(): void;
  thaw(): void;
  /** Ids of all processes below the server: sessions, shells, rrsync, rsync. */
  sessionProcesses(): Promise<number[]>;
  /** Cuts every connection; the server itself goes on listening. */
  killConnections(): Promise<void>;
  /** A new host key, unknown to the BBB user, from the next {@link start} on. */
  changeHostKey(): Promise<void>;
}

/** Starts a real sshd on loopback and lets the BBB user reach it as PILOS' documentation says: an alias per key. */
export async function startSshServer<Scenario extends string>(
  options: SshServerOptions<Scenario>,
): Promise<SshServer<Scenario>> {
  const { pilosUser, bbbUser, directory } = options;
  const scenarios = Object.keys(options.keys) as Scenario[];
  const paths = {
    config: join(directory, 'sshd_config'),
    log: join(directory, 'sshd.log'),
    hostKey: join(directory, 'ssh_host_ed25519_key'),
    authorizedKeys: join(pilosUser.home, '.ssh/authorized_keys'),
    clientConfig: join(bbbUser.home, '.ssh/config'),
    knownHosts: join(bbbUser.home, '.ssh/known_hosts'),
  };
  const hosts = Object.fromEntries(scenarios.map((name) => [name, `pilos-${name}`])) as Record<
    Scenario,
    string
  >;
  let listener: ChildProcess | undefined;
  let port = await findFreePort();

  await mkdir(directory, { recursive: true });
  await mkdir('/run/sshd', { recursive: true, mode: 0o755 });
  await generateKey(paths.hostKey);
  await writeClientKeys();
  for (let attempt = 1; ; attempt += 1) {
    await writeFile(paths.config, await renderServerConfig(port, paths.hostKey, options.maxStartups ?? 200));
    try {
      await start();
      break;
    } catch (error) {
      if (attempt === startAttempts) {
        throw error;
      }
      port = await findFreePort();
    }
  }
  await writeOwned(paths.clientConfig, renderClientConfig(), bbbUser);
  await writeOwned(paths.knownHosts, await renderKnownHosts(), bbbUser);

  async function writeClientKeys(): Promise<void> {
    for (const user of [pilosUser, bbbUser]) {
      await mkdir(join(user.home, '.ssh'), { recursive: true, mode: 0o700 });
      await chown(join(user.home, '.ssh'), user.uid, user.gid);
    }
    const lines: string[] = [];
    for (const name of scenarios) {
      const key = identityFile(name);
      await generateKey(key);
      await chown(key, bbbUser.uid, bbbUser.gid);
      lines.push(`${options.keys[name]} ${await readFile(`${key}.pub`, 'utf8')}`.trimStart());
    }
    await writeOwned(paths.authorizedKeys, lines.join(''), pilosUser);
  }

  function identityFile(name: Scenario): string {
    return join(bbbUser.home, '.ssh', `id_ed25519_${name}`);
  }

  function renderClientConfig(): string {
    const block = (name: Scenario) => [
      `Host ${hosts[name]}`,
      '  HostName 127.0.0.1',
      `  Port ${port}`,
      `  User ${pilosUser.name}`,
      `  IdentityFile ${identityFile(name)}`,
      // Every key lies in one directory; ssh must not offer another scenario's.
      '  IdentitiesOnly yes',
      '',
    ];
    return scenarios.flatMap(block).join('\n');
  }

  async function renderKnownHosts(): Promise<string> {
    const [type, key] = (await readFile(`${paths.hostKey}.pub`, 'utf8')).split(' ');
    return `[127.0.0.1]:${port} ${type} ${key}\n`;
  }

  async function start(): Promise<void> {
    const log = await open(paths.log, 'a');
    const command = `umask ${options.umask ?? '022'}; exec ${sshdPath} -D -e -f "$0"`;
    const [program = '', ...words] = [...(options.enter ?? []), '/bin/sh', '-c', command, paths.config];
    listener = spawn(program, words, { stdio: ['ignore', log.fd, log.fd] });
    await log.close();
    const deadline = Date.now() + startDeadlineMs;
    while (!(await answers(port))) {
      if (listener.exitCode !== null || Date.now() > deadline) {
        throw new Error(`sshd does not answer on port ${port}: ${await readFile(paths.log, 'utf8')}`);
      }
      await sleep(20);
    }
  }

  async function stop(): Promise<void> {
    if (listener === undefined) {
      return;
    }
    const sessions = await sessionProcesses();
    if (listener.exitCode === null && listener.signalCode === null) {
      listener.kill('SIGTERM');
      await once(listener, 'exit');
    }
    kill(sessions);
    listener = undefined;
  }

  async function sessionProcesses(): Promise<number[]> {
    return listener?.pid === undefined ? [] : readDescendants(listener.pid);
  }

  return {
    port,
    hosts,
    configPath: paths.config,
    logPath: paths.log,
    authorizedKeysPath: paths.authorizedKeys,
    knownHostsPath: paths.knownHosts,
    start,
    stop,
    freeze: () => void listener?.kill('SIGSTOP'),
    thaw: () => void listener?.kill('SIGCONT'),
    sessionProcesses,
    killConnections: async () => kill(await sessionProcesses()),
    changeHostKey: () => generateKey(paths.hostKey),
  };
}

async function renderServerConfig(port: number, hostKey: string, maxStartups: number): Promise<string> {
  const lines = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${hostKey}`,
    'PidFile none',
    'AuthorizedKeysFile .ssh/authorized_keys',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    // Without PAM sshd takes the user for locked: `adduser --disabled-password` leaves "!" as its password.
    'UsePAM yes',
    // `environment="PATH=…"` before a key chooses the rsync that an ordinary key's shell finds.
    'PermitUserEnvironment PATH',
    `MaxStartups ${maxStartups}`,
    // A fifth of a connection's time is what OpenSSH's own first choice costs more.
    'KexAlgorithms curve25519-sha256',
    'LogLevel VERBOSE',
  ];
  // From OpenSSH 9.8 on, a refused key makes the server shut out 127.0.0.1 for some seconds.
  const penalties = await execa(
    sshdPath,
    ['-t', '-f', '/dev/null', '-h', hostKey, '-o', 'PerSourcePenalties=no'],
    {
      reject: false,
    },
  );
  return [...lines, ...(penalties.failed ? [] : ['PerSourcePenalties no']), ''].join('\n');
}

async function generateKey(path: string): Promise<void> {
  // Without a passphrase; "y" answers the question whether to replace one that is there.
  await execa('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'test', '-f', path], { input: 'y\n' });
}

async function writeOwned(path: string, text: string, owner: TestUser): Promise<void> {
  await writeFile(path, '');
  await chown(path, owner.uid, owner.gid);
  await chmod(path, 0o600);
  await appendFile(path, text);
}

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') {
    throw new Error('no free port on 127.0.0.1');
  }
  return address.port;
}

/** Whether somebody says `SSH-…` there. */
async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    const [greeting] = (await once(socket, 'data', { signal: AbortSignal.timeout(2000) })) as [Buffer];
    return greeting.toString('latin1').startsWith('SSH-');
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** Children before their parents. */
async function readDescendants(parent: number): Promise<number[]> {
  const childrenOf = new Map<number, number[]>();
  for (const entry of await readdir('/proc')) {
    const status = /^\d+$/.test(entry) ? await readFile(`/proc/${entry}/stat`, 'latin1').catch(() => '') : '';
    // The program's name, in parentheses, may itself hold spaces and parentheses.
    const ppid = Number(status.slice(status.lastIndexOf(')') + 2).split(' ')[1]);
    childrenOf.set(ppid, [...(childrenOf.get(ppid) ?? []), Number(entry)]);
  }
  const below = (pid: number): number[] =>
    (childrenOf.get(pid) ?? []).flatMap((child) => [...below(child), child]);
  return below(parent);
}

function kill(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended by itself.
    }
  }
}
