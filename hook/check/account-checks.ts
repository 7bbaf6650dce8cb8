/** The user of BBB, who checks, and BBB's worker. */
import { EXIT } from '../errors.ts';
import { sh } from '../system/shell-quote.ts';
import { type Accounts, usualUser, withWorker, workerUnit } from './accounts.ts';
import type { Facts } from './facts.ts';
import { definer, ok, problem, skipped, type Verdict, warning } from './table.ts';

const { one } = definer<Facts>('BigBlueButton');

export const accountChecks = [
  one(
    'bbb_user',
    ({ accounts }) => accounts,
    ({ owner }) => `the user of BBB, who owns ${owner?.directory ?? "BBB's directories"}`,
    decideOwner,
  ),
  one(
    'ran_as',
    ({ accounts: { account, ranAs } }) => (account?.name === ranAs ? undefined : account),
    (_, { accounts }) => `checked as ${accounts.ranAs}`,
    ({ name }, { accounts, commands }) =>
      warning(
        `BBB's scripts run as ${name}, whose rights differ from those of ${accounts.ranAs}: check as root`,
        `${commands.configured} check`,
      ),
  ),
  one('worker', ({ accounts }) => accounts, describeWorker, decideWorker),
];

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

function describeWorker({ workers, hasSystemd }: Accounts): string {
  const pids = workers.map(({ pid }) => pid).join(', ');
  return `BBB's worker${hasSystemd ? `, ${workerUnit}` : ''}${pids === '' ? '' : `, runs as process ${pids}`}`;
}

function decideWorker({ account, workers, hasSystemd }: Accounts): Verdict {
  if (account === undefined) return skipped('fix bbb_user first');
  if (workers.length > 0) return ok;
  return warning(
    `none runs as ${account.name}: no recording is processed, and nothing calls this program`,
    withWorker([], 'start', { hasSystemd }),
  );
}
