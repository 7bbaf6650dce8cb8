/**
 * What only touching the spool directory can say. It runs in a process of its own, which prints a line after each
 * step: whoever waits for it learns where it hangs, and can leave it behind.
 */
import { readdirSync, realpathSync, rmSync, statSync, writeSync } from 'node:fs';
import { EXIT, type ExitStatus, ExpectedError } from '../errors.ts';
import { localSpool } from '../spool/local/local.ts';
import { errnoName, translateErrno } from '../system/errno.ts';
import { type FreeSpace, readFreeSpace } from '../system/free-space.ts';
import { createRunToken, isAbandoned } from '../system/run-token.ts';
import { printOut } from '../terminal/lines.ts';
import { quietly, readPathFacts } from './paths.ts';

export interface ProbeRequest {
  directory: string;
  requireMount: boolean | string;
  workDir: string;
  /** Sub directories that meetings ask for, validated. */
  subDirs: string[];
}

export interface SpoolDirectory {
  path: string;
  isDirectory: boolean;
  mode: number;
  uid: number;
  gid: number;
}

/** A test file, written as an archive would be. */
interface WrittenFile {
  mode: number;
  gid: number;
}

/** What PILOS has not imported yet, and what it could not import. */
export interface Archives {
  waiting: number;
  /** Seconds since the oldest of them was written, by the clock of the spool. */
  oldestSeconds: number;
  failedDirectory: 'missing' | 'hidden' | 'visible';
  failed: string[];
}

export interface ProbeFailure {
  message: string;
  fix: string;
  exitStatus: ExitStatus;
  errno: string | undefined;
  /** The directory on the way there that we may not enter, with its mode and group where they can be read. */
  closed: { path: string; mode?: number; uid?: number; gid?: number } | undefined;
}

interface Steps {
  directory: SpoolDirectory;
  space: FreeSpace | undefined;
  write: WrittenFile;
  archives: Archives;
}

/** One line of a probe. `subDir` is `''` for the spool directory itself. */
export type ProbeLine = {
  [Step in keyof Steps]: { step: Step; subDir: string } & (
    | { found: Steps[Step] }
    | { failure: ProbeFailure }
  );
}[keyof Steps];

const testName = '.pilos-post-publish-check';
const testContent = Buffer.from('A test of pilos-post-publish check; it can be deleted.\n');

/** Takes all steps, and prints how each ended. */
export async function probeSpool(request: ProbeRequest): Promise<ExitStatus> {
  // Whoever waits knows from now on that it is the spool that is waited for.
  printOut('\n');
  await probeDirectory(request, '');
  return EXIT.ok;
}

async function probeDirectory(request: ProbeRequest, subDir: string): Promise<void> {
  const path = subDir === '' ? request.directory : `${request.directory}/${subDir}`;
  const directory = await takeStep('directory', subDir, path, () => readDirectory(path));
  if (directory?.isDirectory !== true) return;
  if (subDir === '') await takeStep('space', subDir, path, () => readFreeSpace(path));
  let now = Date.now();
  await takeStep('write', subDir, path, async () => {
    const { at, ...written } = await writeTest(request, subDir);
    now = at;
    return written;
  });
  await takeStep('archives', subDir, path, () => readArchives(path, now));
  if (subDir !== '') return;
  for (const name of request.subDirs) await probeDirectory(request, name);
}

async function takeStep<Step extends keyof Steps>(
  step: Step,
  subDir: string,
  path: string,
  action: () => Steps[Step] | Promise<Steps[Step]>,
): Promise<Steps[Step] | undefined> {
  const say = (answer: { found: Steps[Step] } | { failure: ProbeFailure }) =>
    printOut(`${JSON.stringify({ step, subDir, ...answer })}\n`);
  try {
    const found = await action();
    say({ found });
    return found;
  } catch (error) {
    say({ failure: describeFailure(error, path) });
    return undefined;
  }
}

function describeFailure(error: unknown, path: string): ProbeFailure {
  const failure = translateErrno(error, `cannot use ${path}`);
  if (!(failure instanceof ExpectedError)) throw failure;
  const { message, fix, exitStatus, cause } = failure;
  const { closed } = readPathFacts(path);
  const stats = closed === undefined ? undefined : quietly(() => statSync(closed));
  const known = stats && { mode: stats.mode & 0o7777, uid: stats.uid, gid: stats.gid };
  return {
    ...{ message, fix, exitStatus, errno: errnoName(cause) },
    closed: closed === undefined ? undefined : { path: closed, ...known },
  };
}

function readDirectory(path: string): SpoolDirectory {
  const stats = statSync(path);
  const { uid, gid } = stats;
  const mode = stats.mode & 0o7777;
  return { path: realpathSync.native(path), isDirectory: stats.isDirectory(), mode, uid, gid };
}

/** Delivers a file as if it were an archive, under a name that PILOS ignores, and removes it. */
async function writeTest(
  { directory, requireMount, workDir }: ProbeRequest,
  subDir: string,
): Promise<WrittenFile & { at: number }> {
  const spool = localSpool({ directory, requireMount, workDir, isProbe: true });
  const place = spool.destination(subDir);
  removeAbandonedTests(place);
  const name = `${testName}.${createRunToken()}`;
  await spool.deliver({
    ...{ name, subDir, size: testContent.length, signal: new AbortController().signal },
    write: async (target) => void writeSync(target, testContent),
    warn: () => undefined,
    debug: () => undefined,
  });
  const { mode, gid, mtimeMs } = statSync(`${place}/${name}`);
  rmSync(`${place}/${name}`);
  return { mode: mode & 0o7777, gid, at: mtimeMs };
}

/** Those of a check that was killed. */
function removeAbandonedTests(directory: string): void {
  for (const name of readdirSync(directory)) {
    const [, token] = /^\.{1,2}pilos-post-publish-check\.((?:\w+\.){4}\w+)/.exec(name) ?? [];
    if (token === undefined) continue;
    const stats = statSync(`${directory}/${name}`, { throwIfNoEntry: false });
    if (stats !== undefined && isAbandoned(token, Date.now() - stats.mtimeMs)) rmSync(`${directory}/${name}`);
  }
}

/** @param now milliseconds since 1970, by the clock of the spool */
function readArchives(directory: string, now: number): Archives {
  const isArchive = (name: string) => name.endsWith('.tar');
  const waiting = readdirSync(directory).filter(isArchive);
  const ages = waiting.map((name) => {
    const stats = statSync(`${directory}/${name}`, { throwIfNoEntry: false });
    return stats === undefined ? 0 : (now - stats.mtimeMs) / 1000;
  });
  const oldestSeconds = ages.reduce((oldest, age) => Math.max(oldest, age), 0);
  const basis = { waiting: waiting.length, oldestSeconds };
  try {
    const failed = readdirSync(`${directory}/failed`).filter(isArchive).sort();
    return { ...basis, failedDirectory: 'visible', failed };
  } catch (error) {
    const errno = errnoName(error);
    if (errno !== 'ENOENT' && errno !== 'EACCES') throw error;
    return { ...basis, failedDirectory: errno === 'ENOENT' ? 'missing' : 'hidden', failed: [] };
  }
}
