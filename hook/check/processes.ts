/** What the kernel and the user database tell about BBB's worker and user. */
import { readdirSync, readFileSync } from 'node:fs';
import { type Account, parseAccount } from '../system/user.ts';
import { statOrUndefined } from './access.ts';
import { type RunOptions, run } from './run.ts';

/** The name that BBB's packages give their user. */
export const usualUser = 'bigbluebutton';

export interface OwnerFacts {
  /** BBB's directory whose owner counts. */
  directory: string;
  /** All of BBB's directories that are there. */
  directories: readonly string[];
  uid: number;
  account: Account | undefined;
  /** The name of another owner of BBB's directories, who is neither root nor without a name. */
  otherOwner: string | undefined;
  /** A user `bigbluebutton` exists. */
  isUsualUserThere: boolean;
}

/** One process of BBB's worker. */
export interface WorkerProcess {
  pid: number;
  uid: number;
  /** Its group and its supplementary groups, as they were when it was started. */
  groups: number[];
}

/** All processes of the worker that we may see. */
export function readWorkers(): WorkerProcess[] {
  const workers: WorkerProcess[] = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const command = readOrEmpty(`/proc/${name}/cmdline`).replaceAll('\0', ' ');
    if (command === '' || !isWorker(command, readOrEmpty(`/proc/${name}/cgroup`))) continue;
    const worker = parseWorker(Number(name), readOrEmpty(`/proc/${name}/status`));
    if (worker !== undefined) workers.push(worker);
  }
  return workers;
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
export function parseWorker(pid: number, status: string): WorkerProcess | undefined {
  const field = (name: string) =>
    new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1]?.split(/\s+/).filter(Boolean).map(Number);
  // Real, effective, saved and file system ids.
  const uid = field('Uid')?.[1];
  const gid = field('Gid')?.[1];
  if (uid === undefined || gid === undefined) return undefined;
  return { pid, uid, groups: [...new Set([gid, ...(field('Groups') ?? [])])] };
}

/** The owner of the first of BBB's directories that is there. */
export function readOwner(directories: readonly string[]): OwnerFacts | undefined {
  const passwd = readOrEmpty('/etc/passwd');
  const isUsualUserThere = passwd.split('\n').some((line) => line.startsWith(`${usualUser}:`));
  const owners = directories.flatMap((directory) => {
    const uid = statOrUndefined(directory)?.uid;
    return uid === undefined ? [] : [{ directory, uid, account: parseAccount(passwd, uid) }];
  });
  const [first, ...others] = owners;
  const otherOwner = others.find(({ uid, account }) => uid !== 0 && account !== undefined)?.account?.name;
  if (first === undefined) return undefined;
  const there = owners.map(({ directory }) => directory);
  return { ...first, directories: there, otherOwner, isUsualUserThere };
}

/** The name of the user that this process is now. */
export function readAsker(): string {
  const uid = process.geteuid?.() ?? 0;
  return parseAccount(readOrEmpty('/etc/passwd'), uid)?.name ?? `uid ${uid}`;
}

/** Asked of the program that also knows groups which do not stand in `/etc/group`; undefined without an answer. */
export async function readGroups(account: Account, options: RunOptions): Promise<number[] | undefined> {
  const { stdout } = await run(['id', '-G', account.name], options);
  const groups = stdout.trim().split(/\s+/).filter(Boolean).map(Number);
  return groups.length > 0 ? groups : undefined;
}

export async function readGroupName(gid: number, options: RunOptions): Promise<string | undefined> {
  const { stdout } = await run(['getent', 'group', String(gid)], options);
  return stdout.split(':')[0] || undefined;
}

export function readGroupNames(): string[] {
  return readOrEmpty('/etc/group')
    .split('\n')
    .map((line) => line.split(':')[0] ?? '');
}

export function readOrEmpty(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
