/** Who delivers: the user of BBB, its groups, and BBB's worker, which has the groups it was started with. */
import { readdirSync } from 'node:fs';
import { type ChildOptions, runChild } from '../system/child-process.ts';
import { readText, statOrUndefined } from '../system/paths.ts';
import { isSystemdRunning } from '../system/systemd.ts';
import { type Account, parseAccount } from '../system/user.ts';

export const workerUnit = 'bbb-rap-resque-worker.service';
/** The name that BBB's packages give their user. */
export const usualUser = 'bigbluebutton';

type Owner = NonNullable<ReturnType<typeof readOwner>>;

/** One process of BBB's worker. */
export interface Worker {
  pid: number;
  uid: number;
  /** Its group and its supplementary groups, as they were when it was started. */
  groups: number[];
}

export interface Accounts {
  /** The name of the user that checks. */
  ranAs: string;
  owner: Owner | undefined;
  /** Whom BBB's scripts run as; undefined while its directories belong to root, or to nobody. */
  account: Account | undefined;
  /** The account's name, or what it is going to be. */
  user: string;
  /** The account's processes. */
  workers: readonly Worker[];
  /** All groups of the account, as the user database has them now; undefined when it does not say. */
  groups: readonly number[] | undefined;
  /** Without it, nobody but the admin knows what has started BBB's worker. */
  hasSystemd: boolean;
  /** Names of the groups in `/etc/group`. */
  groupNames: readonly string[];
}

/** The commands, and what brings BBB's worker up after them: a command for a shell, or without systemd a sentence. */
export function withWorker(
  commands: readonly string[],
  verb: 'start' | 'restart',
  { hasSystemd }: Pick<Accounts, 'hasSystemd'>,
): string {
  if (hasSystemd) return [...commands, `systemctl ${verb} ${workerUnit}`].join(' && ');
  if (commands.length === 0) return `${verb} BBB's worker; in a container, restart that`;
  const run = `run '${commands.join(' && ')}', and ${verb} BBB's worker`;
  return `${run}; in a container, let its start do so (docs/containers.md)`;
}

/** @param workers read as root, before it became the user of BBB */
export async function readAccounts(
  owner: Owner | undefined,
  workers: readonly Worker[],
  options: ChildOptions,
): Promise<Accounts> {
  const account = owner?.uid === 0 ? undefined : owner?.account;
  return {
    ranAs: readOwnName(),
    owner,
    account,
    user: account?.name ?? owner?.otherOwner ?? usualUser,
    workers: workers.filter(({ uid }) => uid === account?.uid),
    groups: account && (await readGroups(account.name, options)),
    hasSystemd: isSystemdRunning(),
    groupNames: readText('/etc/group')
      .split('\n')
      .map((line) => line.split(':')[0] ?? ''),
  };
}

/** All processes of BBB's worker that we may see. */
export function readWorkers(): Worker[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.flatMap((pid) => {
    const command = readText(`/proc/${pid}/cmdline`).replaceAll('\0', ' ');
    if (command === '' || !isWorker(command, readText(`/proc/${pid}/cgroup`))) return [];
    return parseWorker(Number(pid), readText(`/proc/${pid}/status`)) ?? [];
  });
}

/**
 * BBB's unit starts `rake -f ../Rakefile resque:workers`, which renames itself to `resque-2.6.0: Waiting for
 * rap:archive,…` (procline in resque's worker.rb).
 */
export function isWorker(command: string, cgroup: string): boolean {
  if (cgroup.includes('/bbb-rap-resque-worker.service')) return true;
  return /^resque-[\d.]+: /.test(command) || /\brake\b.*\bresque:work/.test(command);
}

/** The text of `/proc/PID/status`, see proc_pid_status(5). */
export function parseWorker(pid: number, status: string): Worker | undefined {
  const field = (name: string) =>
    new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1]?.split(/\s+/).filter(Boolean).map(Number);
  // Real, effective, saved and file system ids.
  const uid = field('Uid')?.[1];
  const gid = field('Gid')?.[1];
  if (uid === undefined || gid === undefined) return undefined;
  return { pid, uid, groups: [...new Set([gid, ...(field('Groups') ?? [])])] };
}

/**
 * The owner of the first of BBB's directories that is there. `otherOwner`: the name of another one's, who is neither root
 * nor without a name.
 */
export function readOwner(directories: readonly string[]) {
  const passwd = readText('/etc/passwd');
  const hasUsualUser = passwd.split('\n').some((line) => line.startsWith(`${usualUser}:`));
  const owners = directories.flatMap((directory) => {
    const uid = statOrUndefined(directory)?.uid;
    return uid === undefined ? [] : [{ directory, uid, account: parseAccount(passwd, uid) }];
  });
  const [first, ...others] = owners;
  if (first === undefined) return undefined;
  const otherOwner = others.find(({ uid, account }) => uid !== 0 && account !== undefined)?.account?.name;
  return { ...first, directories: owners.map(({ directory }) => directory), otherOwner, hasUsualUser };
}

function readOwnName(): string {
  const uid = process.geteuid?.() ?? 0;
  return parseAccount(readText('/etc/passwd'), uid)?.name ?? `uid ${uid}`;
}

/** Asked of the program that also knows groups which are not in `/etc/group`. */
async function readGroups(name: string, options: ChildOptions): Promise<number[] | undefined> {
  const { stdout } = await runChild(['id', '-G', name], options);
  const groups = stdout.trim().split(/\s+/).filter(Boolean).map(Number);
  return groups.length > 0 ? groups : undefined;
}

/** @param group its name or its id */
export async function readGroup(group: string | number, options: ChildOptions) {
  const { stdout } = await runChild(['getent', 'group', String(group)], options);
  const [name, , gid] = stdout.trim().split(':');
  return name && gid ? { name, gid: Number(gid) } : undefined;
}
