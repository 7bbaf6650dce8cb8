/**
 * One login for all that a run does on a host: an ssh of our own that every rsync goes through.
 *
 * It also separates ssh's failures from rsync's: what fails before it stands is ssh's, with ssh's own words and status.
 * It ends with us, however we end, and a new one is opened when it has died.
 */
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { EXIT } from '../../errors.ts';
import { type RunningChild, runChild, startChild } from '../../system/child-process.ts';
import { withErrnoTranslated } from '../../system/errno.ts';
import { shellQuote } from '../../system/shell-quote.ts';
import { temporaryPath } from '../../system/work-dir.ts';
import type { SpoolWatcher } from '../spool.ts';
import { childEnvironment } from './child-environment.ts';
import { explainFailure, RsyncFailure } from './failure.ts';
import { masterArguments, sshHost } from './ssh-arguments.ts';
import type { Transfer } from './transfer.ts';

/** `name` in `directory`, where who uses it has to start. */
interface ControlSocket {
  name: string;
  directory: string;
}

export interface Connection {
  /** Begins to open it, so that it stands when it is needed. */
  begin(watcher: SpoolWatcher): void;
  /** Resolves when it stands, or has failed, which {@link socket} throws then. */
  whenSettled(watcher: SpoolWatcher): Promise<void>;
  /**
   * Waits until it stands, and opens it anew where it has died. Undefined where no control socket can be made: each
   * rsync logs in for itself then. Throws RsyncFailure.
   */
  socket(watcher: SpoolWatcher): Promise<ControlSocket | undefined>;
  /** Asks it: false when it has died, and what went through it has failed for that. */
  isStanding(): Promise<boolean>;
}

/** Its socket in its directory: ssh and rsync start there, since a socket's path may have but 107 bytes. */
const socketName = 'ssh';
/** Seconds for name, connection and login; ConnectTimeout does not count what comes after the key exchange. */
const loginSeconds = 60;
const pollMilliseconds = 10;
const answerSeconds = 10;

interface Master {
  directory: string;
  remove: () => void;
  ssh: RunningChild;
  /** It stood, or its failure has been thrown: who asks after its end begins anew. Until then that is the answer. */
  isSpent: boolean;
  /** Resolves when connections can go through it; false when it can make no socket. */
  standing: Promise<boolean>;
}

export function createConnection(
  transfer: Pick<Transfer, 'address' | 'subDir' | 'extraOptions'>,
  workDir: string,
): Connection {
  let master: Master | undefined;
  let hasSocket = true;
  const current = (watcher: SpoolWatcher) => {
    if (master !== undefined && (master.ssh.isRunning() || !master.isSpent)) return master;
    master?.remove();
    master = startMaster(transfer, workDir, watcher);
    return master;
  };
  return {
    begin: (watcher) => {
      if (hasSocket) current(watcher);
    },
    whenSettled: async (watcher) => {
      if (hasSocket) await current(watcher).standing.catch(() => undefined);
    },
    socket: async (watcher) => {
      if (!hasSocket) return undefined;
      const asked = current(watcher);
      const { standing, directory } = asked;
      try {
        hasSocket = await standing;
      } finally {
        asked.isSpent = true;
      }
      return hasSocket ? { name: socketName, directory } : undefined;
    },
    isStanding: async () => {
      if (master?.ssh.isRunning() !== true) return false;
      const question = ['ssh', '-S', socketName, '-O', 'check', '--', sshHost(transfer.address)];
      const { directory } = master;
      const environment = childEnvironment(process.env);
      const answer = await runChild(question, { directory, environment, seconds: answerSeconds });
      return answer.exitStatus === 0;
    },
  };
}

function startMaster(
  transfer: Pick<Transfer, 'address' | 'subDir' | 'extraOptions'>,
  workDir: string,
  watcher: SpoolWatcher,
): Master {
  const directory = temporaryPath(workDir);
  withErrnoTranslated(`cannot make ${directory}`, () => mkdirSync(directory, { mode: 0o700 }));
  // Not at its end: an rsync may just be starting there, and logs in for itself then.
  const remove = () => {
    process.off('exit', remove);
    rmSync(directory, { recursive: true, force: true });
  };
  process.once('exit', remove);
  const command = ['ssh', ...masterArguments(transfer, socketName)];
  watcher.debug(`running: ${shellQuote(command)}`);
  const giveUp = new AbortController();
  const ssh = startChild(command, {
    directory,
    environment: childEnvironment(process.env),
    signal: AbortSignal.any([watcher.signal, giveUp.signal]),
    graceSeconds: 1,
    endsWithUs: true,
    inBackground: true,
  });
  const master: Master = {
    directory,
    remove,
    ssh,
    isSpent: false,
    standing: Promise.resolve(true),
  };
  // Whom it concerns waits for it himself; nobody may, after it has stood.
  ssh.result.catch(() => undefined);
  master.standing = whenStanding(master, transfer, watcher, giveUp);
  // Thrown to who waits for it; nobody may, when packing the archive fails.
  master.standing.catch(() => undefined);
  return master;
}

async function whenStanding(
  master: Master,
  { address: { host } }: Pick<Transfer, 'address'>,
  watcher: SpoolWatcher,
  giveUp: AbortController,
): Promise<boolean> {
  const deadline = Date.now() + loginSeconds * 1000;
  while (master.ssh.isRunning()) {
    if (existsSync(`${master.directory}/${socketName}`)) {
      master.isSpent = true;
      return true;
    }
    if (Date.now() > deadline) {
      giveUp.abort();
      throw loginHangs(host);
    }
    await Promise.race([master.ssh.result, sleep(pollMilliseconds)]);
  }
  watcher.signal.throwIfAborted();
  const { spawnError, exitStatus, signal, stderr } = await keepingAwake(master.ssh.result);
  if (/^unix_listener: /m.test(stderr)) return false;
  if (spawnError !== undefined) throw sshMissing();
  throw explainFailure({ exitCode: exitStatus, signal, stderr }, { destination: host, host }, 'connection');
}

/** Our process does not end meanwhile: a child in the background does not keep it from that. */
async function keepingAwake<T>(promise: Promise<T>): Promise<T> {
  const timer = setInterval(() => undefined, 1000);
  try {
    return await promise;
  } finally {
    clearInterval(timer);
  }
}

function loginHangs(host: string): RsyncFailure {
  return new RsyncFailure(`${host} answers, but the login does not end within ${loginSeconds} s`, {
    code: 'host_unreachable',
    exitStatus: EXIT.temporary,
    retryable: true,
    fix: 'look at the load of that host and at the log of sshd there',
  });
}

function sshMissing(): RsyncFailure {
  return new RsyncFailure('ssh cannot be run here', {
    code: 'ssh_missing',
    exitStatus: EXIT.unavailable,
    fix: 'apt-get install rsync openssh-client',
  });
}
