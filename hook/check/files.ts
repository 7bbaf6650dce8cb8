/** The files that a delivery writes beside the spool, and the program that it may run. */
import { constants } from 'node:fs';
import { dirname } from 'node:path';
import type { Config } from '../config/config.ts';
import { EXIT } from '../errors.ts';
import { shellQuote } from '../system/shell-quote.ts';
import { closedAbove, isWritable, mayAccess, statOrUndefined } from './access.ts';
import { decideClosedAbove, skipBelow } from './directories.ts';
import { type Look, ok, problem } from './finding.ts';
import { findProgram } from './program.ts';

/** @param broken BBB's directories that are not in order */
export function lookAtFiles(
  config: Config,
  user: string,
  environment: NodeJS.ProcessEnv,
  broken: readonly string[],
): Look[] {
  const looks = [lookAtLogFile(config.logFile, user, broken)];
  const { metricsFile, notify } = config;
  if (metricsFile !== undefined) {
    looks.push(lookAtMetricsDirectory(metricsFile, user));
  }
  const [program] = notify ?? [];
  if (program !== undefined) looks.push(lookAtProgram(program, user, environment));
  return looks;
}

function lookAtLogFile(path: string, user: string, broken: readonly string[]): Look {
  const id = 'log-file';
  const lookedAt = `log_file: ${path}`;
  const without = skipBelow(broken, id, lookedAt, path);
  if (without !== undefined) return without;
  const closed = closedAbove(path);
  if (closed !== undefined) return decideClosedAbove(id, lookedAt, user, closed);
  const stats = statOrUndefined(path);
  if (stats === undefined ? isWritable(dirname(path)) : isWritable(path)) return ok(id, lookedAt);
  const quoted = shellQuote([path]);
  const create = stats === undefined ? `mkdir -p ${shellQuote([dirname(path)])} && touch ${quoted} && ` : '';
  return problem(id, lookedAt, EXIT.permission, {
    problem: stats === undefined ? `${user} may not create it` : `${user} may not write it`,
    fix: `${create}chown ${user}: ${quoted} && chmod u+rwX ${quoted}`,
  });
}

/** The file is replaced by a new one, so what counts is its directory. */
function lookAtMetricsDirectory(metricsFile: string, user: string): Look {
  const path = dirname(metricsFile);
  const lookedAt = `directory of metrics_file: ${path}`;
  const closed = closedAbove(path);
  if (closed !== undefined) return decideClosedAbove('metrics-file', lookedAt, user, closed);
  const stats = statOrUndefined(path);
  if (stats?.isDirectory() && isWritable(path)) return ok('metrics-file', lookedAt);
  const quoted = shellQuote([path]);
  if (stats === undefined) {
    return problem('metrics-file', lookedAt, EXIT.permission, {
      problem: 'it does not exist, and is not created',
      fix: `install -d -o ${user} -g "$(id -gn ${user})" ${quoted}`,
    });
  }
  if (!stats.isDirectory()) {
    const wrong = 'it is no directory: correct metrics_file';
    return problem('metrics-file', lookedAt, EXIT.config, { problem: wrong });
  }
  // Only the owner: other collectors write there as root, or as a member of the group.
  return problem('metrics-file', lookedAt, EXIT.permission, {
    problem: `${user} may not write there`,
    fix: `chown ${user} ${quoted} && chmod u+rwx ${quoted}`,
  });
}

function lookAtProgram(program: string, user: string, environment: NodeJS.ProcessEnv): Look {
  const lookedAt = `notify: ${program}`;
  const closed = program.includes('/') ? closedAbove(program) : undefined;
  if (closed !== undefined) return decideClosedAbove('notify', lookedAt, user, closed);
  const found = findProgram(program, environment);
  if (found !== undefined && mayAccess(found, constants.X_OK)) return ok('notify', lookedAt);
  return problem('notify', lookedAt, EXIT.config, {
    problem: found === undefined ? 'there is no such program' : 'it is not executable',
    fix: found === undefined ? undefined : `chmod a+rx ${shellQuote([found])}`,
  });
}
