/**
 * What only touching the spool directory can say. It runs in a process of its own, which prints a line after each
 * step: whoever waits for it learns where it hangs, and can leave it behind.
 */
import { readdirSync, realpathSync, rmSync, statSync, writeSync } from 'node:fs';
import { EXIT, type ExitStatus, ExpectedError } from '../../errors.ts';
import { type ChildOptions, runChild } from '../../system/child-process.ts';
import { errnoName, translateErrno } from '../../system/errno.ts';
import { type FreeSpace, readFreeSpace } from '../../system/free-space.ts';
import { ownCommandNow } from '../../system/own-command.ts';
import { findClosed } from '../../system/paths.ts';
import { createRunToken } from '../../system/run-token.ts';
import { printOut } from '../../terminal/lines.ts';
import type { Parcel } from '../spool.ts';
import { readExchangeAt } from './known-directories.ts';
import { localSpool } from './local.ts';
import { explainNfsRefusal } from './nfs-refusal.ts';
import { probeName } from './temporary-files.ts';

interface ProbeRequest {
  directory: string;
  requireMount: boolean | string;
  workDir: string;
  /** Sub directories that meetings ask for, validated. */
  subDirs: string[];
}

type SpoolDirectory = ReturnType<typeof readDirectory>;
export type ProbeFailure = ReturnType<typeof describeFailure>;

/** What PILOS has not imported yet, and what it could not import. */
export interface Archives {
  waiting: number;
  /** Seconds since the oldest of them was written, by the clock of the spool. */
  oldestSeconds: number;
  failedDirectory: 'missing' | 'hidden' | 'visible';
  failed: string[];
  /** What was delivered before went into another directory of the same name: ArchivesSeen.since. */
  exchanged?: { since: string; here: string[] } | undefined;
}

interface Steps {
  directory: SpoolDirectory;
  space: FreeSpace | undefined;
  write: Awaited<ReturnType<typeof writeTest>>;
  archives: Archives;
}

/** What each step has found, or why it failed; nothing of a step that the probe did not come to. */
export type Answers = { [Step in keyof Steps]?: { found?: Steps[Step]; failure?: ProbeFailure } };

/** One line of a probe. `subDir` is `''` for the spool directory itself. */
interface ProbeLine {
  subDir: string;
  answers: Answers;
}

/** Until the probe says its first word it has not touched the spool: it is this server that is busy. */
const startSeconds = 60;

/** In a process of its own, because whoever touches a dead file system may never come back. */
export async function askProbe(request: ProbeRequest, options: ChildOptions) {
  const command = [...ownCommandNow(), 'probe-spool', JSON.stringify(request)];
  const { timedOut, exitStatus, stdout, stderr } = await runChild(command, { ...options, startSeconds });
  if (!timedOut && exitStatus !== 0) throw new Error(`the probe of the spool failed: ${stderr}`);
  const answers = new Map<string, Answers>();
  const whole = stdout.slice(0, stdout.lastIndexOf('\n') + 1);
  for (const line of whole.split('\n').filter((text) => text !== '')) {
    const { subDir, answers: further } = JSON.parse(line) as ProbeLine;
    answers.set(subDir, { ...answers.get(subDir), ...further });
  }
  return { answers, isHung: timedOut };
}

/** Takes all steps, and prints how each ended. */
export async function probeSpool(request: ProbeRequest): Promise<ExitStatus> {
  // Whoever waits knows from now on that it is the spool that is waited for.
  printOut('\n');
  await probeDirectory(request, '');
  return EXIT.ok;
}

async function probeDirectory(request: ProbeRequest, subDir: string): Promise<void> {
  const path = subDir === '' ? request.directory : `${request.directory}/${subDir}`;
  const take = async <Step extends keyof Steps>(
    step: Step,
    action: () => Steps[Step] | Promise<Steps[Step]>,
  ): Promise<Steps[Step] | undefined> => {
    const answer = await tryStep(request.directory, path, action);
    printOut(`${JSON.stringify({ subDir, answers: { [step]: answer } })}\n`);
    return answer.found;
  };
  const directory = await take('directory', () => readDirectory(path));
  if (directory?.isDirectory !== true) return;
  if (subDir === '') await take('space', () => readFreeSpace(path));
  const written = await take('write', () => writeTest(request, subDir));
  await take('archives', () => readArchives(request.workDir, path, written?.at ?? Date.now()));
  if (subDir !== '') return;
  for (const name of request.subDirs) await probeDirectory(request, name);
}

async function tryStep<T>(
  directory: string,
  path: string,
  action: () => T | Promise<T>,
): Promise<{ found?: T; failure?: ProbeFailure }> {
  try {
    return { found: await action() };
  } catch (error) {
    return {
      failure: describeFailure(
        explainNfsRefusal(translateErrno(error, `cannot use ${path}`), directory),
        path,
      ),
    };
  }
}

/** `closed`: the directory on the way there that we may not enter. */
function describeFailure(error: unknown, path: string) {
  if (!(error instanceof ExpectedError)) throw error;
  const { code, message, fix, exitStatus, cause } = error;
  return { ...{ code, message, fix, exitStatus }, errno: errnoName(cause), closed: findClosed(path) };
}

function readDirectory(path: string) {
  return { path: realpathSync.native(path), isDirectory: statSync(path).isDirectory(), ...readAccess(path) };
}

function readAccess(path: string) {
  const { mode, uid, gid } = statSync(path);
  return { mode: mode & 0o7777, uid, gid };
}

/** What is delivered to a spool to see whether that works. */
export function probeParcel(name: string, subDir: string, signal: AbortSignal): Parcel {
  const content = Buffer.from('A test of pilos-post-publish check; it can be deleted.\n');
  const ignore = () => undefined;
  return {
    ...{ name, subDir, signal, size: content.length, warn: ignore, debug: ignore },
    write: async (target) => void writeSync(target, content),
  };
}

/** Delivers a file as if it were an archive, under a name that PILOS ignores, and removes it. */
async function writeTest({ directory, requireMount, workDir }: ProbeRequest, subDir: string) {
  const spool = localSpool({ directory, requireMount, workDir, isProbe: true });
  const place = spool.destination(subDir);
  const name = `${probeName}.${createRunToken()}`;
  await spool.deliver(probeParcel(name, subDir, new AbortController().signal));
  const { mode, gid, mtimeMs } = statSync(`${place}/${name}`);
  rmSync(`${place}/${name}`);
  return { mode: mode & 0o7777, gid, at: mtimeMs };
}

/** @param now milliseconds since 1970, by the clock of the spool */
function readArchives(workDir: string, directory: string, now: number): Archives {
  const waiting = readdirSync(directory).filter((name) => name.endsWith('.tar'));
  const ages = waiting.map((name) => {
    const stats = statSync(`${directory}/${name}`, { throwIfNoEntry: false });
    return stats === undefined ? 0 : (now - stats.mtimeMs) / 1000;
  });
  const oldestSeconds = ages.reduce((oldest, age) => Math.max(oldest, age), 0);
  const failed = readFailed(`${directory}/failed`);
  const since = readExchangeAt(workDir, directory);
  const exchanged = since === undefined ? undefined : { since, here: [...waiting, ...failed.failed] };
  return { waiting: waiting.length, oldestSeconds, ...failed, exchanged };
}

function readFailed(directory: string): Pick<Archives, 'failedDirectory' | 'failed'> {
  try {
    const failed = readdirSync(directory).filter((name) => name.endsWith('.tar'));
    return { failedDirectory: 'visible', failed: failed.sort() };
  } catch (error) {
    const errno = errnoName(error);
    if (errno !== 'ENOENT' && errno !== 'EACCES') throw error;
    return { failedDirectory: errno === 'ENOENT' ? 'missing' : 'hidden', failed: [] };
  }
}
