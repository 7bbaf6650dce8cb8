/** The file tree of a BBB server and the spool of a PILOS, in a temporary directory. START READING HERE. */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  lchownSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import { joinBytes } from '../files/compare-trees.ts';
import { validateJsonDocument } from '../program/json-document.ts';
import {
  type ProgramOptions,
  type ProgramResult,
  type RunningProgram,
  startProgram,
} from '../program/run-program.ts';
import { programDirectory } from '../run/test-run.ts';
import {
  type BbbTreeOptions,
  describePaths,
  makeDirectories,
  writeConfiguration,
} from './bbb-configuration.ts';
import { type Meeting, type MeetingOptions, writeMeeting } from './bbb-meeting.ts';

export interface BbbTreeRunOptions extends ProgramOptions {
  /** As BBB calls it, with `ruby`, or the executable itself. */
  via?: 'binary' | 'ruby';
}

const projectDir = join(import.meta.dirname, '../../..');
const executableName = 'pilos-post-publish';
const launcherName = 'pilos_post_publish.rb';

export type BbbTree = ReturnType<typeof createBbbTree>;

export function createBbbTree(options: BbbTreeOptions = {}) {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'bbb-tree-')));
  // Programs run as another user have to get in.
  chmodSync(root, 0o755);
  const paths = describePaths(root);
  makeDirectories(paths, options.subDirs);
  writeConfiguration(paths, options);
  const bbbConfig = [paths.bigbluebuttonYml, paths.recordingYml].filter((file) => existsSync(file));
  const env = {
    PILOS_POST_PUBLISH_CONFIG: paths.pilosYml,
    PILOS_POST_PUBLISH_BBB_CONFIG: bbbConfig.join(':'),
  };
  const meetings: Meeting[] = [];

  function start(
    args: readonly string[],
    { via = 'binary', ...program }: BbbTreeRunOptions = {},
  ): RunningProgram {
    installHook(paths.postPublishDir);
    const hook = join(paths.postPublishDir, via === 'ruby' ? launcherName : executableName);
    const [command, first] = via === 'ruby' ? ['ruby', [hook]] : [hook, []];
    return startProgram(command, [...first, ...args], {
      cwd: paths.scriptsDir,
      ...program,
      env: { ...env, ...program.env },
    });
  }

  return {
    ...paths,
    env,
    /** Publishes a meeting as BBB does, and records what was published. */
    addMeeting(meeting: MeetingOptions = {}): Meeting {
      const seed = `${options.seed ?? basename(root)}/${meetings.length}`;
      const written = writeMeeting(paths, seed, meeting);
      meetings.push(written);
      return written;
    },
    /** Puts executable and launcher into `post_publish`; `run` and `start` do it themselves. */
    installHook: () => installHook(paths.postPublishDir),
    start,
    run: async (args: readonly string[], run: BbbTreeRunOptions = {}): Promise<ProgramResult> => {
      const result = await start(args, run).result;
      validateJsonDocument([executableName, ...args], result);
      return result;
    },
    /** Everything in the spool, hidden and temporary files too, as sorted paths relative to it. */
    spoolFiles: (): string[] => listFiles(paths.spoolDir),
    /** The same of `work_dir`: what a run leaves behind, but the note of the spool's file system. */
    workFiles: (): string[] =>
      existsSync(paths.workDir) ? listFiles(paths.workDir).filter((name) => name !== 'spools.json') : [],
    /** Makes BBB's files, not the spool, belong to a user, as they do to `bigbluebutton` on a real server. */
    giveTo: (user: { uid: number; gid: number }) => {
      for (const path of ['usr', 'etc', 'var']) giveTo(join(root, path), user);
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

/** The launcher looks for the executable beside itself, so both lie there as they do after an installation. */
function installHook(directory: string): void {
  const executable = join(projectDir, 'dist', executableName);
  const launchers = ['dist', 'build/launcher', 'build'].map((folder) =>
    join(projectDir, folder, launcherName),
  );
  const launcher = launchers.find((file) => existsSync(file));
  if (launcher === undefined || !existsSync(executable)) {
    throw new Error(`the executable and its launcher are not built: run 'make build' in ${projectDir}`);
  }
  if (existsSync(join(directory, executableName))) return;
  copyFileSync(launcher, join(directory, launcherName));
  try {
    linkSync(executable, join(directory, executableName));
  } catch {
    // Another file system, as where /tmp is in memory.
    linkSync(copyOnce(executable), join(directory, executableName));
  }
}

/** In this run's temporary directory: one for each test would take too long, and a link may lead where only root may go. */
function copyOnce(executable: string): string {
  const copy = join(tmpdir(), programDirectory, executableName);
  if (existsSync(copy)) return copy;
  mkdirSync(dirname(copy), { recursive: true });
  // Several tests may come here at once.
  copyFileSync(executable, `${copy}.${process.pid}`);
  renameSync(`${copy}.${process.pid}`, copy);
  return copy;
}

function listFiles(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
    .sort();
}

/** Not the executable: it may be a hard link to the one that all trees share. */
function giveTo(path: string, user: { uid: number; gid: number }): void {
  lchownSync(path, user.uid, user.gid);
  giveContentsTo(Buffer.from(path), user);
}

function giveContentsTo(directory: Buffer, user: { uid: number; gid: number }): void {
  for (const entry of readdirSync(directory, { withFileTypes: true, encoding: 'buffer' })) {
    const path = joinBytes(directory, entry.name);
    if (entry.name.toString() !== executableName) lchownSync(path, user.uid, user.gid);
    if (entry.isDirectory()) giveContentsTo(path, user);
  }
}
