/** The user of BBB, who checks, and BBB's worker. */
import { EXIT } from '../errors.ts';
import { shellQuote } from '../system/shell-quote.ts';
import { type Accounts, usualUser, withWorker, workerUnit } from './accounts.ts';
import { definer } from './define.ts';
import type { Facts } from './facts.ts';
import { ok, problem, skipped, type Verdict, warning } from './result.ts';

const { one } = definer<Facts>('BigBlueButton');

export const accountChecks = [
  one({
    check: 'bbb_user',
    of: ({ accounts }) => accounts,
    title: ({ owner }) => `the user of BBB, who owns ${owner?.directory ?? "BBB's directories"}`,
    decide: decideOwner,
  }),
  one({
    check: 'ran_as',
    of: ({ accounts }) => (accounts.account?.name === accounts.ranAs ? undefined : accounts.account),
    title: (_, { accounts }) => `checked as ${accounts.ranAs}`,
    decide: ({ name }, { accounts, commands }) =>
      warning(
        `BBB's scripts run as ${name}, whose rights differ from those of ${accounts.ranAs}: check as root`,
        `${commands.configured} check`,
      ),
  }),
  one({
    check: 'worker',
    of: ({ accounts }) => accounts,
    title: ({ workers, hasSystemd }) =>
      `BBB's worker${hasSystemd ? `, ${workerUnit}` : ''}${describePids(workers)}`,
    decide: decideWorker,
  }),
];

export function decideOwner({ owner, user, hasSystemd }: Accounts): Verdict {
  if (owner === undefined) return skipped("BBB's directories are not there");
  const { directory, directories, uid, account, otherOwner, hasUsualUser } = owner;
  if (account !== undefined && uid !== 0) return ok;
  const give =
    otherOwner === undefined
      ? `chown -RH ${user}: ${shellQuote(directories)}`
      : `chown ${user}: ${shellQuote([directory])}`;
  const create = `useradd --system --user-group --create-home --shell /bin/bash ${usualUser}`;
  const text = `${directory} belongs to ${uid === 0 ? 'root' : `uid ${uid}, which no user has`}, but BBB's scripts run as ${user}`;
  return problem(
    EXIT.config,
    text,
    // A worker whose user did not exist has not started.
    hasUsualUser || otherOwner !== undefined ? give : withWorker([create, give], 'start', { hasSystemd }),
  );
}

function describePids(workers: Accounts['workers']): string {
  return workers.length === 0 ? '' : `, runs as process ${workers.map(({ pid }) => pid).join(', ')}`;
}

function decideWorker({ account, workers, hasSystemd }: Accounts): Verdict {
  if (account === undefined) return skipped('fix bbb_user first');
  if (workers.length > 0) return ok;
  return warning(
    `none runs as ${account.name}: no recording is processed, and nothing calls this program`,
    withWorker([], 'start', { hasSystemd }),
  );
}
