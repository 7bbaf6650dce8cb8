/** BBB's directories, and what a delivery writes or runs beside the spool: is it there, and may the user of BBB? */
import { EXIT } from '../errors.ts';
import { isAtOrBelow } from '../system/mounts.ts';
import { shellQuote } from '../system/shell-quote.ts';
import { definer } from './define.ts';
import type { Facts, OwnFiles } from './facts.ts';
import type { PathFacts } from './paths.ts';
import { ok, problem, skipped, type Verdict } from './result.ts';

const { one } = definer<Facts>('BigBlueButton');

const bbbDirectory = (key: 'published_dir' | 'recording_dir' | 'log_dir') =>
  one({
    check: key,
    of: ({ bbb }) => bbb[key],
    title: ({ path }) => `${key}: ${path}`,
    // Without BBB's configuration it is only the usual one.
    after: ({ kind }) => (kind === 'directory' ? [] : ['bbb_yml']),
    decide: (facts, { accounts }) => decideBbbDirectory(key, facts, accounts.user),
  });

/** What lies in a directory of BBB cannot be judged before that directory. */
const inBbbDirectory = ({ path }: PathFacts, { bbb }: Facts): string[] =>
  Object.entries(bbb).flatMap(([key, directory]) => (isAtOrBelow(path, directory.path) ? [key] : []));

export const directoryChecks = [
  bbbDirectory('published_dir'),
  bbbDirectory('recording_dir'),
  bbbDirectory('log_dir'),
  one({
    check: 'status_dir',
    of: ({ statusDir }) => statusDir,
    title: ({ path }) => `status files, such as -sender.done: ${path}`,
    decide: (facts, { accounts }) =>
      facts.kind === 'missing'
        ? skipped('BBB has not created it yet')
        : decideWritable(facts, accounts.user, { key: 'recording_dir', owner: `${accounts.user}:` }),
  }),
  one({
    check: 'work_dir',
    of: ({ own }) => own?.workDir,
    title: ({ path }) => `work_dir: ${path}`,
    after: inBbbDirectory,
    // The first delivery creates it.
    decide: (facts, { accounts: { user } }) =>
      facts.kind === 'missing' && facts.closedAbove === undefined && facts.isCreatable
        ? ok
        : decideWritable(facts, user, { key: 'work_dir', owner: `-RH ${user}:` }),
  }),
  one({
    check: 'log_file',
    of: ({ own }) => own?.logFile,
    title: ({ path }) => `log_file: ${path}`,
    after: inBbbDirectory,
    decide: (facts, { accounts }) => decideLogFile(facts, accounts.user),
  }),
  one({
    check: 'metrics_file',
    of: ({ own }) => own?.metricsDir,
    title: ({ path }) => `directory of metrics_file: ${path}`,
    // The file is replaced by a new one, so what counts is its directory. Other collectors write there as root, or
    // as a member of the group: only the owner is changed.
    decide: (facts, { accounts: { user } }) =>
      decideWritable(facts, user, { key: 'metrics_file', owner: user }),
  }),
  one({
    check: 'notify',
    of: ({ own }) => own?.notify,
    title: ({ program }) => `notify: ${program}`,
    decide: decideNotify,
  }),
];

function decideBbbDirectory(key: string, { path, kind, closed }: PathFacts, user: string): Verdict {
  if (closed !== undefined)
    return problem(EXIT.permission, `${user} cannot read ${closed}`, `chmod a+rX ${shellQuote([closed])}`);
  if (kind === 'directory') return ok;
  if (kind !== 'missing') {
    const fix = `correct ${key} in BBB's configuration, or put a directory there`;
    return problem(EXIT.config, 'it is neither a directory nor a link to one', fix);
  }
  return problem(
    EXIT.config,
    `it does not exist: create it unless ${key} in BBB's configuration is wrong`,
    createDirectory(path, user),
  );
}

function createDirectory(path: string, user: string): string {
  return `install -d -o ${user} -g "$(id -gn ${user})" ${shellQuote([path])}`;
}

function cannotEnter(user: string, closed: string): Verdict {
  return problem(EXIT.permission, `${user} cannot enter ${closed}`, `chmod a+x ${shellQuote([closed])}`);
}

/**
 * A directory that the user of BBB must be able to write to.
 *
 * @param wanted.key the key that says where it is; `owner`: what chown(1) is given
 */
function decideWritable(
  facts: PathFacts,
  user: string,
  { key, owner }: { key: string; owner: string },
): Verdict {
  const { path, kind, closedAbove, isWritable, uid } = facts;
  const quoted = shellQuote([path]);
  if (closedAbove !== undefined) return cannotEnter(user, closedAbove);
  if (kind === 'missing') {
    const text = `it does not exist, and a delivery cannot create it`;
    return problem(EXIT.permission, text, createDirectory(path, user));
  }
  if (kind !== 'directory')
    return problem(EXIT.config, 'it is not a directory', `correct ${key} in pilos.yml`);
  if (isWritable) return ok;
  const text = `${user} cannot write there: it belongs to uid ${uid}`;
  return problem(EXIT.permission, text, `chown ${owner} ${quoted} && chmod u+rwx ${quoted}`);
}

function decideLogFile({ path, kind, closedAbove, ...facts }: PathFacts, user: string): Verdict {
  if (closedAbove !== undefined) return cannotEnter(user, closedAbove);
  const isMissing = kind === 'missing';
  if (isMissing ? facts.isCreatable && facts.hasParent : facts.isWritable) return ok;
  const quoted = shellQuote([path]);
  const create = isMissing ? `mkdir -p "$(dirname ${quoted})" && touch ${quoted} && ` : '';
  return problem(
    EXIT.permission,
    isMissing ? `${user} cannot create it` : `${user} cannot write it`,
    `${create}chown ${user}: ${quoted} && chmod u+rwX ${quoted}`,
  );
}

function decideNotify(
  { closedAbove, file, mayRun }: NonNullable<OwnFiles['notify']>,
  { accounts }: Facts,
): Verdict {
  if (closedAbove !== undefined) return cannotEnter(accounts.user, closedAbove);
  if (mayRun) return ok;
  if (file === undefined)
    return problem(EXIT.config, 'there is no such program', 'correct notify in pilos.yml');
  return problem(EXIT.config, 'it is not executable', `chmod a+rx ${shellQuote([file])}`);
}
