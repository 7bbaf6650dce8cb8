/** Runs a program that may hang for ever, and gives up on it after some seconds. */
import type { ChildProcess } from 'node:child_process';
import { setTimeout } from 'node:timers/promises';
import { execa } from 'execa';

export interface RunOptions {
  /** Without output for so long, the program counts as hanging. */
  silentSeconds: number;
  /** The same until it says its first word, where its start takes longer on a busy machine. */
  startSeconds?: number;
  /** However much it says, it may not take longer than this. */
  seconds?: number;
  environment?: NodeJS.ProcessEnv;
  signal: AbortSignal;
  /** Told what it says on stdout, as it comes. */
  onOutput?: (text: string) => void;
  /** Stdin stays open until the program is ended with {@link Running.end}. */
  keepsInput?: boolean;
}

export interface RunResult {
  /** `missing`: there is no such program. */
  how: 'ended' | 'missing' | 'hung';
  exitCode: number | undefined;
  signal: string | undefined;
  stdout: string;
  stderr: string;
}

export interface Running {
  result: Promise<RunResult>;
  /** Closes its stdin. */
  end(): void;
}

/** How often we look whether it has become too silent, in milliseconds. */
const pollInterval = 100;
/** What a program gets to end after it was killed, in milliseconds; one that waits for a dead mount never does. */
const killPatience = 300;

export function start(command: readonly string[], options: RunOptions): Running {
  const [program = '', ...args] = command;
  const child = execa(program, args, {
    cwd: '/',
    env: options.environment ?? process.env,
    extendEnv: false,
    reject: false,
    buffer: false,
    stdin: options.keepsInput === true ? 'pipe' : 'ignore',
  });
  const said = { stdout: '', stderr: '' };
  let lastSaid = Date.now();
  let patience = options.startSeconds ?? options.silentSeconds;
  const hear = (stream: 'stdout' | 'stderr') => (chunk: Buffer) => {
    lastSaid = Date.now();
    patience = options.silentSeconds;
    if (said[stream].length < 1_000_000) said[stream] += chunk.toString();
    if (stream === 'stdout') options.onOutput?.(chunk.toString());
  };
  child.stdout.on('data', hear('stdout'));
  child.stderr.on('data', hear('stderr'));
  const ended = child.then(({ exitCode, signal }): RunResult => {
    const how = exitCode === undefined && signal === undefined ? 'missing' : 'ended';
    return { how, exitCode, signal, ...said };
  });
  const hung = async (): Promise<RunResult | undefined> => {
    const begin = Date.now();
    const limit = (options.seconds ?? Number.POSITIVE_INFINITY) * 1000;
    while (Date.now() - lastSaid < patience * 1000 && Date.now() - begin < limit) {
      const result = await Promise.race([ended, setTimeout(pollInterval, undefined)]);
      if (result !== undefined || options.signal.aborted) return result;
    }
    return undefined;
  };
  return {
    result: hung().then((result) => result ?? abandon(child.nodeChildProcess, ended, said)),
    end: () => child.stdin?.end(),
  };
}

/** A process that waits for a dead mount cannot be killed: it is left alone, and does not keep us from ending. */
async function abandon(
  child: ChildProcess,
  ended: Promise<RunResult>,
  said: Pick<RunResult, 'stdout' | 'stderr'>,
): Promise<RunResult> {
  child.kill('SIGKILL');
  await Promise.race([ended, setTimeout(killPatience)]);
  child.unref();
  for (const stream of [child.stdin, child.stdout, child.stderr]) stream?.destroy();
  return { how: 'hung', exitCode: undefined, signal: undefined, ...said };
}

/** Starts it and waits for its end; throws the signal's reason when the check is interrupted. */
export async function run(command: readonly string[], options: RunOptions): Promise<RunResult> {
  const result = await start(command, options).result;
  options.signal.throwIfAborted();
  return result;
}
