/** The configuration files: what is wrong with them, and may the user of BBB read them, too? */
import { EXIT, type ExpectedError } from '../errors.ts';
import { errnoName } from '../system/errno.ts';
import { sh, shellQuote } from '../system/shell-quote.ts';
import type { Facts } from './facts.ts';
import { noAccess, ok, problem, type Rows, row, type Verdict, warning } from './table.ts';

const usual = "; the checks below assume BBB's usual directories";
const user = 'the user of BBB';
const notOverRsync =
  'spool_dir is a directory of this server, so rsync is not used and these options have no effect';

export function configurationChecks({ configuration, closedFile, commands, config }: Facts): Rows {
  const { pilosFile, pilosError, bbb, bbbError } = configuration;
  const text = String.raw`work_dir: %s\nspool_dir: /mnt/pilos-spool\n`;
  const print = `printf '${text}' ${sh`${`${bbb.recordingDir}/pilos`} > ${pilosFile}`}`;
  // `install` writes the usual file, dpkg never one that was deleted; any other one gets the two required keys.
  const pilos = decideFile(pilosError, closedFile, commands.writesPilosFile ? commands.install : print);
  const isOfPackage = pathOf(bbbError).endsWith('/bigbluebutton.yml');
  const reinstall = isOfPackage ? 'apt-get install --reinstall bbb-record-core' : 'correct --bbb-config';
  const ofBbb = decideFile(bbbError, closedFile, reinstall, usual);
  const options = config?.extraRsyncOptions ?? [];
  const isIgnored = config?.spool.kind === 'local';
  const ignored = isIgnored ? warning(notOverRsync, 'remove extra_rsync_opts from pilos.yml') : ok;
  // Root has read the files; the user of BBB has to, too.
  const readable = closedFile === undefined ? ok : noAccess(user, 'read', closedFile);
  return [
    row('pilos_yml', `pilos.yml: ${pilosFile}`, pilos),
    row('bbb_yml', `BBB's configuration: ${bbb.files.join(' with ')}`, ofBbb),
    options.length > 0 && row('ignored_options', `extra_rsync_opts: ${shellQuote(options)}`, ignored),
    row('config_readable', `${user} can read these files`, readable, ['pilos_yml', 'bbb_yml']),
  ];
}

/** @param create what to do about a file that is missing */
function decideFile(
  error: ExpectedError | undefined,
  closedFile: string | undefined,
  create: string,
  note = '',
): Verdict {
  if (error === undefined) return ok;
  const open = sh`chmod a+rX ${closedFile ?? pathOf(error)}`;
  const fixes: Record<string, string> = { ENOENT: create, EACCES: open };
  const { exitStatus, message } = error;
  const fix = fixes[errnoName(error.cause) ?? ''] ?? error.fix;
  return problem.of({ exitStatus, message: `${message}${note}`, fix }, EXIT.config);
}

function pathOf(error: ExpectedError | undefined): string {
  return ((error?.cause ?? {}) as NodeJS.ErrnoException).path ?? '';
}
