/** Who delivers: the user of BBB, its groups, and BBB's worker, which has the groups it was started with. */
import type { Worker } from '../bbb/worker.ts';
import { type ChildOptions, runChild } from '../system/child-process.ts';
import { readText, statOrUndefined } from '../system/paths.ts';
import { isSystemdRunning } from '../system/systemd.ts';
import { nameOfUser, readAccount } from '../system/user.ts';

/** The name that BBB's packages give their user. */
export const usualUser = 'bigbluebutton';

export type Accounts = Awaited<ReturnType<typeof readAccounts>>;

/** @param workers read as root, before it became the user of BBB */
export async function readAccounts(
  owner: ReturnType<typeof readOwner>,
  workers: readonly Worker[],
  options: ChildOptions,
) {
  const account = owner?.uid === 0 ? undefined : owner?.account;
  return {
    /** The name of the user that checks. */
    ranAs: nameOfUser(process.geteuid?.() ?? 0),
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
  };
}

/**
 * The owner of the first of BBB's directories that is there. `otherOwner`: the name of another one's, who is neither root
 * nor without a name.
 */
export function readOwner(directories: readonly string[]) {
  const owners = directories.flatMap((directory) => {
    const uid = statOrUndefined(directory)?.uid;
    return uid === undefined ? [] : [{ directory, uid, account: readAccount(uid) }];
  });
  const [first, ...others] = owners;
  if (first === undefined) return undefined;
  return {
    ...first,
    directories: owners.map(({ directory }) => directory),
    otherOwner: others.find(({ uid, account }) => uid !== 0 && account !== undefined)?.account?.name,
    hasUsualUser: readText('/etc/passwd')
      .split('\n')
      .some((line) => line.startsWith(`${usualUser}:`)),
  };
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
