/** Can the configuration be used, and by the user of BBB, too? */
import type { BbbConfig } from '../config/bbb-config.ts';
import { EXIT, type ExpectedError } from '../errors.ts';
import { errnoName } from '../system/errno.ts';
import { shellQuote } from '../system/shell-quote.ts';
import { definer } from './define.ts';
import type { Facts } from './facts.ts';
import type { OwnCommands } from './own-program.ts';
import { ok, problem, type Verdict, warning } from './result.ts';

const { one } = definer<Facts>('Configuration');

export const configurationChecks = [
  one({
    check: 'pilos_yml',
    of: ({ configuration }) => configuration,
    title: ({ pilosFile }) => `pilos.yml: ${pilosFile}`,
    decide: ({ pilosFile, pilosError, bbb }, { commands, closedFile }) => {
      if (pilosError === undefined) return ok;
      const isMissing = errnoName(pilosError.cause) === 'ENOENT';
      return problem(
        statusOf(pilosError),
        pilosError.message,
        isMissing ? createPilosFile(pilosFile, bbb, commands) : openFile(pilosError, closedFile ?? pilosFile),
      );
    },
  }),
  one({
    check: 'bbb_yml',
    of: ({ configuration }) => configuration,
    title: ({ bbb }) => `BBB's configuration: ${bbb.files.join(' with ')}`,
    decide: ({ bbbError: error }, { closedFile }) => {
      if (error === undefined) return ok;
      const { path = '' } = (error.cause ?? {}) as NodeJS.ErrnoException;
      const isOfPackage = errnoName(error.cause) === 'ENOENT' && path.endsWith('/bigbluebutton.yml');
      return problem(
        statusOf(error),
        `${error.message}; the checks below assume BBB's usual directories`,
        isOfPackage ? 'apt-get install --reinstall bbb-record-core' : openFile(error, closedFile ?? path),
      );
    },
  }),
  one({
    check: 'ignored_options',
    of: ({ config }) => (config?.extraRsyncOptions.length ? config : undefined),
    title: ({ extraRsyncOptions }) => `extra_rsync_opts: ${shellQuote(extraRsyncOptions)}`,
    decide: ({ spool }) =>
      spool.kind === 'local'
        ? warning(
            'spool_dir is a directory of this server, so rsync is not used and these options have no effect',
            'remove extra_rsync_opts from pilos.yml',
          )
        : ok,
  }),
  one({
    check: 'config_readable',
    of: ({ configuration }) => configuration,
    title: 'the user of BBB can read these files',
    after: ['pilos_yml', 'bbb_yml'],
    decide: (_, { closedFile }) => decideReadable(closedFile),
  }),
];

/** Root has read the files; the user of BBB has to, too. */
function decideReadable(closed: string | undefined): Verdict {
  if (closed === undefined) return ok;
  return problem(
    EXIT.permission,
    `the user of BBB cannot read ${closed}`,
    `chmod a+rX ${shellQuote([closed])}`,
  );
}

/** Whatever keeps a file from being read, but for rights, belongs to the set-up. */
function statusOf({ exitStatus }: ExpectedError): typeof EXIT.permission | typeof EXIT.config {
  return exitStatus === EXIT.permission ? EXIT.permission : EXIT.config;
}

/** Only when it is not root who checks. */
function openFile({ cause, fix }: ExpectedError, file: string): string {
  return errnoName(cause) === 'EACCES' ? `chmod a+rX ${shellQuote([file])}` : fix;
}

/** `install` writes the usual file, dpkg never one that was deleted; any other one gets the two required keys. */
function createPilosFile(file: string, bbb: BbbConfig, { install, writesPilosFile }: OwnCommands): string {
  if (writesPilosFile) return install;
  const text = String.raw`work_dir: %s\nspool_dir: /mnt/pilos-spool\n`;
  return `printf '${text}' ${shellQuote([`${bbb.recordingDir}/pilos`])} > ${shellQuote([file])}`;
}
