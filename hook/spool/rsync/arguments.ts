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
import type { SpoolAddress } from '../../config/spool-address.ts';

type RemoteAddress = Exclude<SpoolAddress, { kind: 'local' }>;

/** Seconds until a host that does not answer, or a link that is stalled, counts as dead. */
const usualConnectSeconds = 15;
const inputTimeout = 60;

export interface Transfer {
  address: RemoteAddress;
  /** Validated sub directory, `''` for none. */
  subDir: string;
  /** `<record id>-<format>`: the archive's name without `.tar`. */
  baseName: string;
  /** `extra_rsync_opts`, appended to our own so that they take precedence. */
  extraOptions: readonly string[];
  /** What a complete archive's name ends in: `.tar`, but that of a probe in something that PILOS ignores. */
  suffix?: string | undefined;
  connectSeconds?: number | undefined;
  /** Of a connection that stands: see connection.ts. */
  controlSocket?: string | undefined;
}

/** `[USER@]HOST:PATH/SUB`, for messages and the ledger. */
export function remoteDirectory({ address, subDir }: Pick<Transfer, 'address' | 'subDir'>): string {
  const prefix = address.kind === 'ssh' ? `${address.host}:` : address.prefix;
  const { path } = address;
  if (subDir === '') return `${prefix}${path}`;
  return `${prefix}${path}${path === '' || path.endsWith('/') ? '' : '/'}${subDir}`;
}

/** What a file of this name is called there once it is complete. */
export function completeName({ suffix = '.tar' }: Pick<Transfer, 'suffix'>, baseName: string): string {
  return `${baseName}${suffix}`;
}

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

function sshOptions({ connectSeconds = usualConnectSeconds }: Pick<Transfer, 'connectSeconds'>): string[] {
  return [
    ...['-o', 'BatchMode=yes', '-o', `ConnectTimeout=${connectSeconds}`],
    ...['-o', 'ServerAliveInterval=15', '-o', 'ServerAliveCountMax=4'],
  ];
}

type ConnectionFacts = Pick<Transfer, 'address' | 'connectSeconds' | 'controlSocket'>;

function connectionOptions(transfer: ConnectionFacts): string[] {
  const { address, controlSocket, connectSeconds = usualConnectSeconds } = transfer;
  const timeout = `--timeout=${inputTimeout}`;
  if (address.kind === 'daemon') return [timeout, `--contimeout=${connectSeconds}`];
  const through = controlSocket === undefined ? [] : ['-S', controlSocket, '-o', 'ControlMaster=no'];
  return [`--rsh=${['ssh', ...through, ...sshOptions(transfer)].join(' ')}`, timeout];
}

/** ssh's, to stand ready for others at `socket`. What the user's own configuration has for a shell there is left out. */
export function masterArguments(
  { address, extraOptions, connectSeconds }: Omit<Transfer, 'baseName'>,
  socket: string,
): string[] {
  const families = extraOptions
    .map((option) => families4And6.get(option))
    .filter((flag) => flag !== undefined);
  const nothingElse = [
    '-o',
    'ControlPersist=no',
    '-o',
    'ClearAllForwardings=yes',
    '-o',
    'RemoteCommand=none',
  ];
  const options = [...nothingElse, ...sshOptions({ connectSeconds }), ...families];
  return ['-M', '-N', '-T', '-S', socket, ...options, '--', sshHost(address)];
}

/** As ssh wants it: rsync has an IPv6 address in brackets. */
export function sshHost({ host }: Pick<RemoteAddress, 'host'>): string {
  return host.replace(/\[(.*)\]$/, '$1');
}

const families4And6 = new Map([
  ['-4', '-4'],
  ['--ipv4', '-4'],
  ['-6', '-6'],
  ['--ipv6', '-6'],
]);

/** True when the admin's options say what rsync uses to get there. */
export function choosesShell(extraOptions: readonly string[]): boolean {
  return extraOptions.some((option) => /^(?:-[A-Za-z0-9]*e|--rsh(?:=|$))/.test(option));
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

/** Names of the archives in the output of {@link listArguments}. */
export function parseListedArchives(output: string): string[] {
  return [...output.matchAll(/^-\S+ +[\d,.]+ +\S+ +\S+ (.+\.tar)$/gm)].map(([, name = '']) => name);
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

/** True when the output of a send says that the file `name` was sent, and not passed over. */
export function saysSent(output: string, name: string): boolean {
  return output.split(/[\r\n]+/).some((line) => /^<f/.test(line) && line.endsWith(` ${name}`));
}

/** True when the output of {@link renameArguments} says that the file got its name. */
export function saysRenamed(output: string, baseName: string): boolean {
  return output.split(/[\r\n]+/).some((line) => /^\*deleting\s+/.test(line) && line.endsWith(` ${baseName}`));
}

/** Bytes of the newest line that `--info=progress2` has written in `output`; undefined when there is none. */
export function parseProgress(output: string): number | undefined {
  const found = [...output.matchAll(/(?:^|[\r\n])\s*([\d.,]+)\s+\d+%/g)].at(-1)?.[1];
  return found === undefined ? undefined : Number(found.replace(/[.,]/g, ''));
}
