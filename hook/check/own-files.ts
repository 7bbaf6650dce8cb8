/** What a delivery writes beside the spool, and runs; and what is decided about what is in work_dir. */
import { lstatSync, readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Config } from '../config/config.ts';
import { EXIT } from '../errors.ts';
import { readFreeSpaceAbove } from '../system/free-space.ts';
import { findProgram, mayAccess, quietly, readPathFacts } from '../system/paths.ts';
import { sh } from '../system/shell-quote.ts';
import { decideFreeSpace, ok, problem, type Verdict, warning } from './table.ts';

export type OwnFiles = ReturnType<typeof readOwnFiles>;

/** @param uid of the user of BBB, as far as it is known */
export function readOwnFiles(config: Config, uid: number | undefined) {
  const { workDir, logFile, metricsFile, notify, recordingDir } = config;
  const statusFiles = quietly(() => readdirSync(`${recordingDir}/status/published`)) ?? [];
  return {
    workDir: readPathFacts(workDir),
    foreign: uid === undefined ? undefined : quietly(() => readForeign(workDir, uid)),
    workSpace: quietly(() => readFreeSpaceAbove(workDir)),
    hasLedger: (quietly(() => readdirSync(`${workDir}/ledger`)) ?? []).length > 0,
    senderDoneCount: statusFiles.filter((name) => name.endsWith('-sender.done')).length,
    logFile: readPathFacts(logFile),
    metricsDir: metricsFile === undefined ? undefined : readPathFacts(dirname(metricsFile)),
    notify: notify?.[0] === undefined ? undefined : readNotify(notify[0]),
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
  const closedAbove = program.includes('/') ? readPathFacts(program).closedAbove : undefined;
  const file = findProgram(program, process.env);
  return { program, closedAbove, file, mayRun: file !== undefined && mayAccess(file, 1) };
}

/** What a run as root left, as PILOS' Ruby script does, makes every later one fail. */
export function decideForeign({ foreign, workDir }: OwnFiles, user: string): Verdict {
  if (foreign === undefined) return ok;
  const { count, first, isInTheWay } = foreign;
  const text = `${count} of its files and directories belong to somebody else, for example ${first}`;
  const fix = sh`chown -RH ${user}: ${workDir.path}`;
  return isInTheWay ? problem(EXIT.permission, text, fix) : warning(text, fix);
}

/** The ledger needs some in any case; for rsync the whole archive is made there first. */
export function decideWorkSpace({ workSpace, workDir }: OwnFiles, config: Config | undefined): Verdict {
  if (workSpace === undefined) return ok;
  const verdict = decideFreeSpace(workSpace, {
    ...{ needed: 1e7, status: EXIT.config, result: ', so no delivery can be recorded' },
    fix: `free some space in ${workDir.path}, or set work_dir in pilos.yml to a larger disk`,
  });
  return verdict.state === 'warning' && config?.spool.kind === 'local' ? ok : verdict;
}

/** The -sender.done files are those of PILOS' own script, or what this program wrote is lost. */
export function decideLedger({ hasLedger, senderDoneCount, workDir }: OwnFiles): Verdict {
  if (hasLedger || senderDoneCount === 0) return ok;
  return warning(
    `it is empty, but ${senderDoneCount} meetings have a -sender.done: they count as delivered, and nobody knows what PILOS imported of them`,
    `after PILOS' own script this is normal until the first delivery; otherwise restore ${workDir.path}/ledger from a backup, or correct work_dir`,
  );
}
