/** Runs a real program in a clean environment, as BBB's systemd unit would, and reports how it ended. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { homedir } from 'node:os';
import { delimiter } from 'node:path';
import type { Readable, Writable } from 'node:stream';

export interface ProgramResult {
  /** Exit status, null when a signal ended the program. */
  status: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface ProgramOptions {
  cwd?: string;
  /** Added to PATH, LANG and HOME, which are all that is inherited; undefined removes one of these. */
  env?: Record<string, string | undefined>;
  /** Only root can run a program as another user; it then has no supplementary groups. */
  user?: { uid: number; gid: number };
  /** Written to stdin, which is closed afterwards; nothing by default. */
  input?: string | Buffer;
  /** After this time the program is killed, which shows as signal SIGKILL. */
  timeoutMilliseconds?: number;
}

export interface RunningProgram {
  child: ChildProcessByStdio<Writable, Readable, Readable>;
  /** Rejects only when the program cannot be started. */
  result: Promise<ProgramResult>;
}

/** PATH without the folders that npm and vitest put in front, so that no test finds one of our own tools by luck. */
export function systemPath(): string {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders.filter((folder) => !folder.includes('node_modules')).join(delimiter);
}

function cleanEnvironment(added: ProgramOptions['env']): Record<string, string> {
  const wanted = { PATH: systemPath(), LANG: 'C.UTF-8', HOME: homedir(), ...added };
  return Object.fromEntries(
    Object.entries(wanted).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

export function startProgram(
  command: string,
  args: readonly string[],
  options: ProgramOptions = {},
): RunningProgram {
  const child = spawn(command, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: cleanEnvironment(options.env),
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.user ?? {}),
    timeout: options.timeoutMilliseconds ?? 600_000,
    killSignal: 'SIGKILL',
  });
  // A program that does not read its stdin may be gone before we have written.
  child.stdin.on('error', () => {});
  child.stdin.end(options.input ?? '');
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output.stderr += text;
  });
  const result = new Promise<ProgramResult>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status, signal) => resolve({ status, signal, ...output }));
  });
  return { child, result };
}

export function runProgram(
  command: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<ProgramResult> {
  return startProgram(command, args, options).result;
}

/** Runs a program that has to succeed. @throws Error with the program's stderr when it does not */
export async function runOrThrow(
  command: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<ProgramResult> {
  const result = await runProgram(command, args, options);
  if (result.status === 0) return result;
  throw new Error(
    `${command} ended with ${result.status ?? result.signal}: ${result.stderr || result.stdout}`,
  );
}
