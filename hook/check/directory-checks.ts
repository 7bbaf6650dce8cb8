/** BBB's directories, and what a delivery writes or runs beside the spool: is it there, and may the user of BBB? */
import { isAtOrBelow } from '../system/mounts.ts';
import type { PathFacts } from '../system/paths.ts';
import { describeUnmounted } from '../system/planned-mount.ts';
import { sh } from '../system/shell-quote.ts';
import { formatBytes } from '../terminal/units.ts';
import type { DirectoryFacts, OwnFiles } from './directory-facts.ts';
import type { Facts } from './facts.ts';
import {
  decideFreeSpace,
  noAccess,
  ok,
  problem,
  type Rows,
  row,
  skipped,
  type Verdict,
  warning,
} from './table.ts';

export function directoryChecks(facts: Facts): Rows {
  const { bbb, statusDir, own } = facts;
  const { user } = facts.accounts;
  const isNew = statusDir.kind === 'missing';
  const status = isNew
    ? skipped('BBB has not created it yet')
    : decideWritable('recording_dir', statusDir, user);
  return [
    ...Object.entries(bbb).map(([key, directory]) => {
      // Without BBB's configuration it is only the usual one.
      const after = directory.kind === 'directory' ? [] : ['bbb_yml'];
      return row(key, `${key}: ${directory.path}`, decideBbbDirectory(key, directory, user), after);
    }),
    row('status_dir', `status files, such as -sender.done: ${statusDir.path}`, status),
    ...(own === undefined ? [] : ownRows(own, facts)),
  ];
}

function ownRows(own: OwnFiles, { bbb, accounts: { user, account }, config }: Facts): Rows {
  const { workDir, logFile, metricsDir, notify, workSpace } = own;
  // What lies in a directory of BBB cannot be judged before that directory.
  const inBbb = ({ path }: PathFacts) =>
    Object.entries(bbb).flatMap(([key, above]) => (isAtOrBelow(path, above.path) ? [key] : []));
  const space = `free space in work_dir: ${workSpace ? formatBytes(workSpace.bytes) : 'unknown'}`;
  const metrics = `directory of metrics_file: ${metricsDir?.path}`;
  const owned = `everything in work_dir belongs to ${user}`;
  const ledger = `the ledger of deliveries: ${workDir.path}/ledger`;
  return [
    row('work_dir', `work_dir: ${workDir.path}`, decideWorkDir(workDir, user), inBbb(workDir)),
    row('log_file', `log_file: ${logFile.path}`, decideLogFile(logFile, user), inBbb(logFile)),
    // The file is replaced by a new one, so what counts is its directory. Other collectors write there as root, or as
    // a member of the group: only the owner is changed.
    metricsDir && row('metrics_file', metrics, decideWritable('metrics_file', metricsDir, user, user)),
    notify && row('notify', `notify: ${notify.program}`, decideNotify(notify, user)),
    account && row('work_dir_owner', owned, decideForeign(own, user), ['work_dir']),
    row('work_space', space, decideWorkSpace(own, config?.spool.kind === 'local'), ['work_dir']),
    row('ledger', ledger, decideLedger(own), ['work_dir']),
  ];
}

function decideBbbDirectory(key: string, facts: DirectoryFacts, user: string): Verdict {
  const { kind, closed } = facts;
  if (closed !== undefined) return noAccess(user, 'read', closed);
  if (kind === 'directory') return ok;
  const missing = `it does not exist: create it unless ${key} in BBB's configuration is wrong`;
  if (kind === 'missing') return decideMissing(problem.setUp, facts, missing, createDirectory(facts, user));
  const fix = `correct ${key} in BBB's configuration, or put a directory there`;
  return problem.setUp('it is neither a directory nor a link to one', fix);
}

/** Where a mount belongs, nothing is created: it would lie below. */
function decideMissing(
  verdict: (text: string, fix: string) => Verdict,
  { unmounted }: DirectoryFacts,
  text: string,
  create: string,
): Verdict {
  if (unmounted === undefined) return verdict(text, create);
  return verdict(describeUnmounted(unmounted), unmounted.command);
}

function createDirectory({ path }: DirectoryFacts, user: string): string {
  return `install -d -o ${user} -g "$(id -gn ${user})" ${sh`${path}`}`;
}

/**
 * A directory that the user of BBB must be able to write to.
 *
 * @param key says in `pilos.yml` where it is
 * @param owner what chown(1) is given
 */
function decideWritable(key: string, facts: DirectoryFacts, user: string, owner = `${user}:`): Verdict {
  const { path, kind, closedAbove, isWritable, uid } = facts;
  if (closedAbove !== undefined) return noAccess(user, 'enter', closedAbove);
  const missing = 'it does not exist, and a delivery cannot create it';
  if (kind === 'missing') return decideMissing(problem.rights, facts, missing, createDirectory(facts, user));
  if (kind !== 'directory') return problem.setUp('it is not a directory', `correct ${key} in pilos.yml`);
  if (isWritable) return ok;
  const fix = `chown ${owner} ${sh`${path} && chmod u+rwx ${path}`}`;
  return problem.rights(`${user} cannot write there: it belongs to uid ${uid}`, fix);
}

/** The first delivery creates it. */
function decideWorkDir(facts: DirectoryFacts, user: string): Verdict {
  return facts.isCreatable ? ok : decideWritable('work_dir', facts, user, `-RH ${user}:`);
}

function decideLogFile(facts: DirectoryFacts, user: string): Verdict {
  const { path, kind, closedAbove, isCreatable, hasParent, isWritable } = facts;
  if (closedAbove !== undefined) return noAccess(user, 'enter', closedAbove);
  if (isWritable || (isCreatable && hasParent)) return ok;
  const give = sh`chown ${user}: ${path} && chmod u+rwX ${path}`;
  if (kind !== 'missing') return problem.rights(`${user} cannot write it`, give);
  const create = `mkdir -p "$(dirname ${sh`${path}`})" && ${sh`touch ${path}`}`;
  return decideMissing(problem.rights, facts, `${user} cannot create it`, `${create} && ${give}`);
}

function decideNotify({ closedAbove, file, mayRun }: NonNullable<OwnFiles['notify']>, user: string): Verdict {
  if (closedAbove !== undefined) return noAccess(user, 'enter', closedAbove);
  if (mayRun) return ok;
  if (file !== undefined) return problem.setUp('it is not executable', sh`chmod a+rx ${file}`);
  return problem.setUp('there is no such program', 'correct notify in pilos.yml');
}

/** What a run as root left, as PILOS' Ruby script does, makes every later one fail. */
function decideForeign({ foreign, workDir }: OwnFiles, user: string): Verdict {
  if (foreign === undefined) return ok;
  const { count, first, isInTheWay } = foreign;
  const text = `${count} of its files and directories belong to somebody else, for example ${first}`;
  return (isInTheWay ? problem.rights : warning)(text, sh`chown -RH ${user}: ${workDir.path}`);
}

/** The ledger needs some in any case; for rsync the whole archive is made there first. */
function decideWorkSpace({ workSpace, workDir }: OwnFiles, isLocal: boolean): Verdict {
  if (workSpace === undefined) return ok;
  const fix = `free some space in ${workDir.path}, or set work_dir in pilos.yml to a larger disk`;
  const verdict = decideFreeSpace(workSpace, 1e7, problem.setUp, fix);
  return verdict.state === 'warning' && isLocal ? ok : verdict;
}

/** The -sender.done files are those of PILOS' own script, or what this program wrote is lost. */
function decideLedger({ hasLedger, senderDoneCount, workDir }: OwnFiles): Verdict {
  if (hasLedger || senderDoneCount === 0) return ok;
  return warning(
    `it is empty, but ${senderDoneCount} meetings have a -sender.done: they count as delivered, and nobody knows what PILOS imported of them`,
    `after PILOS' own script this is normal until the first delivery; otherwise restore ${workDir.path}/ledger from a backup, or correct work_dir`,
  );
}
