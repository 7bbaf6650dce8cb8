/** BBB's directories, and what a delivery writes and runs beside the spool. */
import { lstatSync, readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { BbbConfig } from '../config/bbb-config.ts';
import type { Config } from '../config/config.ts';
import { readFreeSpaceAbove } from '../system/free-space.ts';
import { findProgram, mayAccess, type PathFacts, quietly, readPathFacts } from '../system/paths.ts';
import { findUnmounted, type PlannedMount } from '../system/planned-mount.ts';

export type DirectoryFacts = PathFacts & { unmounted?: PlannedMount | undefined };

/** Of one that is missing also what is to be mounted there, and is not. */
function readDirectory(path: string): DirectoryFacts {
  const facts = readPathFacts(path);
  return facts.kind === 'missing' ? { ...facts, unmounted: findUnmounted(path) } : facts;
}

export function readBbbDirectories({ publishedDir, recordingDir, logDir }: BbbConfig) {
  return {
    published_dir: readDirectory(publishedDir),
    recording_dir: readDirectory(recordingDir),
    log_dir: readDirectory(logDir),
  };
}

export type OwnFiles = ReturnType<typeof readOwnFiles>;

/** @param uid of the user of BBB, as far as it is known */
export function readOwnFiles(config: Config, uid: number | undefined) {
  const { workDir, logFile, metricsFile, notify: [program] = [], recordingDir } = config;
  const statusFiles = quietly(() => readdirSync(`${recordingDir}/status/published`)) ?? [];
  return {
    workDir: readDirectory(workDir),
    foreign: uid === undefined ? undefined : quietly(() => readForeign(workDir, uid)),
    workSpace: quietly(() => readFreeSpaceAbove(workDir)),
    hasLedger: (quietly(() => readdirSync(`${workDir}/ledger`)) ?? []).length > 0,
    senderDoneCount: statusFiles.filter((name) => name.endsWith('-sender.done')).length,
    logFile: readDirectory(logFile),
    metricsDir: metricsFile === undefined ? undefined : readDirectory(dirname(metricsFile)),
    notify: program === undefined ? undefined : readNotify(program),
  };
}

/** More entries of `work_dir` than this are not read. */
const mostEntries = 10_000;

/** Files in `work_dir` that belong to somebody else; `isInTheWay`: a directory that we may not write. */
function readForeign(workDir: string, uid: number) {
  const foreign = readdirSync(workDir, { recursive: true, withFileTypes: true })
    .slice(0, mostEntries)
    .map((entry) => ({ path: `${entry.parentPath}/${entry.name}`, isDirectory: entry.isDirectory() }))
    .filter(({ path }) => ![uid, undefined].includes(quietly(() => lstatSync(path))?.uid));
  const isInTheWay = foreign.some(({ path, isDirectory }) => isDirectory && !readPathFacts(path).isWritable);
  return foreign[0] && { count: foreign.length, first: foreign[0].path, isInTheWay };
}

/** `file` is undefined when there is no program of this name. */
function readNotify(program: string) {
  const file = findProgram(program, process.env);
  const { closedAbove } = readPathFacts(program);
  return { program, closedAbove, file, mayRun: file !== undefined && mayAccess(file, 1) };
}
