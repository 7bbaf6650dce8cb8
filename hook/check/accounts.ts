/** Who delivers: the user of BBB, its groups, and BBB's worker, which has the groups it was started with. */
import { type Worker, workerUnit } from '../bbb/worker.ts';
import { EXIT } from '../errors.ts';
import { type ChildOptions, runChild } from '../system/child-process.ts';
import { readText, statOrUndefined } from '../system/paths.ts';
import { sh } from '../system/shell-quote.ts';
import { isSystemdRunning } from '../system/systemd.ts';
import { parseAccount } from '../system/user.ts';
import { applicable, ok, problem, type Row, rowsOf, skipped, type Verdict, warning } from './table.ts';

/** The name that BBB's packages give their user. */
const usualUser = 'bigbluebutton';

type Owner = NonNullable<ReturnType<typeof readOwner>>;

export type Accounts = Awaited<ReturnType<typeof readAccounts>>;

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
) {
  const account = owner?.uid === 0 ? undefined : owner?.account;
  return {
    /** The name of the user that checks. */
    ranAs: readOwnName(),
    owner,
    /** Whom BBB's scripts run as; undefined while its directories belong to root, or to nobody. */
    account,
    /** The account's name, or what it is going to be. */
    user: account?.name ?? owner?.otherOwner ?? usualUser,
    /** The account's processes. */
    workers: workers.filter(({ uid }) => uid === account?.uid),
    /** All groups of the account, as the user database has them now; undefined when it does not say. */
    groups: account && (await readGroups(account.name, options)),
    /** Without it, nobody but the admin knows what has started BBB's worker. */
    hasSystemd: isSystemdRunning(),
    /** Names of the groups in `/etc/group`. */
    groupNames: readText('/etc/group')
      .split('\n')
      .map((line) => line.split(':')[0] ?? ''),
  };
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

const row = rowsOf('BigBlueButton');

/** @param ownCommand this program as an admin calls it */
export function accountChecks(accounts: Accounts, ownCommand: string): Row[] {
  const { owner, account, ranAs, hasSystemd, workers } = accounts;
  const pids = workers.map(({ pid }) => pid).join(', ');
  const unit = hasSystemd ? `, ${workerUnit}` : '';
  const isOther = account !== undefined && account.name !== ranAs;
  return applicable(
    row(
      'bbb_user',
      `the user of BBB, who owns ${owner?.directory ?? "BBB's directories"}`,
      decideOwner(accounts),
    ),
    isOther && row('ran_as', `checked as ${ranAs}`, warnOfOther(account.name, ranAs, ownCommand)),
    row('worker', `BBB's worker${unit}${pids && `, runs as process ${pids}`}`, decideWorker(accounts)),
  );
}

export function decideOwner({ owner, user, hasSystemd }: Accounts): Verdict {
  if (owner === undefined) return skipped("BBB's directories are not there");
  const { directory, directories, uid, account, otherOwner, hasUsualUser } = owner;
  if (account !== undefined && uid !== 0) return ok;
  const text = `${directory} belongs to ${uid === 0 ? 'root' : `uid ${uid}, which no user has`}, but BBB's scripts run as ${user}`;
  if (otherOwner !== undefined) return problem(EXIT.config, text, sh`chown ${user}: ${directory}`);
  const give = sh`chown -RH ${user}: ${directories}`;
  const create = `useradd --system --user-group --create-home --shell /bin/bash ${usualUser}`;
  // A worker whose user did not exist has not started.
  const fix = hasUsualUser ? give : withWorker([create, give], 'start', { hasSystemd });
  return problem(EXIT.config, text, fix);
}

function warnOfOther(user: string, ranAs: string, ownCommand: string): Verdict {
  const text = `BBB's scripts run as ${user}, whose rights differ from those of ${ranAs}: check as root`;
  return warning(text, `${ownCommand} check`);
}

function decideWorker({ account, workers, hasSystemd }: Accounts): Verdict {
  if (account === undefined) return skipped('fix bbb_user first');
  if (workers.length > 0) return ok;
  const text = `none runs as ${account.name}: no recording is processed, and nothing calls this program`;
  return warning(text, withWorker([], 'start', { hasSystemd }));
}
