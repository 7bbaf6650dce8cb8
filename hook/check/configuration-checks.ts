/** Can the configuration be used, and by the user of BBB, too? */
import { EXIT, type ExpectedError } from '../errors.ts';
import { errnoName } from '../system/errno.ts';
import { sh, shellQuote } from '../system/shell-quote.ts';
import type { Configuration } from './configuration.ts';
import type { Facts } from './facts.ts';
import { closed, definer, ok, problem, type Verdict, warning } from './table.ts';

const { one } = definer<Facts>('Configuration');

export const configurationChecks = [
  one('pilos_yml', whole, ({ pilosFile }) => `pilos.yml: ${pilosFile}`, decidePilosFile),
  one('bbb_yml', whole, ({ bbb }) => `BBB's configuration: ${bbb.files.join(' with ')}`, decideBbbFiles),
  one(
    'ignored_options',
    ({ config }) => (config?.extraRsyncOptions.length ? config : undefined),
    ({ extraRsyncOptions }) => `extra_rsync_opts: ${shellQuote(extraRsyncOptions)}`,
    ({ spool }) =>
      spool.kind === 'local'
        ? warning(
            'spool_dir is a directory of this server, so rsync is not used and these options have no effect',
            'remove extra_rsync_opts from pilos.yml',
          )
        : ok,
  ),
  // Root has read the files; the user of BBB has to, too.
  one(
    'config_readable',
    whole,
    'the user of BBB can read these files',
    (_, { closedFile }) => (closedFile === undefined ? ok : closed('the user of BBB', 'read', closedFile)),
    ['pilos_yml', 'bbb_yml'],
  ),
];

function whole({ configuration }: Facts): Configuration {
  return configuration;
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
