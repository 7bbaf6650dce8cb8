/**
 * The one way to run a child process. It ends in one of four ways, each a field of its own: it could not be started,
 * it ran out of time, a signal ended it, or it ended with a status.
 */
import { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa, type Options, type ResultPromise } from 'execa';
import { errnoName } from './errno.ts';

export interface ChildOptions {
  /** All of its environment; our own when it is not given. */
  environment?: NodeJS.ProcessEnv;
  /** The directory it starts in; our own when it is not given. */
  directory?: string;
  /** Asks the child to end: SIGTERM, and SIGKILL after `graceSeconds`. */
  signal?: AbortSignal;
  graceSeconds?: number;
  /** It may not take longer than this. */
  seconds?: number;
  /** It may not be without output for longer than this. */
  silentSeconds?: number;
  /** The same until its first output, where starting it takes longer on a busy machine. */
  startSeconds?: number;
  /** Whatever it has started is killed with it. */
  ownGroup?: boolean;
  /** It ends when we are killed, too: else it would go on beside the run that comes after us. */
  endsWithUs?: boolean;
  /** Nobody waits for it: it does not keep our process from ending. */
  inBackground?: boolean;
  /** Its stdout and stderr are our own, so that nothing of them is kept. */
  inheritsOutput?: boolean;
  /** Called with its stdout, as it comes. */
  onOutput?: (text: string) => void;
  /** Its stdin stays open until {@link RunningChild.closeInput}. */
  keepsInput?: boolean;
}

/** Exactly one of the first four fields is set. */
export interface ChildResult {
  /** Why it could not be started: the name of an errno, such as `ENOENT`. */
  spawnError: string | undefined;
  /** It took too long, or said nothing for too long, and was killed or, in a dead file system, left behind. */
  timedOut: boolean;
  signal: string | undefined;
  exitStatus: number | undefined;
  stdout: string;
  stderr: string;
}

export interface RunningChild {
  /** Rejects with the reason of `options.signal` when that was aborted, after the child's end. */
  result: Promise<ChildResult>;
  /** False from the moment on in which its end is known, which may be some time before `result`. */
  isRunning(): boolean;
  closeInput(): void;
}

/** Characters of each stream that are kept. */
const keptOutput = 10_000_000;
/** Milliseconds in which a killed child ends; one that waits for a dead file system never does. */
const killPatience = 300;
/** Milliseconds after its end in which its pipes are closed; what it left in the background may hold them for ever. */
const pipePatience = 500;

/** Runs it to its end. A failure of the child is no exception: see {@link ChildResult}. */
export function runChild(command: readonly string[], options: ChildOptions = {}): Promise<ChildResult> {
  return startChild(command, options).result;
}

export function startChild(command: readonly string[], options: ChildOptions = {}): RunningChild {
  const [program = '', ...args] =
    options.endsWithUs === true ? ['setpriv', '--pdeathsig', 'TERM', '--', ...command] : command;
  const child = execa(program, args, execaOptions(options));
  if (options.inBackground === true) letGo(child);
  const { nodeChildProcess: own } = child;
  return {
    result: readResult(child, options),
    isRunning: () => own.pid !== undefined && own.exitCode === null && own.signalCode === null,
    closeInput: () => child.stdin?.end(),
  };
}

function execaOptions(options: ChildOptions) {
  return {
    ...(options.directory === undefined ? {} : { cwd: options.directory }),
    env: options.environment ?? process.env,
    extendEnv: false,
    reject: false,
    buffer: false,
    detached: options.ownGroup === true,
    stdin: options.keepsInput === true ? 'pipe' : 'ignore',
    ...(options.inheritsOutput === true ? { stdout: 'inherit', stderr: 'inherit' } : {}),
  } as const satisfies Options;
}

type Child = ResultPromise<ReturnType<typeof execaOptions>>;
type Output = Pick<ChildResult, 'stdout' | 'stderr'>;
type Ending = Omit<ChildResult, keyof Output>;

async function readResult(child: Child, options: ChildOptions): Promise<ChildResult> {
  const output: Output = { stdout: '', stderr: '' };
  const watch = watchTime(options);
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    watch.hear();
    if (output.stdout.length < keptOutput) output.stdout += text;
    options.onOutput?.(text);
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    watch.hear();
    if (output.stderr.length < keptOutput) output.stderr += text;
  });
  const ended = Promise.race([readEnding(child), readLateEnding(child)]);
  try {
    const ending = (await Promise.race([ended, watch.over])) ?? (await endChild(child, ended, options));
    options.signal?.throwIfAborted();
    return { ...asSpawnError(ending, output.stderr, options), ...output };
  } finally {
    watch.stop();
    leaveBehind(child);
  }
}

async function readEnding(child: Child): Promise<Ending> {
  const { exitCode: exitStatus, signal, cause, code } = await child;
  const isStarted = exitStatus !== undefined || signal !== undefined;
  const spawnError = isStarted ? undefined : (errnoName(cause) ?? code ?? 'unknown');
  return { spawnError, timedOut: false, signal, exitStatus };
}

function readLateEnding({ nodeChildProcess }: Child): Promise<Ending> {
  return new Promise((resolve) => {
    nodeChildProcess.once('exit', (status, signal) => {
      const ending = { signal: signal ?? undefined, exitStatus: status ?? undefined };
      setTimeout(() => resolve({ spawnError: undefined, timedOut: false, ...ending }), pipePatience).unref();
    });
  });
}

/** `over` resolves with undefined when its time is over, or it is to end. */
function watchTime({ seconds, silentSeconds, startSeconds, signal }: ChildOptions) {
  let over = () => {};
  const promise = new Promise<undefined>((resolve) => {
    over = () => resolve(undefined);
  });
  const begin = (limit: number | undefined) =>
    limit === undefined ? undefined : setTimeout(over, limit * 1000);
  const whole = begin(seconds);
  let silence = begin(startSeconds ?? silentSeconds);
  const hear = () => {
    clearTimeout(silence);
    silence = begin(silentSeconds);
  };
  if (signal?.aborted === true) over();
  signal?.addEventListener('abort', over);
  const stop = () => {
    clearTimeout(whole);
    clearTimeout(silence);
    signal?.removeEventListener('abort', over);
  };
  return { over: promise, hear, stop };
}

/** Aborted, it may tidy up first; out of time, it may not. */
async function endChild(child: Child, ended: Promise<Ending>, options: ChildOptions): Promise<Ending> {
  if (options.signal?.aborted === true) {
    kill(child, 'SIGTERM', options);
    const ending = await Promise.race([
      ended,
      sleep((options.graceSeconds ?? 10) * 1000, undefined, { ref: false }),
    ]);
    if (ending !== undefined) return ending;
  }
  kill(child, 'SIGKILL', options);
  await Promise.race([ended, sleep(killPatience)]);
  return { spawnError: undefined, timedOut: true, signal: undefined, exitStatus: undefined };
}

function kill({ nodeChildProcess: child }: Child, signal: NodeJS.Signals, { ownGroup }: ChildOptions): void {
  if (ownGroup !== true || child.pid === undefined) {
    child.kill(signal);
    return;
  }
  try {
    process.kill(-child.pid, signal);
  } catch {
    // All of them have just ended.
  }
}

/** A child that cannot be killed, and pipes that somebody else holds open, do not keep us from ending. */
function leaveBehind({ nodeChildProcess, stdin, stdout, stderr }: Child): void {
  nodeChildProcess.unref();
  for (const stream of [stdin, stdout, stderr]) stream?.destroy();
}

/** What Node waits for before it ends: the process, and pipes that are open. */
function letGo({ nodeChildProcess, stdout, stderr }: Child): void {
  nodeChildProcess.unref();
  for (const stream of [stdout, stderr]) if (stream instanceof Socket) stream.unref();
}

/** setpriv(1) is started in any case, and says so when the program itself cannot be. */
function asSpawnError(ending: Ending, stderr: string, { endsWithUs }: ChildOptions): Ending {
  if (endsWithUs !== true || !/^setpriv: failed to execute/m.test(stderr)) return ending;
  return { ...ending, spawnError: 'ENOENT', signal: undefined, exitStatus: undefined };
}
