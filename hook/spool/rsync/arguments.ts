/**
 * The rsync command lines. Pure, so that `--dry-run` shows exactly what a delivery runs.
 *
 * Why they are as they are (measured with rsync and rrsync 3.5 and older):
 * - Over ssh, only a destination that ends in `/.` fails when the directory is missing, takes a file that is
 *   already there, and creates nothing.
 * - An archive that takes a while is sent in place under a name that PILOS ignores, so that a cut transfer resumes, and
 *   becomes `.tar` by a deletion "with backup", which is a rename on the other side.
 * - `--chmod` alone is subject to the umask of the other side.
 */
import { connectionOptions } from './ssh-arguments.ts';
import { completeName, remoteDirectory, type Transfer } from './transfer.ts';

/** The directory itself, as `DIR/.`. */
function destination(transfer: Transfer): string {
  return inDirectory(transfer, '.');
}

function inDirectory(transfer: Transfer, name: string): string {
  const directory = remoteDirectory(transfer);
  return directory.endsWith(':') || directory.endsWith('/') ? `${directory}${name}` : `${directory}/${name}`;
}

/** A daemon creates `DIR/` even as `DIR/.`, and never `DIR` for `DIR/NAME`; rrsync refuses `DIR/NAME` once it is there. */
function sendDestination(transfer: Transfer, name: string): string {
  return transfer.address.kind === 'daemon' ? inDirectory(transfer, name) : destination(transfer);
}

// By its time an archive in PILOS' `failed/` is distinguished from a later one of the same name.
const accessOptions = ['--perms', '--chmod=F664', '--times', '--ignore-times', '--itemize-changes'];

/**
 * Sends `source`, a file named `<record id>-<format>`, resuming what an earlier run has sent of it.
 *
 * `--dirs --delete` deletes nothing here (`P *` protects everything): it makes a server that will refuse the
 * renaming refuse before the first byte is sent.
 */
export function sendArguments(transfer: Transfer, ...sources: string[]): string[] {
  const resuming = ['--inplace', '--partial', '--dirs', '--delete', '--filter=P *'];
  return [...connectionOptions(transfer), ...accessOptions, ...resuming, ...closing(transfer, ...sources)];
}

/** Sends `sources`, files named `<record id>-<format>.tar`; rsync itself renames each there when it is complete. */
export function sendWholeArguments(transfer: Transfer, ...sources: string[]): string[] {
  return [...connectionOptions(transfer), ...accessOptions, ...closing(transfer, ...sources)];
}

/** Gives complete archives their names: `emptyDirectory` has nothing, so the files there are "deleted with backup". */
export function renameArguments(
  transfer: Transfer,
  emptyDirectory: string,
  baseNames: readonly string[] = [transfer.baseName],
): string[] {
  const deletion = [
    '--recursive',
    '--delete',
    `--max-delete=${baseNames.length}`,
    '--backup',
    `--suffix=${completeName(transfer, '')}`,
    '--itemize-changes',
  ];
  const only = [...baseNames.map((name) => `--include=/${name}`), '--exclude=*'];
  // Of the extra options only those that lead there: others could delete more, or change the directory itself.
  const extra = transportOptions(transfer.extraOptions);
  const ends = ['--', `${emptyDirectory}/`, destination(transfer)];
  return [...connectionOptions(transfer), ...deletion, ...only, ...extra, ...ends];
}

/** Removes what a transfer without renaming has left: `emptyDirectory` has nothing. */
export function removeArguments(
  transfer: Transfer,
  emptyDirectory: string,
  baseNames?: readonly string[],
): string[] {
  return renameArguments(transfer, emptyDirectory, baseNames).filter(
    (word) => !/^--(?:backup|suffix=.*)$/.test(word),
  );
}

/** Lists the directory; of the extra options, too, only those that lead there. */
export function listArguments(transfer: Transfer): string[] {
  const extra = transportOptions(transfer.extraOptions);
  return [...connectionOptions(transfer), '--list-only', ...extra, '--', destination(transfer)];
}

/**
 * Asks what of `directory` is there, by a dry run of sending it: changes nothing, and a key that may only write
 * lets it through. What a line means: `parseArchivesSeen`.
 */
export function askArguments(
  transfer: Transfer,
  directory: string,
  further: readonly string[] = [],
): string[] {
  const question = ['--dry-run', '--recursive', '--times', '--ignore-times', '--itemize-changes', ...further];
  const extra = transportOptions(transfer.extraOptions);
  const ends = ['--', `${directory}/`, destination(transfer)];
  return [...connectionOptions(transfer), ...question, ...extra, ...ends];
}

/** Creates the directory there as PILOS can use it: for a person, no delivery does this. */
export function createDirectoryArguments(transfer: Transfer): string[] {
  const attributes = ['--dirs', '--exclude=*', '--perms', '--chmod=D2775'];
  const nested = transfer.subDir.includes('/') ? ['--mkpath'] : [];
  const extra = transportOptions(transfer.extraOptions);
  return [...connectionOptions(transfer), ...extra, ...attributes, ...nested, '/', inDirectory(transfer, '')];
}

function closing(transfer: Transfer, ...sources: string[]): string[] {
  const [first = ''] = sources;
  const name = first.slice(first.lastIndexOf('/') + 1);
  return [...audible(transfer.extraOptions), '--', ...sources, sendDestination(transfer, name)];
}

/** What rsync says is needed to know what it did; the source is still needed when it has to be sent again. */
function audible(options: readonly string[]): string[] {
  return options.filter((option) => !['-q', '--quiet', '--remove-source-files'].includes(option));
}

const transport =
  /^(?:-[46ez]$|-e.|--(?:rsh|rsync-path|port|address|sockopts|password-file|timeout|contimeout|bwlimit|compress|old-args|ipv4|ipv6)(?:=|$))/;
/** Options that may have their value in the next word. */
const takesValue =
  /^(?:-e|--(?:rsh|rsync-path|port|address|sockopts|password-file|timeout|contimeout|bwlimit))$/;

function transportOptions(options: readonly string[]): string[] {
  return options.filter(
    (option, index) => transport.test(option) || takesValue.test(options[index - 1] ?? ''),
  );
}
