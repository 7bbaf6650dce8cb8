/** How rsync gets to the other host: the ssh command lines, and rsync's own options for it. */
import type { RemoteAddress, Transfer } from './transfer.ts';

/** Seconds until a host that does not answer, or a link that is stalled, counts as dead. */
const usualConnectSeconds = 15;
const inputTimeout = 60;

function sshOptions({ connectSeconds = usualConnectSeconds }: Pick<Transfer, 'connectSeconds'>): string[] {
  return [
    ...['-o', 'BatchMode=yes', '-o', `ConnectTimeout=${connectSeconds}`],
    ...['-o', 'ServerAliveInterval=15', '-o', 'ServerAliveCountMax=4'],
  ];
}

type ConnectionFacts = Pick<Transfer, 'address' | 'connectSeconds' | 'controlSocket'>;

export function connectionOptions(transfer: ConnectionFacts): string[] {
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
