/** Group and mode of the spool: is the group PILOS', is the user of BBB in it, and BBB's worker? Pure. */
import { sh } from '../system/shell-quote.ts';
import { withWorker } from './account-checks.ts';
import { asRoot, pilosGroupFor } from './as-root.ts';
import type { FoundSpool } from './local-spool-facts.ts';
import { ok, problem, skipped, type Verdict, warning } from './table.ts';

export function describeGroup({ found, groupName }: FoundSpool): string {
  return groupName ?? `id ${found.gid}`;
}

/** The group is PILOS' own when it is called so, or when only the host of the spool knows its name. */
function isSpoolGroup({ groupName }: FoundSpool): boolean {
  return groupName === undefined || groupName.startsWith('pilos-spool');
}

/** Everybody reads and deletes archives there. */
function isOpen({ found }: FoundSpool): boolean {
  return (found.mode & 0o007) === 0o007;
}

/** Nobody is put into another group than PILOS' own: it may have rights that have nothing to do with recordings. */
export function decideGroup(spool: FoundSpool): Verdict {
  const { groupName, pilosGroup, accounts, mount } = spool;
  const { path, gid } = spool.found;
  if (isOpen(spool) || isSpoolGroup(spool)) return ok;
  const { account, groups = [], user } = accounts;
  const { create, group } = pilosGroupFor(mount, pilosGroup);
  const change = (places: readonly string[]) => sh`chgrp ${group} ${places} && chmod g+rwxs ${places}`;
  const give = asRoot(mount, [path], (places) => `${create}${change(places)}`);
  if (pilosGroup !== undefined || gid === 0 || gid === account?.gid)
    return problem.rights(`its group is ${groupName}, so PILOS cannot read and delete archives there`, give);
  if (groups.includes(gid)) return ok;
  const join = withWorker([`usermod --append --groups ${groupName} ${user}`], 'restart', accounts);
  return problem.rights(
    `its group is ${groupName}, and ${user} is not in it`,
    `if PILOS is in ${groupName}, and it is for nothing but the spool: ${join}; otherwise: ${give}`,
  );
}

export function decideUserGroup(spool: FoundSpool): Verdict {
  const { accounts, pilosGroup, groupName } = spool;
  const { user, groups, workers } = accounts;
  if (!needsGroup(spool) || serverDecides(spool)) return ok;
  if (groups === undefined) return skipped(`'id' does not say the groups of ${user}`);
  const { gid } = spool.found;
  if (groups.includes(gid)) return ok;
  // A server that mounts the spool may not know its group by name: the id is what counts.
  const name = groupName ?? (pilosGroup === undefined ? 'pilos-spool' : `pilos-spool-${gid}`);
  const create = groupName === undefined ? [`groupadd --gid ${gid} ${name}`] : [];
  const commands = [...create, `usermod --append --groups ${name} ${user}`];
  const hasWorker = workers.some((one) => !one.groups.includes(gid));
  return problem.rights(
    `${user} is not in group ${describeGroup(spool)}, so archives cannot be written, or PILOS cannot delete them`,
    hasWorker ? withWorker(commands, 'restart', accounts) : commands.join(' && '),
  );
}

/** A worker has the groups that it was started with. */
export function decideWorkerGroup(spool: FoundSpool): Verdict {
  const { user, groups = [], workers } = spool.accounts;
  const { gid } = spool.found;
  if (!needsGroup(spool) || !groups.includes(gid)) return ok;
  if (workers.length === 0) return skipped('no worker runs');
  const without = workers.filter((one) => !one.groups.includes(gid)).map(({ pid }) => pid);
  if (without.length === 0) return ok;
  const text = `process ${without.join(', ')} was started before ${user} came into group ${describeGroup(spool)}, and is not in it`;
  return problem.rights(text, withWorker([], 'restart', spool.accounts));
}

/** NFS: by squashing, or by groups of its own, the server let the test file be written, with the group of the spool. */
function serverDecides({ answers, mount, found }: FoundSpool): boolean {
  const written = answers.get('')?.write?.found;
  return mount.type.startsWith('nfs') && written?.gid === found.gid;
}

/** With setgid, files get the group by themselves; then it is enough to be allowed to write. */
function needsGroup(spool: FoundSpool): boolean {
  if (isOpen(spool) && !isSpoolGroup(spool)) return false;
  const { accounts } = spool;
  const { mode, uid } = spool.found;
  const writesAnyway =
    (uid === accounts.account?.uid && (mode & 0o300) === 0o300) || (mode & 0o003) === 0o003;
  return (mode & 0o2000) === 0 || !writesAnyway;
}

/** PILOS reads and deletes archives as a member of the directory's group. */
export function decideMode(
  { path, mode }: Pick<FoundSpool['found'], 'path' | 'mode'>,
  mount: FoundSpool['mount'],
): Verdict {
  const isClosed = (mode & 0o070) !== 0o070 && (mode & 0o007) !== 0o007;
  const isSticky = (mode & 0o1000) !== 0;
  const rules = [
    [isClosed, 'the group may not read and delete there, so PILOS cannot import', 'g+rwx'],
    [isSticky, 'the sticky bit keeps PILOS from deleting what it has imported', '-t'],
    [(mode & 0o2000) === 0, 'without the setgid bit, files get the group of their writer', 'g+s'],
  ] as const;
  const broken = rules.filter(([isBroken]) => isBroken);
  if (broken.length === 0) return ok;
  const change = broken.map(([, , one]) => one).join(',');
  const fix = asRoot(mount, [path], (places) => sh`chmod ${change} ${places}`);
  return (isClosed || isSticky ? problem.rights : warning)(broken.map(([, what]) => what).join('; '), fix);
}
