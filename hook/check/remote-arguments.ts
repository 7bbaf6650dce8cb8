/** The rsync command lines of `check`: those of a delivery, with a harmless name. Pure. */
import { renameArguments, sendWholeArguments, type Transfer } from '../spool/rsync/arguments.ts';

const renamedEnding = '.renamed';
export const renamedName = (name: string) => `${name}${renamedEnding}`;

/** Seconds until a host that does not answer counts as dead, which is shorter than for a delivery. */
const connectTimeout = 5;
const inputTimeout = 8;

/** The transfer of the test file `baseName`; what an admin has put into `extra_rsync_opts` still wins. */
export function testTransfer(
  address: Transfer['address'],
  subDir: string,
  { extraOptions, baseName }: Pick<Transfer, 'extraOptions' | 'baseName'>,
): Transfer {
  const ssh = `ssh -o BatchMode=yes -o ConnectTimeout=${connectTimeout} -o ServerAliveInterval=${connectTimeout} -o ServerAliveCountMax=1`;
  const impatient = address.kind === 'ssh' ? `--rsh=${ssh}` : `--contimeout=${connectTimeout}`;
  const options = [`--timeout=${inputTimeout}`, impatient, ...extraOptions];
  return { address, subDir, baseName, extraOptions: options };
}

/** Renames as a delivery does, but not to a name that PILOS would import. */
export function testRenameArguments(transfer: Transfer, emptyDirectory: string): string[] {
  const args = renameArguments(transfer, emptyDirectory);
  return args.map((word) => (word === '--suffix=.tar' ? `--suffix=${renamedEnding}` : word));
}

/** Connects, and then waits for a list of files on stdin: nothing is sent, and the connection stays. */
export function holdArguments(transfer: Transfer): string[] {
  const reading = ['--verbose', '--dirs', '--no-relative', '--files-from=-'];
  return [...reading, ...sendWholeArguments(transfer, '/')];
}

/** Creates a sub directory there that PILOS can use: a command for a person, a delivery never does this. */
export function createDirectoryCommand(transfer: Transfer): string[] {
  const nested = transfer.subDir.includes('/') ? ['--mkpath'] : [];
  const [destination = ''] = sendWholeArguments(transfer, '/').slice(-1);
  const attributes = ['--dirs', '--exclude=*', '--perms', '--chmod=D2775'];
  // The options that a renaming leaves of all: those for the connection, an admin's own `--rsh` last.
  const renaming = renameArguments(transfer, '/');
  const leadingThere = renaming.slice(renaming.indexOf('--exclude=*') + 1, renaming.indexOf('--'));
  return ['rsync', ...leadingThere, ...attributes, ...nested, '/', destination.replace(/\.$/, '')];
}
