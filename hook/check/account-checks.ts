/** Is there a user of BBB, and does BBB's worker run as that? */
import { workerUnit } from '../bbb/worker.ts';
import { sh } from '../system/shell-quote.ts';
import { type Accounts, usualUser } from './account-facts.ts';
import type { Facts } from './facts.ts';
import { ok, problem, type Rows, row, skipped, type Verdict, warning } from './table.ts';

export function accountChecks({ accounts, commands }: Facts): Rows {
  const { owner, account, ranAs, hasSystemd, workers } = accounts;
  const title = `the user of BBB, who owns ${owner?.directory ?? "BBB's directories"}`;
  const pids = workers.map(({ pid }) => pid).join(', ');
  const worker = `BBB's worker${hasSystemd ? `, ${workerUnit}` : ''}${pids && `, runs as process ${pids}`}`;
  const differs = `BBB's scripts run as ${account?.name}, whose rights differ from those of ${ranAs}: check as root`;
  return [
    row('bbb_user', title, decideOwner(accounts)),
    account !== undefined &&
      account.name !== ranAs &&
      row('ran_as', `checked as ${ranAs}`, warning(differs, `${commands.configured} check`)),
    row('worker', worker, decideWorker(accounts)),
  ];
}

export function decideOwner({ owner, user, hasSystemd }: Accounts): Verdict {
  if (owner === undefined) return skipped("BBB's directories are not there");
  const { directory, directories, uid, account, otherOwner, hasUsualUser } = owner;
  if (account !== undefined && uid !== 0) return ok;
  const text = `${directory} belongs to ${uid === 0 ? 'root' : `uid ${uid}, which no user has`}, but BBB's scripts run as ${user}`;
  if (otherOwner !== undefined) return problem.setUp(text, sh`chown ${user}: ${directory}`);
  const give = sh`chown -RH ${user}: ${directories}`;
  const create = `useradd --system --user-group --create-home --shell /bin/bash ${usualUser}`;
  // A worker whose user did not exist has not started.
  return problem.setUp(text, hasUsualUser ? give : withWorker([create, give], 'start', { hasSystemd }));
}

function decideWorker({ account, workers, hasSystemd }: Accounts): Verdict {
  if (account === undefined) return skipped('fix bbb_user first');
  if (workers.length > 0) return ok;
  const text = `none runs as ${account.name}: no recording is processed, and nothing calls this program`;
  return warning(text, withWorker([], 'start', { hasSystemd }));
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
