/** How a reason is recognized in what rsync or ssh leaves behind: one row of the tables in ssh-rules.ts and rsync-rules.ts. */
import type { ErrorScope, ExitStatus } from '../../errors.ts';

export interface RsyncFacts {
  /** `[USER@]HOST:PATH/SUB` */
  destination: string;
  host: string;
}

/** Nothing is said, or only what rsync adds to every failure: an exit status is all that is left. */
export const silence =
  /^(?:\s*(?:rsync error: .*|rsync: connection unexpectedly closed .*|rsync: .* safe_write failed .*)?\r?\n?)*$/;

/** What has failed, for programs. */
export type RsyncFailureCode =
  // Before the connection stands, ssh's:
  | 'host_not_found'
  | 'host_unreachable'
  | 'host_key_changed'
  | 'host_key_unknown'
  | 'key_refused'
  | 'ssh_config_invalid'
  | 'ssh_failed'
  | 'ssh_missing'
  // After it, rsync's, rrsync's and the daemon's:
  | 'address_refused'
  | 'connection_lost'
  | 'connection_stalled'
  | 'module_unusable'
  | 'option_refused'
  | 'option_unknown'
  | 'password_refused'
  | 'remote_rsync_missing'
  | 'remote_rsync_silent'
  | 'renaming_refused'
  | 'restricted_dir_missing'
  | 'rrsync_refused'
  | 'rsync_failed'
  | 'shell_not_clean'
  | 'spool_dir_missing'
  | 'spool_dir_unusable'
  | 'spool_full'
  | 'spool_not_writable'
  | 'spool_not_written'
  | 'spool_read_only'
  | 'too_many_connections'
  | 'transfer_under_way';

export interface Rule {
  /** Matched against stderr without the notices that are no reason. */
  pattern?: RegExp;
  exitCodes?: readonly number[];
  code: RsyncFailureCode;
  exitStatus: ExitStatus;
  retryable?: boolean;
  /** It is rsync or ssh on this server that ends, before it connects. */
  isHere?: boolean;
  /** Default: the whole host. */
  scope?: ErrorScope;
  what: (facts: RsyncFacts, match: readonly string[]) => string;
  fix: (facts: RsyncFacts, match: readonly string[]) => string;
}
