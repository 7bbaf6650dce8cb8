/** What the exit statuses mean, for `--help` and the man page. */
import { EXIT, type ExitStatus } from '../errors.ts';

/** After sysexits.h. */
export const exitStatuses: readonly [ExitStatus, string][] = [
  [EXIT.ok, 'delivered, or nothing to deliver'],
  [EXIT.usage, 'wrong arguments'],
  [EXIT.data, 'not sent: PILOS could not import it'],
  [EXIT.noRecording, 'no such recording'],
  [EXIT.unavailable, 'a program or service is missing'],
  [EXIT.bug, 'a bug in this program'],
  [EXIT.spool, 'the spool directory is not usable'],
  [EXIT.io, 'input/output error'],
  [EXIT.temporary, "temporary failure, 'deliver' tries again"],
  [EXIT.permission, 'permission denied'],
  [EXIT.config, 'configuration error'],
];

export const exitStatusHelp = `
Exit status:
${exitStatuses.map(([status, meaning]) => `  ${String(status).padStart(2)}  ${meaning}`).join('\n')}
`;
