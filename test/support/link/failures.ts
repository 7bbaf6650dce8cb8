/**
 * The ways in which host, ssh, rrsync, directory and disk fail, each with what is reported: when the words of the
 * other side arrive, and when they are lost and an exit status is all that is left.
 */
import type { RsyncFailureCode } from '../../../hook/spool/rsync/failure-rule.ts';

/** How the key is restricted: not at all, as PILOS documents it, as docs/ssh.md recommends. */
export const keyKinds = ['ordinary', 'documented', 'recommended'] as const;
export type KeyKind = (typeof keyKinds)[number];

export interface Reported {
  code: RsyncFailureCode;
  /** When all words are lost: a code whose sentence names this reason among others. */
  lost: RsyncFailureCode;
}

export interface LinkFailure {
  what: string;
  /** `connection`: before anything of rsync runs. */
  phase: 'connection' | 'transfer';
  /** By key; undefined where that key cannot fail so. */
  reported: Partial<Record<KeyKind, Reported>>;
  /** Of the BBB server's ssh configuration, for this host. */
  ssh?: Record<string, string>;
  /** Instead of the host's name. */
  host?: string;
  /** Run there before rsync or rrsync, or instead: it may end with `exit`. */
  before?: string;
  /** The program that rrsync is taken for; what an ordinary key's shell finds as rsync is in `path`. */
  rrsync?: string;
  flags?: string;
  path?: string;
  /** Makes the directory unusable; `$ROOT` is that of the key, `$DIR` that of the archive. */
  spoil?: string;
  /** Where the directories lie. */
  disk?: 'full' | 'read-only';
  extraOptions?: string[];
  /** Runs there while we try. */
  meanwhile?: string;
}

const same = (code: RsyncFailureCode, lost: RsyncFailureCode = code): LinkFailure['reported'] => ({
  ordinary: { code, lost },
  documented: { code, lost },
  recommended: { code, lost },
});

/** Only with a key that rrsync restricts. */
const restricted = (code: RsyncFailureCode, lost: RsyncFailureCode = code): LinkFailure['reported'] => ({
  documented: { code, lost },
  recommended: { code, lost },
});

const connectionFailures: LinkFailure[] = [
  {
    what: 'the name of the host has no address',
    phase: 'connection',
    ssh: { HostName: 'pilos.invalid' },
    reported: same('host_not_found', 'ssh_failed'),
  },
  {
    what: 'nothing listens on the port',
    phase: 'connection',
    ssh: { Port: '1' },
    reported: same('host_unreachable', 'ssh_failed'),
  },
  {
    what: 'the host takes the connection and says nothing',
    phase: 'connection',
    ssh: { Port: '$SILENT' },
    reported: same('host_unreachable', 'ssh_failed'),
  },
  {
    what: 'the host closes the connection before the login',
    phase: 'connection',
    ssh: { Port: '$CLOSING' },
    reported: same('connection_lost', 'ssh_failed'),
  },
  {
    what: 'the host key is not known',
    phase: 'connection',
    ssh: { UserKnownHostsFile: '/dev/null' },
    reported: same('host_key_unknown', 'ssh_failed'),
  },
  {
    what: 'the host key has changed',
    phase: 'connection',
    ssh: { UserKnownHostsFile: '$OTHER_KNOWN_HOSTS' },
    reported: same('host_key_changed', 'ssh_failed'),
  },
  {
    what: 'the key is refused',
    phase: 'connection',
    ssh: { IdentityFile: '/nonexistent' },
    reported: same('key_refused', 'ssh_failed'),
  },
  {
    what: "ssh's own configuration is invalid",
    phase: 'connection',
    // The stand-in for ssh reads another file for this host.
    host: 'invalid',
    reported: same('ssh_config_invalid', 'ssh_failed'),
  },
];

const programFailures: LinkFailure[] = [
  {
    what: 'rsync is not installed there',
    phase: 'transfer',
    path: '/nonexistent',
    rrsync: '/usr/bin/no-rrsync',
    reported: same('remote_rsync_missing', 'remote_rsync_silent'),
  },
  {
    what: 'python3 is not installed there',
    phase: 'transfer',
    rrsync: '$PYTHONLESS',
    reported: restricted('remote_rsync_missing', 'remote_rsync_silent'),
  },
  {
    what: 'the key runs another program',
    phase: 'transfer',
    before: 'exit 1',
    reported: same('remote_rsync_silent'),
  },
  {
    what: 'the login shell prints something',
    phase: 'transfer',
    before: 'echo Welcome to PILOS',
    reported: same('shell_not_clean'),
  },
  {
    what: 'rsync there hangs',
    phase: 'transfer',
    before: 'exec sleep 600',
    extraOptions: ['--timeout=3'],
    reported: same('connection_stalled'),
  },
  {
    what: 'the connection is cut',
    phase: 'transfer',
    before: 'head -c 4 >/dev/null; kill -9 $PPID',
    reported: same('connection_lost'),
  },
  {
    what: 'rsync there does not allow an option',
    phase: 'transfer',
    extraOptions: ['--remote-option=--nonsense'],
    reported: {
      ordinary: { code: 'option_unknown', lost: 'remote_rsync_silent' },
      ...restricted('option_refused', 'remote_rsync_silent'),
    },
  },
  {
    what: 'the key is for reading only',
    phase: 'transfer',
    flags: '-ro',
    reported: restricted('spool_read_only', 'remote_rsync_silent'),
  },
  {
    what: 'another transfer holds the lock of rrsync',
    phase: 'transfer',
    meanwhile: 'exec flock --no-fork "$ROOT" sleep 600',
    reported: { documented: { code: 'transfer_under_way', lost: 'remote_rsync_silent' } },
  },
];

const directoryFailures: LinkFailure[] = [
  {
    what: 'the sub directory is missing',
    phase: 'transfer',
    spoil: 'rmdir "$DIR"',
    reported: same('spool_dir_missing', 'spool_dir_unusable'),
  },
  {
    what: 'the spool directory is missing',
    phase: 'transfer',
    spoil: 'rm -r "$ROOT"',
    reported: {
      ordinary: { code: 'spool_dir_missing', lost: 'spool_dir_unusable' },
      ...restricted('restricted_dir_missing', 'remote_rsync_silent'),
    },
  },
  {
    what: 'a file is in its place',
    phase: 'transfer',
    spoil: 'rmdir "$DIR" && echo file >"$DIR"',
    reported: same('spool_dir_missing', 'spool_dir_unusable'),
  },
  {
    what: 'it cannot be entered',
    phase: 'transfer',
    spoil: 'chown root: "$DIR" && chmod 700 "$DIR"',
    reported: {
      ordinary: { code: 'spool_not_writable', lost: 'spool_dir_unusable' },
      ...restricted('spool_not_writable', 'remote_rsync_silent'),
    },
  },
  {
    what: 'it cannot be written',
    phase: 'transfer',
    spoil: 'chown root: "$DIR" && chmod 755 "$DIR"',
    reported: same('spool_not_writable', 'spool_not_written'),
  },
  {
    what: 'its disk is read-only',
    phase: 'transfer',
    disk: 'read-only',
    reported: same('spool_not_writable', 'spool_not_written'),
  },
  {
    what: 'its disk is full',
    phase: 'transfer',
    disk: 'full',
    reported: same('spool_full', 'spool_not_written'),
  },
];

export const linkFailures: readonly LinkFailure[] = [
  ...connectionFailures,
  ...programFailures,
  ...directoryFailures,
];
