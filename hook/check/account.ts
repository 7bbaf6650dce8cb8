/** Who delivers: the user of BBB, its groups, and the worker that calls us with the groups it was started with. */
import { EXIT } from '../errors.ts';
import { shellQuote } from '../system/shell-quote.ts';
import type { Account } from '../system/user.ts';
import { type Look, ok, problem, skipped, warning } from './finding.ts';
import { type OwnerFacts, usualUser, type WorkerProcess } from './processes.ts';

const workerUnit = 'bbb-rap-resque-worker.service';

/** The owner of BBB's directories is who delivers. */
export function decideOwner(facts: OwnerFacts | undefined): Look {
  if (facts === undefined) return skipped('bbb-user', 'the user of BBB', "BBB's directories are not there");
  const { directory, directories, uid, account, otherOwner, isUsualUserThere } = facts;
  if (account !== undefined && uid !== 0) {
    return ok('bbb-user', `user ${account.name}, to whom ${directory} belongs`);
  }
  const user = otherOwner ?? usualUser;
  const give =
    otherOwner === undefined
      ? `chown -RH ${user}: ${shellQuote(directories)}`
      : `chown ${user}: ${shellQuote([directory])}`;
  const create = `useradd --system --user-group --create-home --shell /bin/bash ${usualUser}`;
  return problem('bbb-user', `the user to whom ${directory} belongs`, EXIT.config, {
    problem: `it belongs to ${uid === 0 ? 'root' : `the uid ${uid}, which no user has`}, but BBB's scripts run as ${user}`,
    // A worker whose user was not there did not start.
    fix:
      isUsualUserThere || otherOwner !== undefined
        ? give
        : `${create} && ${give} && systemctl restart ${workerUnit}`,
  });
}

/** Who asks: what root or somebody else may do says little about what BBB's user may. */
export function decideAsker(asker: string, account: Account | undefined, ownCommand: string): Look[] {
  if (account === undefined || asker === account.name) return [];
  return [
    warning('ran-as', `checked as ${asker}`, {
      problem: `BBB's scripts run as ${account.name}, who may do other things than ${asker}: check it as root`,
      fix: `${ownCommand} check`,
    }),
  ];
}

export function decideWorker(account: Account | undefined, workers: readonly WorkerProcess[]): Look {
  const lookedAt = `BBB's worker (${workerUnit})`;
  if (account === undefined) return skipped('worker', lookedAt, 'its user is not known');
  const own = workers.filter(({ uid }) => uid === account.uid);
  if (own.length > 0) {
    return ok(
      'worker',
      `${lookedAt} runs as ${account.name}, process ${own.map(({ pid }) => pid).join(', ')}`,
    );
  }
  return warning('worker', lookedAt, {
    problem: `none runs as ${account.name}: no recording is processed, and nothing calls this program`,
    fix: `systemctl start ${workerUnit}`,
  });
}

export interface MembershipFacts {
  account: Account;
  /** All groups of the account, as the user database has them now. */
  userGroups: readonly number[];
  workers: readonly WorkerProcess[];
  spool: { path: string; mode: number; uid: number; gid: number };
  /** Undefined when the group id has no name on this server. */
  groupName: string | undefined;
  isGroupNameFree: (name: string) => boolean;
}

/** Is the user in the group of the spool directory, and was the worker started after it came in? */
export function decideMembership(facts: MembershipFacts): Look[] {
  const { account, userGroups, spool, groupName } = facts;
  const group = groupName === undefined ? `group id ${spool.gid}` : `group ${groupName}`;
  const lookedAt = `${account.name} is in ${group} of ${spool.path}`;
  if (!needsGroup(facts)) {
    const reason = `${account.name} need not be in ${group} to write ${spool.path}`;
    return [ok('user-group', reason), ok('worker-group', reason)];
  }
  if (userGroups.includes(spool.gid)) return [ok('user-group', lookedAt), decideWorkerGroup(facts, group)];
  const restart = `systemctl restart ${workerUnit}`;
  return [
    problem('user-group', lookedAt, EXIT.permission, {
      problem: `${account.name} is not in ${group}, so archives cannot be written, or PILOS cannot delete them`,
      fix: [...nameGroup(facts), restart].join(' && '),
    }),
    skipped('worker-group', `the groups of BBB's worker`, `${account.name} is not in ${group} yet`),
  ];
}

/** A server that mounts the spool may not know its group by name: the id is what counts. */
function nameGroup({ account, spool, groupName, isGroupNameFree }: MembershipFacts): string[] {
  const free = ['pilos-spool', `pilos-spool-${spool.gid}`].find(isGroupNameFree) ?? 'pilos-spool';
  const name = groupName ?? free;
  const create = groupName === undefined ? [`groupadd --gid ${spool.gid} ${name}`] : [];
  return [...create, `usermod --append --groups ${name} ${account.name}`];
}

/** With setgid the group comes by itself; then it is enough to be allowed to write. */
function needsGroup({ account, spool }: MembershipFacts): boolean {
  const isSetgid = (spool.mode & 0o2000) !== 0;
  const writesAnyway =
    (spool.uid === account.uid && (spool.mode & 0o300) === 0o300) || (spool.mode & 0o003) === 0o003;
  return !(isSetgid && writesAnyway);
}

function decideWorkerGroup({ account, workers, spool }: MembershipFacts, group: string): Look {
  const lookedAt = `BBB's worker is in ${group}, too`;
  const own = workers.filter(({ uid }) => uid === account.uid);
  if (own.length === 0) return skipped('worker-group', lookedAt, 'no worker runs');
  const without = own.filter(({ groups }) => !groups.includes(spool.gid));
  if (without.length === 0) return ok('worker-group', lookedAt);
  return problem('worker-group', lookedAt, EXIT.permission, {
    problem: `process ${without.map(({ pid }) => pid).join(', ')} was started before ${account.name} came into ${group}, and is not in it`,
    fix: `systemctl restart ${workerUnit}`,
  });
}
