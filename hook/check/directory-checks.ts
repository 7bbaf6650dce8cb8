/** BBB's directories, and what a delivery writes or runs beside the spool: is it there, and may the user of BBB? */
import { EXIT } from '../errors.ts';
import { isAtOrBelow } from '../system/mounts.ts';
import type { PathFacts } from '../system/paths.ts';
import { sh } from '../system/shell-quote.ts';
import { formatBytes } from '../terminal/units.ts';
import type { Facts } from './facts.ts';
import { decideForeign, decideLedger, decideWorkSpace, type OwnFiles } from './own-files.ts';
import { applicable, noAccess, ok, problem, type Row, rowsOf, skipped, type Verdict } from './table.ts';

const row = rowsOf('BigBlueButton');

export function directoryChecks(facts: Facts): Row[] {
  const { bbb, statusDir, own } = facts;
  const { user } = facts.accounts;
  const status =
    statusDir.kind === 'missing'
      ? skipped('BBB has not created it yet')
      : decideWritable('recording_dir', statusDir, user, `${user}:`);
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

function ownRows(own: OwnFiles, { bbb, accounts: { user, account }, config }: Facts): Row[] {
  const { workDir, logFile, metricsDir, notify, workSpace } = own;
  // What lies in a directory of BBB cannot be judged before that directory.
  const inBbb = ({ path }: PathFacts) =>
    Object.entries(bbb).flatMap(([key, above]) => (isAtOrBelow(path, above.path) ? [key] : []));
  const inWorkDir = ['work_dir'];
  const owned = `everything in work_dir belongs to ${user}`;
  const space = workSpace ? formatBytes(workSpace.bytes) : 'unknown';
  const ledger = `the ledger of deliveries: ${workDir.path}/ledger`;
  const metrics = `directory of metrics_file: ${metricsDir?.path}`;
  return applicable(
    row('work_dir', `work_dir: ${workDir.path}`, decideWorkDir(workDir, user), inBbb(workDir)),
    row('log_file', `log_file: ${logFile.path}`, decideLogFile(logFile, user), inBbb(logFile)),
    // The file is replaced by a new one, so what counts is its directory. Other collectors write there as root, or as
    // a member of the group: only the owner is changed.
    metricsDir && row('metrics_file', metrics, decideWritable('metrics_file', metricsDir, user, user)),
    notify && row('notify', `notify: ${notify.program}`, decideNotify(notify, user)),
    account && row('work_dir_owner', owned, decideForeign(own, user), inWorkDir),
    row('work_space', `free space in work_dir: ${space}`, decideWorkSpace(own, config), inWorkDir),
    row('ledger', ledger, decideLedger(own), inWorkDir),
  );
}

function decideBbbDirectory(key: string, facts: PathFacts, user: string): Verdict {
  if (facts.closed !== undefined) return noAccess(user, 'read', facts.closed);
  if (facts.kind === 'directory') return ok;
  if (facts.kind !== 'missing') {
    const fix = `correct ${key} in BBB's configuration, or put a directory there`;
    return problem(EXIT.config, 'it is neither a directory nor a link to one', fix);
  }
  const text = `it does not exist: create it unless ${key} in BBB's configuration is wrong`;
  return problem(EXIT.config, text, createDirectory(facts.path, user));
}

function createDirectory(path: string, user: string): string {
  return `install -d -o ${user} -g "$(id -gn ${user})" ${sh`${path}`}`;
}

/**
 * A directory that the user of BBB must be able to write to.
 *
 * @param key says in `pilos.yml` where it is
 * @param owner what chown(1) is given
 */
function decideWritable(key: string, facts: PathFacts, user: string, owner: string): Verdict {
  const { path, kind, closedAbove, isWritable, uid } = facts;
  if (closedAbove !== undefined) return noAccess(user, 'enter', closedAbove);
  if (kind === 'missing') {
    const text = 'it does not exist, and a delivery cannot create it';
    return problem(EXIT.permission, text, createDirectory(path, user));
  }
  if (kind !== 'directory')
    return problem(EXIT.config, 'it is not a directory', `correct ${key} in pilos.yml`);
  if (isWritable) return ok;
  const text = `${user} cannot write there: it belongs to uid ${uid}`;
  return problem(EXIT.permission, text, `chown ${owner} ${sh`${path} && chmod u+rwx ${path}`}`);
}

/** The first delivery creates it. */
function decideWorkDir(facts: PathFacts, user: string): Verdict {
  const { kind, closedAbove, isCreatable } = facts;
  if (kind === 'missing' && closedAbove === undefined && isCreatable) return ok;
  return decideWritable('work_dir', facts, user, `-RH ${user}:`);
}

function decideLogFile(facts: PathFacts, user: string): Verdict {
  const { path, kind, closedAbove, isCreatable, hasParent, isWritable } = facts;
  if (closedAbove !== undefined) return noAccess(user, 'enter', closedAbove);
  const isMissing = kind === 'missing';
  if (isMissing ? isCreatable && hasParent : isWritable) return ok;
  const create = isMissing ? `mkdir -p "$(dirname ${sh`${path}`})" && ${sh`touch ${path}`} && ` : '';
  return problem(
    EXIT.permission,
    `${user} cannot ${isMissing ? 'create' : 'write'} it`,
    `${create}${sh`chown ${user}: ${path} && chmod u+rwX ${path}`}`,
  );
}

function decideNotify({ closedAbove, file, mayRun }: NonNullable<OwnFiles['notify']>, user: string): Verdict {
  if (closedAbove !== undefined) return noAccess(user, 'enter', closedAbove);
  if (mayRun) return ok;
  if (file !== undefined) return problem(EXIT.config, 'it is not executable', sh`chmod a+rx ${file}`);
  return problem(EXIT.config, 'there is no such program', 'correct notify in pilos.yml');
}
