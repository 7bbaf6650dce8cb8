/** BBB's directories, and what a delivery writes or runs beside the spool: is it there, and may the user of BBB? */
import { EXIT } from '../errors.ts';
import { isAtOrBelow } from '../system/mounts.ts';
import { sh } from '../system/shell-quote.ts';
import type { Facts } from './facts.ts';
import type { OwnFiles } from './own-files.ts';
import type { PathFacts } from './paths.ts';
import { closed, definer, ok, problem, skipped, type Verdict } from './table.ts';

const { one } = definer<Facts>('BigBlueButton');

const bbbDirectory = (key: keyof Facts['bbb']) =>
  one(
    key,
    ({ bbb }) => bbb[key],
    ({ path }) => `${key}: ${path}`,
    (facts, { accounts }) => decideBbbDirectory(key, facts, accounts.user),
    // Without BBB's configuration it is only the usual one.
    ({ kind }) => (kind === 'directory' ? [] : ['bbb_yml']),
  );

/** What lies in a directory of BBB cannot be judged before that directory. */
const inBbbDirectory = ({ path }: PathFacts, { bbb }: Facts): string[] =>
  Object.entries(bbb).flatMap(([key, directory]) => (isAtOrBelow(path, directory.path) ? [key] : []));

export const directoryChecks = [
  bbbDirectory('published_dir'),
  bbbDirectory('recording_dir'),
  bbbDirectory('log_dir'),
  one(
    'status_dir',
    ({ statusDir }) => statusDir,
    ({ path }) => `status files, such as -sender.done: ${path}`,
    (facts, { accounts: { user } }) =>
      facts.kind === 'missing'
        ? skipped('BBB has not created it yet')
        : decideWritable('recording_dir', facts, user, `${user}:`),
  ),
  one(
    'work_dir',
    ({ own }) => own?.workDir,
    ({ path }) => `work_dir: ${path}`,
    // The first delivery creates it.
    (facts, { accounts: { user } }) =>
      facts.kind === 'missing' && facts.closedAbove === undefined && facts.isCreatable
        ? ok
        : decideWritable('work_dir', facts, user, `-RH ${user}:`),
    inBbbDirectory,
  ),
  one(
    'log_file',
    ({ own }) => own?.logFile,
    ({ path }) => `log_file: ${path}`,
    decideLogFile,
    inBbbDirectory,
  ),
  one(
    'metrics_file',
    ({ own }) => own?.metricsDir,
    ({ path }) => `directory of metrics_file: ${path}`,
    // The file is replaced by a new one, so what counts is its directory. Other collectors write there as root, or
    // as a member of the group: only the owner is changed.
    (facts, { accounts: { user } }) => decideWritable('metrics_file', facts, user, user),
  ),
  one(
    'notify',
    ({ own }) => own?.notify,
    ({ program }) => `notify: ${program}`,
    decideNotify,
  ),
];

function decideBbbDirectory(key: string, facts: PathFacts, user: string): Verdict {
  if (facts.closed !== undefined) return closed(user, 'read', facts.closed);
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
  if (closedAbove !== undefined) return closed(user, 'enter', closedAbove);
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

function decideLogFile(facts: PathFacts, { accounts: { user } }: Facts): Verdict {
  const { path, kind, closedAbove, isCreatable, hasParent, isWritable } = facts;
  if (closedAbove !== undefined) return closed(user, 'enter', closedAbove);
  const isMissing = kind === 'missing';
  if (isMissing ? isCreatable && hasParent : isWritable) return ok;
  const create = isMissing ? `mkdir -p "$(dirname ${sh`${path}`})" && ${sh`touch ${path}`} && ` : '';
  return problem(
    EXIT.permission,
    `${user} cannot ${isMissing ? 'create' : 'write'} it`,
    `${create}${sh`chown ${user}: ${path} && chmod u+rwX ${path}`}`,
  );
}

function decideNotify(
  { closedAbove, file, mayRun }: NonNullable<OwnFiles['notify']>,
  { accounts }: Facts,
): Verdict {
  if (closedAbove !== undefined) return closed(accounts.user, 'enter', closedAbove);
  if (mayRun) return ok;
  if (file !== undefined) return problem(EXIT.config, 'it is not executable', sh`chmod a+rx ${file}`);
  return problem(EXIT.config, 'there is no such program', 'correct notify in pilos.yml');
}
