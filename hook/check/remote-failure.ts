/** A failed transfer to the other host → the finding that it belongs to, and what mends it. Pure. */
import { EXIT } from '../errors.ts';
import type { RsyncFailureKind } from '../spool/rsync/failure.ts';
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
export function classifyFailure(kind: RsyncFailureKind, stderr: string, facts: RemoteFacts): RemoteFailure {
  switch (kind) {
    case 'host key unknown':
      return { step: 'host-key', status: EXIT.config, fix: acceptHostKey(facts) };
    case 'host key changed':
      return { step: 'host-key', status: EXIT.config, fix: replaceHostKey(facts) };
    case 'key refused':
      return { step: 'ssh-key', status: EXIT.permission, ...admitKey(facts, stderr) };
    case 'password refused':
    case 'address refused':
      return { step: 'remote-rsync', status: EXIT.permission };
    case 'read-only':
      return { step: 'remote-rsync', status: EXIT.permission, ...allowWriting(facts) };
    case 'rsync missing':
      return { step: 'remote-rsync', status: EXIT.config, ...installRsync(facts, stderr) };
    case 'deletion refused':
      return { step: 'remote-rsync', status: EXIT.config, fix: allowRenaming(facts) };
    case 'option refused':
    case 'refused':
    case 'noisy shell':
      return { step: 'remote-rsync', status: EXIT.config };
    case 'option unknown':
      // Without these words it is rsync here that has ended, before it has connected.
      return { step: /on remote machine/.test(stderr) ? 'remote-rsync' : 'host', status: EXIT.config };
    case 'ssh missing':
      return { step: 'host', status: EXIT.config };
    case 'directory missing':
      return { step: 'remote-directory', status: EXIT.spool, ...createDirectory(facts, stderr) };
    case 'not writable':
      return { step: 'remote-write', status: EXIT.permission, ...openDirectory(facts, stderr) };
    case 'other':
      return classifyOther(stderr);
    case 'disk full':
    case 'locked':
      return { step: 'remote-write', status: EXIT.spool };
    case 'lost':
      return classifyLost(stderr);
    case 'occupied':
    case 'no such host':
    case 'unreachable':
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
