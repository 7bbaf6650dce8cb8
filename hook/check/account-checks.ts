/** The user of BBB, who checks, and BBB's worker. */
import { EXIT } from '../errors.ts';
import { sh } from '../system/shell-quote.ts';
import { type Accounts, usualUser, withWorker, workerUnit } from './accounts.ts';
import type { Facts } from './facts.ts';
import { listed, ok, problem, type Row, rowsOf, skipped, type Verdict, warning } from './table.ts';

const row = rowsOf('BigBlueButton');

export function accountChecks({ accounts, commands }: Facts): Row[] {
  const { owner, account, ranAs, hasSystemd, workers } = accounts;
  const pids = workers.map(({ pid }) => pid).join(', ');
  const unit = hasSystemd ? `, ${workerUnit}` : '';
  const isOther = account !== undefined && account.name !== ranAs;
  return listed(
    row(
      'bbb_user',
      `the user of BBB, who owns ${owner?.directory ?? "BBB's directories"}`,
      decideOwner(accounts),
    ),
    isOther && row('ran_as', `checked as ${ranAs}`, warnOfOther(account.name, ranAs, commands)),
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

function warnOfOther(user: string, ranAs: string, { configured }: Facts['commands']): Verdict {
  const text = `BBB's scripts run as ${user}, whose rights differ from those of ${ranAs}: check as root`;
  return warning(text, `${configured} check`);
}

function decideWorker({ account, workers, hasSystemd }: Accounts): Verdict {
  if (account === undefined) return skipped('fix bbb_user first');
  if (workers.length > 0) return ok;
  const text = `none runs as ${account.name}: no recording is processed, and nothing calls this program`;
  return warning(text, withWorker([], 'start', { hasSystemd }));
}
