/** A failed transfer to the other host → the finding that it belongs to, and what mends it. Pure. */
import { EXIT } from '../errors.ts';
import type { RsyncFailureCode } from '../spool/rsync/failure-rule.ts';
import type { CheckStatus } from './finding.ts';
import {
  acceptHostKey,
  admitKey,
  allowRenaming,
  allowWriting,
  createDirectory,
  installRsync,
  type Mending,
  openDirectory,
  type RemoteFacts,
  replaceHostKey,
} from './remote-fixes.ts';

/** In the order in which a transfer comes to them: what stands before the one that failed is in order. */
export const remoteSteps = [
  'host',
  'host-key',
  'ssh-key',
  'remote-rsync',
  'remote-directory',
  'remote-write',
] as const;
export type RemoteStep = (typeof remoteSteps)[number];

export interface RemoteFailure extends Mending {
  step: RemoteStep;
  status: CheckStatus;
}

/** @param stderr of ssh and rsync, in English */
export function classifyFailure(code: RsyncFailureCode, stderr: string, facts: RemoteFacts): RemoteFailure {
  switch (code) {
    case 'host_key_unknown':
      return { step: 'host-key', status: EXIT.config, fix: acceptHostKey(facts) };
    case 'host_key_changed':
      return { step: 'host-key', status: EXIT.config, fix: replaceHostKey(facts) };
    case 'key_refused':
      return { step: 'ssh-key', status: EXIT.permission, ...admitKey(facts, stderr) };
    case 'password_refused':
    case 'address_refused':
      return { step: 'remote-rsync', status: EXIT.permission };
    case 'spool_read_only':
      return { step: 'remote-rsync', status: EXIT.permission, ...allowWriting(facts) };
    case 'remote_rsync_missing':
      return { step: 'remote-rsync', status: EXIT.config, ...installRsync(facts, stderr) };
    case 'renaming_refused':
      return { step: 'remote-rsync', status: EXIT.config, fix: allowRenaming(facts) };
    case 'option_refused':
    case 'rrsync_refused':
    case 'shell_not_clean':
      return { step: 'remote-rsync', status: EXIT.config };
    case 'option_unknown':
      // Without these words it is rsync here that has ended, before it has connected.
      return { step: /on remote machine/.test(stderr) ? 'remote-rsync' : 'host', status: EXIT.config };
    case 'ssh_missing':
    case 'ssh_config_invalid':
      return { step: 'host', status: EXIT.config };
    case 'spool_dir_missing':
    case 'spool_dir_unusable':
    case 'restricted_dir_missing':
      return { step: 'remote-directory', status: EXIT.spool, ...createDirectory(facts, stderr) };
    case 'spool_not_writable':
      return { step: 'remote-write', status: EXIT.permission, ...openDirectory(facts, stderr) };
    case 'rsync_failed':
    case 'ssh_failed':
      return classifyOther(stderr);
    case 'spool_full':
    case 'spool_not_written':
    case 'transfer_under_way':
      return { step: 'remote-write', status: EXIT.spool };
    case 'connection_lost':
    case 'connection_stalled':
    case 'remote_rsync_silent':
      return classifyLost(stderr);
    case 'too_many_connections':
    case 'host_not_found':
    case 'host_unreachable':
      return { step: 'host', status: EXIT.spool };
  }
}

/** What rsync itself has no word for. */
function classifyOther(stderr: string): RemoteFailure {
  if (!/@ERROR: /.test(stderr)) return { step: 'remote-write', status: EXIT.spool };
  return { step: 'remote-rsync', status: EXIT.config, advice: 'correct the module in rsyncd.conf there' };
}

/** When ssh itself has lost the connection it says so; else what it ran there has ended without a word of rsync. */
function classifyLost(stderr: string): RemoteFailure {
  const isOfSsh =
    /^(?:Connection |Received disconnect|Disconnected|client_loop|kex_|ssh_|ssh: |Timeout, server)/m;
  if (isOfSsh.test(stderr) || !/\(0 bytes received so far\)[\s\S]*\(code 12\)/.test(stderr))
    return { step: 'host', status: EXIT.spool };
  const advice = 'what our key may run there is not rsync: correct its line in authorized_keys there';
  return { step: 'remote-rsync', status: EXIT.config, advice };
}
