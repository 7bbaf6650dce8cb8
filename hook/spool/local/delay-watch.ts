/**
 * Says that a delivery to a network file system waits, and ends it when it is to end: the thread that writes can do
 * neither, since the kernel keeps it until the server is back.
 */
import { Worker } from 'node:worker_threads';
import { describeMount, findNetworkMount } from '../../system/network-mount.ts';

/** What the thread is handed. */
interface WatchOrder {
  /** What has been done so far, whether the run is to end, whether the delivery has ended. */
  cells: Int32Array;
  logFile: string | undefined;
  /** Before the time and after it, as Ruby's Logger has them. */
  waiting: string;
  goesOn: string;
  ending: string;
  pid: number;
}

export interface DelayWatch {
  /** Something has been done. */
  progress(): void;
  stop(): void;
}

const [progressCell, abortCell, endCell] = [0, 1, 2];

export interface WatchedDelivery {
  archive: string;
  directory: string;
  logFile: string | undefined;
  signal: AbortSignal;
}

/** Does nothing for a directory of this server. */
export function watchDelays({ archive, directory, logFile, signal }: WatchedDelivery): DelayWatch {
  const mount = findNetworkMount(directory);
  if (mount === undefined) return { progress: () => undefined, stop: () => undefined };
  const cells = new Int32Array(new SharedArrayBuffer(12));
  const [at, server] = [`${archive}: ${describeMount(mount)}`, mount.source];
  const workerData: WatchOrder = {
    ...{ cells, logFile, pid: process.pid },
    waiting: `${at} has not answered for 30 s: the delivery waits, and goes on by itself when ${server} is back`,
    goesOn: `${at} answers again: the delivery goes on`,
    ending: `${at} does not answer: the delivery was ended by a signal, and 'pilos-post-publish deliver' repeats it`,
  };
  const thread = new Worker(`(${watch.toString()})()`, { eval: true, workerData });
  thread.unref();
  const abort = () => Atomics.store(cells, abortCell, 1);
  signal.addEventListener('abort', abort);
  return {
    progress: () => Atomics.add(cells, progressCell, 1),
    stop: () => {
      signal.removeEventListener('abort', abort);
      Atomics.store(cells, endCell, 1);
      Atomics.notify(cells, endCell);
    },
  };
}

/**
 * The thread. It is handed over as text, so it uses nothing from outside. Nor does it name a function inside, for which
 * the bundle would call one outside.
 */
function watch(): void {
  const { readFileSync, appendFileSync, writeSync } = process.getBuiltinModule('node:fs');
  const { workerData } = process.getBuiltinModule('node:worker_threads');
  const { cells, logFile, waiting, goesOn, ending, pid } = workerData as WatchOrder;
  const [silence, grace, terminatingSignals] = [30_000, 3000, 0x4003];
  let [seen, since, askedSince] = [0, performance.now(), Number.POSITIVE_INFINITY];
  for (let isOver = false, isTold = false; !isOver; ) {
    isOver = Atomics.wait(cells, 2, 0, 500) !== 'timed-out';
    const [now, lines] = [performance.now(), [] as string[]];
    const progress = Atomics.load(cells, 0);
    if (progress !== seen || isOver) {
      if (isTold) lines.push(goesOn);
      [seen, since, isTold] = [progress, now, false];
    } else if (!isTold && now - since > silence) {
      lines.push(waiting);
      isTold = true;
    }
    // A signal that the kernel has not been able to deliver to the thread that waits: proc_pid_status(5).
    const status = readFileSync('/proc/self/status').toString();
    const pending = Number.parseInt(/^ShdPnd:\s*\w*(\w{8})$/m.exec(status)?.[1] ?? '0', 16);
    const isAsked = Atomics.load(cells, 1) === 1 || (pending & terminatingSignals) !== 0;
    askedSince = isAsked ? Math.min(askedSince, now) : Number.POSITIVE_INFINITY;
    const isStuck = !isOver && isAsked && now - Math.max(since, askedSince) > grace;
    if (isStuck) lines.push(ending);
    for (const line of lines) {
      const time = new Date(Date.now() - new Date().getTimezoneOffset() * 60_000);
      const stamp = time.toISOString().slice(0, -1);
      writeSync(2, `pilos-post-publish: ${line}\n`);
      if (logFile !== undefined) appendFileSync(logFile, `W, [${stamp}000 #${pid}]  WARN -- : ${line}\n`);
    }
    if (isStuck) process.kill(pid, 'SIGKILL');
  }
}
