/** The way to a PILOS host breaks: sshd stops, the connection is cut or hangs; the rest is sent afterwards. */
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ProgramResult } from '../../support/program/run-program.ts';
import { printFigure, sized } from '../../support/program/test-size.ts';
import { largeSize } from '../../support/rsync/rsync-sender.ts';
import { describeRun, type Program } from './program.ts';
import type { Problems } from './scene.ts';
import {
  createRemoteScene,
  type KeyKind,
  type PilosHost,
  type RemoteOptions,
  type RemoteScene,
  sizeOf,
  whenArrived,
} from './ssh.ts';
import { type Undo, withUndo } from './undo.ts';
import { watchSpool } from './watch.ts';

/** Bytes of the recording that is cut. */
const large = sized(6_000_000, 60_000_000);
const bandwidth = sized(2_000_000, 15_000_000);

export interface Cut {
  host: PilosHost;
  key: KeyKind;
  /** Part of the archive that has arrived when it is cut, 0 to 1. */
  at: number;
  /** What is done then; it may return what undoes it before the next run. Given which processes serve us. */
  cut: (host: PilosHost, sessions: number[]) => Promise<(() => unknown) | undefined>;
  /** What the program is run by, e.g. in a network namespace. */
  by?: string[];
  options?: RemoteOptions;
  /** Exit status that is expected; 75 by default. */
  status?: number;
  what: string;
}

/** Cuts a transfer, repairs what was cut, and delivers: only the rest may be sent then. */
export async function checkCutTransfer(program: Program, fault: Cut): Promise<Problems> {
  return await withUndo(async (undo) => {
    const { host, key, at, status = 75, what } = fault;
    const scene = createRemoteScene(program, host, undo, { key, bytes: large, bandwidth, ...fault.options });
    const watch = await watchSpool(undo, scene.spool);
    const { ended, seconds } = await cutInTime(scene, fault, undo);
    const problems = problemsOfCut(scene, ended, status);
    const kept = sizeOf(scene.partial);
    scene.forgetSent();
    // BBB's own call would leave a host that was silent a moment ago to the timer.
    problems.push(...(await scene.recover('deliver')));
    const sent = scene.sentBytes();
    // A server that buffers may keep some 100 KB less than what was there; checksums take their part as well.
    if (sent > large - kept + 1_000_000) problems.push(`${sent} bytes sent again, though ${kept} were there`);
    if (kept < large * at * 0.9 - 500_000) problems.push(`only ${kept} bytes were kept`);
    problems.push(...(await watch.problems()));
    const percent = Math.round(at * 100);
    printFigure(
      `${what} at ${percent} % of ${large} bytes, ${key} key: ended after ${seconds} s, then sent ${sent} bytes`,
    );
    return problems;
  });
}

/** On a busy machine the last hundredth may have arrived before the cut: then once more. */
async function cutInTime(
  scene: RemoteScene,
  { host, at, cut, by = [] }: Cut,
  undo: Undo,
): Promise<{ ended: ProgramResult; seconds: string }> {
  for (let attempt = 1; ; attempt += 1) {
    scene.forget('everything');
    const { result } = scene.start({ by });
    await whenArrived(scene, large * Math.min(at, 0.1));
    const sessions = await host.server.sessionProcesses();
    await whenArrived(scene, large * at);
    const repair = await cut(host, sessions);
    undo(() => repair?.());
    const began = performance.now();
    const ended = await result;
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    await repair?.();
    if (ended.status !== 0 || attempt === 5) return { ended, seconds };
  }
}

function problemsOfCut(scene: RemoteScene, ended: ProgramResult, status: number): Problems {
  const problems = scene.problemsAfter(ended);
  if (ended.status !== status) problems.push(`ended with ${describeRun(ended)} instead of ${status}`);
  const left = scene.leftovers().filter((file) => !scene.partial.endsWith(`/${file}`));
  return [...problems, ...left.map((file) => `left over: ${file}`)];
}

export async function stopServer(
  { server }: PilosHost,
  sessions: number[] = [],
): Promise<() => Promise<void>> {
  for (const pid of sessions) signal(pid, 'SIGKILL');
  await server.stop();
  return once(server.start);
}

/** Every connection hangs: the processes are there, and do nothing any more. */
export async function freezeSessions({ server }: PilosHost): Promise<() => Promise<void>> {
  const frozen = await server.sessionProcesses();
  for (const pid of frozen) signal(pid, 'SIGSTOP');
  return once(async () => {
    for (const pid of frozen) signal(pid, 'SIGCONT');
    await server.killConnections();
  });
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It ended meanwhile.
  }
}

function once(action: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => {
    done ??= action();
    return done;
  };
}

/** The connections are cut, the server stays: the same call tries again, and sends the rest. */
export async function checkRetriedTransfer(
  program: Program,
  host: PilosHost,
  key: KeyKind,
): Promise<Problems> {
  return await withUndo(async (undo) => {
    const retry = { attempts: 3, max_seconds: 60 };
    const scene = createRemoteScene(program, host, undo, { key, bytes: large, bandwidth, retry });
    const watch = await watchSpool(undo, scene.spool);
    const { result } = scene.start();
    await whenArrived(scene, large / 2);
    const arrived = sizeOf(scene.partial);
    await host.server.killConnections();
    const ended = await result;
    const problems = scene.problemsAfter(ended);
    if (ended.status !== 0) problems.push(`ended with ${describeRun(ended)}`);
    const sent = scene.sentBytes();
    if (sent > large - arrived + 1_500_000)
      problems.push(`${sent} bytes sent again, though ${arrived} were there`);
    problems.push(...(await scene.importArchives()), ...(await watch.problems()));
    printFigure(
      `connections cut at 50 % of ${large} bytes, ${key} key: the same call sent the other ${sent} bytes`,
    );
    return problems;
  });
}

/** sshd is down before the call: it fails soon, says so, and the timer delivers later. */
export async function checkStoppedBefore(program: Program, host: PilosHost): Promise<Problems> {
  return await withUndo(async (undo) => {
    const scene = createRemoteScene(program, host, undo, { retry: { attempts: 2, max_seconds: 5 } });
    const start = await stopServer(host);
    undo(start);
    const ended = await scene.run();
    await start();
    const problems = problemsOfCut(scene, ended, 75);
    if (scene.isSenderDone()) problems.push('-sender.done without a delivery');
    problems.push(...(await scene.recover('deliver')));
    printFigure('sshd stopped before: 1 run');
    return problems;
  });
}

/** sshd stops when every byte has arrived, about when the archive gets its name. */
export async function checkStoppedAtTheEnd(
  program: Program,
  host: PilosHost,
  rounds: number,
): Promise<Problems> {
  return await withUndo(async (undo) => {
    const scene = createRemoteScene(program, host, undo, { bytes: largeSize });
    const watch = await watchSpool(undo, scene.spool);
    const problems: Problems = [];
    let delivered = 0;
    for (let round = 0; round < rounds; round += 1) {
      scene.forget('everything');
      const { result } = scene.start();
      await whenArrived(scene, largeSize);
      await sleep(round * 40);
      const start = await stopServer(host);
      undo(start);
      const ended = await result;
      if (existsSync(scene.archive)) delivered += 1;
      problems.push(...scene.problemsAfter(ended));
      await start();
      problems.push(...(await scene.recover()));
    }
    problems.push(...(await watch.problems()));
    printFigure(
      `sshd stopped when all bytes had arrived: ${rounds} times, of which ${delivered} had the archive`,
    );
    return problems;
  });
}
