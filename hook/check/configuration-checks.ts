/** Can the configuration be used, and by the user of BBB, too? */
import type { SpoolAddress } from '../config/spool-address.ts';
import { EXIT, type ExpectedError } from '../errors.ts';
import { errnoName } from '../system/errno.ts';
import { sh, shellQuote } from '../system/shell-quote.ts';
import type { Configuration } from './configuration.ts';
import type { Facts } from './facts.ts';
import { closed, listed, ok, problem, type Row, rowsOf, type Verdict, warning } from './table.ts';

const row = rowsOf('Configuration');

export function configurationChecks(facts: Facts): Row[] {
  const { configuration, config, closedFile } = facts;
  const { pilosFile, bbb } = configuration;
  const options = config?.extraRsyncOptions ?? [];
  const files = bbb.files.join(' with ');
  const ignored = `extra_rsync_opts: ${shellQuote(options)}`;
  const user = 'the user of BBB';
  // Root has read the files; the user of BBB has to, too.
  const readable = closedFile === undefined ? ok : closed(user, 'read', closedFile);
  return listed(
    row('pilos_yml', `pilos.yml: ${pilosFile}`, decidePilosFile(configuration, facts)),
    row('bbb_yml', `BBB's configuration: ${files}`, decideBbbFiles(configuration, facts)),
    options.length > 0 && row('ignored_options', ignored, decideOptions(config?.spool.kind)),
    row('config_readable', `${user} can read these files`, readable, ['pilos_yml', 'bbb_yml']),
  );
}

function decideOptions(kind: SpoolAddress['kind'] | undefined): Verdict {
  if (kind !== 'local') return ok;
  const text =
    'spool_dir is a directory of this server, so rsync is not used and these options have no effect';
  return warning(text, 'remove extra_rsync_opts from pilos.yml');
}

/** `install` writes the usual file, dpkg never one that was deleted; any other one gets the two required keys. */
function decidePilosFile({ pilosFile, pilosError: error, bbb }: Configuration, facts: Facts): Verdict {
  if (error === undefined) return ok;
  const { install, writesPilosFile } = facts.commands;
  const text = String.raw`work_dir: %s\nspool_dir: /mnt/pilos-spool\n`;
  const create = writesPilosFile
    ? install
    : `printf '${text}' ${sh`${`${bbb.recordingDir}/pilos`} > ${pilosFile}`}`;
  const isMissing = errnoName(error.cause) === 'ENOENT';
  return problem(statusOf(error), error.message, isMissing ? create : openFile(error, pilosFile, facts));
}

function decideBbbFiles({ bbbError: error }: Configuration, facts: Facts): Verdict {
  if (error === undefined) return ok;
  const { path = '' } = (error.cause ?? {}) as NodeJS.ErrnoException;
  const isOfPackage = errnoName(error.cause) === 'ENOENT' && path.endsWith('/bigbluebutton.yml');
  return problem(
    statusOf(error),
    `${error.message}; the checks below assume BBB's usual directories`,
    isOfPackage ? 'apt-get install --reinstall bbb-record-core' : openFile(error, path, facts),
  );
}

/** Whatever keeps a file from being read, but for rights, belongs to the set-up. */
function statusOf({ exitStatus }: ExpectedError): typeof EXIT.permission | typeof EXIT.config {
  return exitStatus === EXIT.permission ? EXIT.permission : EXIT.config;
}

/** Only when it is not root who checks. */
function openFile({ cause, fix }: ExpectedError, file: string, { closedFile }: Facts): string {
  return errnoName(cause) === 'EACCES' ? sh`chmod a+rX ${closedFile ?? file}` : fix;
}
