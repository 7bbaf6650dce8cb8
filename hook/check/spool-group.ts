/** The group of the spool: is it PILOS', is the user of BBB in it, and BBB's worker? Pure. */
import { EXIT } from '../errors.ts';
import { shellQuote } from '../system/shell-quote.ts';
import { type Accounts, withWorker } from './accounts.ts';
import type { FoundSpool } from './local-spool.ts';
import { ok, problem, skipped, type Verdict } from './result.ts';

type SpoolGroup = Pick<FoundSpool, 'found' | 'groupName' | 'pilosGroup'>;
interface AccountFacts {
  accounts: Pick<Accounts, 'account' | 'user' | 'groups' | 'groupNames' | 'workers' | 'hasSystemd'>;
}

export function describeGroup({ found, groupName }: SpoolGroup): string {
  return groupName ?? `id ${found.gid}`;
}

/**
 * The group is PILOS' own when it is called so, or when only the host of the spool knows its name. Nobody is put
 * into any other group: it may have rights that have nothing to do with recordings.
 */
export function decideGroup(
  { found, groupName, pilosGroup }: SpoolGroup,
  { accounts }: AccountFacts,
): Verdict {
  const { path, mode, gid } = found;
  if (isOpen(mode) || groupName === undefined || groupName.startsWith('pilos-spool')) return ok;
  const { account, groups = [], user } = accounts;
  const quoted = shellQuote([path]);
  const create = pilosGroup === undefined ? 'groupadd --gid 2000 pilos-spool && ' : '';
  const give = `${create}chgrp pilos-spool ${quoted} && chmod g+rwxs ${quoted}`;
  const text = `its group is ${groupName}, so PILOS cannot read and delete archives there`;
  if (pilosGroup !== undefined || gid === 0 || gid === account?.gid)
    return problem(EXIT.permission, text, give);
  if (groups.includes(gid)) return ok;
  return problem(
    EXIT.permission,
    `its group is ${groupName}, and ${user} is not in it`,
    `if PILOS is in ${groupName}, and it is for nothing but the spool: ${withWorker([`usermod --append --groups ${groupName} ${user}`], 'restart', accounts)}; otherwise: ${give}`,
  );
}

export function decideUserGroup(spool: SpoolGroup, { accounts }: AccountFacts): Verdict {
  const { account, user, groups, workers } = accounts;
  if (!needsGroup(spool, account)) return ok;
  if (groups === undefined) return skipped(`'id' does not say the groups of ${user}`);
  const { gid } = spool.found;
  if (groups.includes(gid)) return ok;
  const group = `group ${describeGroup(spool)}`;
  const commands = join(spool, accounts);
  const hasWorker = workers.some((one) => !one.groups.includes(gid));
  return problem(
    EXIT.permission,
    `${user} is not in ${group}, so archives cannot be written, or PILOS cannot delete them`,
    hasWorker ? withWorker(commands, 'restart', accounts) : commands.join(' && '),
  );
}

/** A server that mounts the spool may not know its group by name: the id is what counts. */
function join(
  { found: { gid }, groupName }: SpoolGroup,
  { user, groupNames }: AccountFacts['accounts'],
): string[] {
  const free = ['pilos-spool', `pilos-spool-${gid}`].find((name) => !groupNames.includes(name));
  const name = groupName ?? free ?? 'pilos-spool';
  const create = groupName === undefined ? [`groupadd --gid ${gid} ${name}`] : [];
  return [...create, `usermod --append --groups ${name} ${user}`];
}

/** A worker has the groups that it was started with. */
export function decideWorkerGroup(spool: SpoolGroup, { accounts }: AccountFacts): Verdict {
  const { account, user, groups = [], workers } = accounts;
  const { gid } = spool.found;
  if (!needsGroup(spool, account) || !groups.includes(gid)) return ok;
  if (workers.length === 0) return skipped('no worker runs');
  const without = workers.filter((one) => !one.groups.includes(gid));
  if (without.length === 0) return ok;
  const pids = without.map(({ pid }) => pid).join(', ');
  const text = `process ${pids} was started before ${user} came into group ${describeGroup(spool)}, and is not in it`;
  return problem(EXIT.permission, text, withWorker([], 'restart', accounts));
}

/** With setgid, files get the group by themselves; then it is enough to be allowed to write. */
function needsGroup({ found: { mode, uid } }: SpoolGroup, account: Accounts['account']): boolean {
  const writesAnyway = (uid === account?.uid && (mode & 0o300) === 0o300) || (mode & 0o003) === 0o003;
  return !((mode & 0o2000) !== 0 && writesAnyway);
}

function isOpen(mode: number): boolean {
  return (mode & 0o007) === 0o007;
}
