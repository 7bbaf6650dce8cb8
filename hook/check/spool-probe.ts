/**
 * What only touching the spool directory can tell. It runs in a process of its own, which says a line after each
 * step: whoever waits for it learns where it hangs, and can leave it behind.
 */
import { readdirSync, realpathSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs';
import { EXIT, type ExitStatus, ExpectedError } from '../errors.ts';
import { localSpool } from '../spool/local/local.ts';
import { errnoName, translateErrno } from '../system/errno.ts';
import { createRunToken, isAbandoned } from '../system/run-token.ts';
import { printOut } from '../terminal/lines.ts';
import { findClosed } from './access.ts';
import type { ProbeRequest } from './probe-request.ts';

export interface SpoolDirectory {
  path: string;
  isDirectory: boolean;
  mode: number;
  uid: number;
  gid: number;
}

export interface SpoolSpace {
  free: number;
  isKnown: boolean;
  /** False when the file system counts its inodes and has none left. */
  hasInodes: boolean;
}

/** A test file, as an archive would be written. */
export interface WrittenFile {
  mode: number;
  gid: number;
  /** What was worth a warning. */
  notes: string[];
}

export interface ProbeFailure {
  message: string;
  fix: string;
  exitStatus: ExitStatus;
  errno: string | undefined;
  /** The directory on the way there that we may not enter. */
  closed: string | undefined;
}

/** One line of a probe. `subDir` is `''` for the spool directory itself. */
export type ProbeLine =
  | { step: 'look'; subDir: string; found: SpoolDirectory | ProbeFailure }
  | { step: 'space'; found: SpoolSpace | ProbeFailure }
  | { step: 'write'; subDir: string; found: WrittenFile | ProbeFailure };

export function isFailure<T extends object>(found: T | ProbeFailure): found is ProbeFailure {
  return 'message' in found;
}

const testName = '.pilos-post-publish-check';
const testContent = Buffer.from('A test of pilos-post-publish check; it can be deleted.\n');

/** Takes all steps, and says how each ended. */
export async function probeSpool(request: ProbeRequest): Promise<ExitStatus> {
  const { directory, subDirs } = request;
  const say = (line: ProbeLine) => printOut(`${JSON.stringify(line)}\n`);
  // Who waits knows from now on that it is the spool that is waited for.
  printOut('\n');
  const look = await attemptStep(directory, () => lookAt(directory));
  say({ step: 'look', subDir: '', found: look });
  if (isFailure(look) || !look.isDirectory) return EXIT.ok;
  say({ step: 'space', found: await attemptStep(directory, () => measureSpace(directory)) });
  say({ step: 'write', subDir: '', found: await attemptStep(directory, () => writeTest(request, '')) });
  for (const subDir of subDirs) {
    const path = `${directory}/${subDir}`;
    const found = await attemptStep(path, () => lookAt(path));
    say({ step: 'look', subDir, found });
    if (isFailure(found) || !found.isDirectory) continue;
    say({ step: 'write', subDir, found: await attemptStep(path, () => writeTest(request, subDir)) });
  }
  return EXIT.ok;
}

async function attemptStep<T>(path: string, step: () => T | Promise<T>): Promise<T | ProbeFailure> {
  try {
    return await step();
  } catch (error) {
    const told = translateErrno(error, `cannot look at ${path}`);
    if (!(told instanceof ExpectedError)) throw told;
    const { message, fix, exitStatus, cause } = told;
    return { message, fix, exitStatus, errno: errnoName(cause), closed: findClosed(path) };
  }
}

function lookAt(path: string): SpoolDirectory {
  const stats = statSync(path);
  const { uid, gid } = stats;
  const mode = stats.mode & 0o7777;
  return { path: realpathSync.native(path), isDirectory: stats.isDirectory(), mode, uid, gid };
}

function measureSpace(path: string): SpoolSpace {
  const { bavail, bsize, files, ffree } = statfsSync(path);
  // Some network file systems tell nothing about their space.
  const isKnown = bsize > 0 && !(bavail === 0 && files === 0);
  return { free: bavail * bsize, isKnown, hasInodes: files === 0 || ffree > 0 };
}

/** Delivers a file as if it were an archive, under a name that PILOS ignores, and removes it. */
async function writeTest({ directory, requireMount }: ProbeRequest, subDir: string): Promise<WrittenFile> {
  const spool = localSpool({ directory, requireMount });
  const place = spool.destination(subDir);
  removeAbandonedTests(place);
  const name = `${testName}.${createRunToken()}`;
  const notes: string[] = [];
  await spool.deliver({
    ...{ name, subDir, size: testContent.length, signal: new AbortController().signal },
    write: async (target) => void writeSync(target, testContent),
    warn: (message) => notes.push(message),
    debug: () => undefined,
  });
  const { mode, gid } = statSync(`${place}/${name}`);
  rmSync(`${place}/${name}`);
  return { mode: mode & 0o7777, gid, notes };
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
