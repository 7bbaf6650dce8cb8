/** All that the checks decide about, gathered once. */
import { lstatSync, readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Config } from '../config/config.ts';
import { attempt } from '../errors.ts';
import type { Run } from '../run.ts';
import type { ChildOptions } from '../system/child-process.ts';
import { type FreeSpace, readFreeSpaceAbove } from '../system/free-space.ts';
import { becomeOwner } from '../system/user.ts';
import { type Accounts, readAccounts, readOwner, readWorkers } from './accounts.ts';
import { type PlacedArchives, readLocalArchives, readRemoteArchives } from './archives.ts';
import { type Calls, readCalls } from './calls.ts';
import { type Configuration, readConfiguration } from './configuration.ts';
import { type LocalSpool, readLocalSpool, type SpoolContext } from './local-spool.ts';
import { findProgram, type OwnCommands, readOwnCommands } from './own-program.ts';
import { findClosed, mayAccess, type PathFacts, quietly, readPathFacts } from './paths.ts';
import { type Recordings, readRecordings } from './recordings.ts';
import type { RemoteSpool } from './remote-spool.ts';

export interface Facts {
  configuration: Configuration;
  /** Undefined when `pilos.yml` does not say enough. */
  config: Config | undefined;
  /** The first of the configuration files, or a directory above one, that we may not read. */
  closedFile: string | undefined;
  commands: OwnCommands;
  accounts: Accounts;
  bbb: Record<'published_dir' | 'recording_dir' | 'log_dir', PathFacts>;
  /** Where BBB writes its status files, and we `-sender.done`. */
  statusDir: PathFacts;
  /** The rest is known with a configuration only. */
  own: OwnFiles | undefined;
  calls: Calls;
  recordings: Recordings | undefined;
  /** That of `spool_dir`, and those of `spool_dirs`. */
  spools: readonly SpoolFacts[];
}

/** One of the two is there. */
export interface SpoolFacts {
  localSpool: LocalSpool | undefined;
  remoteSpool: RemoteSpool | undefined;
  archives: readonly PlacedArchives[];
}

/** What a delivery writes beside the spool, and runs. */
export interface OwnFiles {
  workDir: PathFacts;
  /** Up to three files in `work_dir` that belong to somebody else; `isInTheWay`: a directory that we may not write. */
  foreign: { count: number; first: string; isInTheWay: boolean } | undefined;
  workSpace: FreeSpace | undefined;
  hasLedger: boolean;
  senderDoneCount: number;
  logFile: PathFacts;
  metricsDir: PathFacts | undefined;
  /** The program of `notify`; `file` undefined: there is none of this name. */
  notify:
    | { program: string; closedAbove: string | undefined; file: string | undefined; mayRun: boolean }
    | undefined;
}

/** Seconds without an answer after which what was asked counts as hanging. */
const silentSeconds = 5;

export async function readFacts(run: Run, version: string): Promise<Facts> {
  const configuration = readConfiguration(run.choice, run.environment);
  const { bbb, config } = configuration;
  const commands = readOwnCommands(run.choice, run.environment);
  // Root sees what others may not, so it reads this before it becomes the user of BBB.
  const workers = readWorkers();
  const owner = readOwner([bbb.publishedDir, bbb.recordingDir, bbb.logDir]);
  if (owner !== undefined) attempt(() => becomeOwner(owner.directory));
  const options: ChildOptions = { silentSeconds, directory: '/', signal: run.signal, graceSeconds: 0.3 };
  const accounts = await readAccounts(owner, workers, options);
  const recordings = config && readRecordings(config);
  return {
    ...{ configuration, config, commands, accounts, recordings },
    closedFile: [configuration.pilosFile, ...bbb.files].map(findClosed).find((path) => path !== undefined),
    bbb: {
      published_dir: readPathFacts(bbb.publishedDir),
      recording_dir: readPathFacts(bbb.recordingDir),
      log_dir: readPathFacts(bbb.logDir),
    },
    statusDir: readPathFacts(`${bbb.recordingDir}/status/published`),
    own: config && readOwnFiles(config, accounts.account?.uid),
    calls: await readCalls({ bbbFiles: bbb.files, workDir: config?.workDir, version }, options),
    spools:
      config && recordings ? await readSpools({ config, accounts, options, subDirs: [] }, recordings) : [],
  };
}

async function readSpools(context: SpoolContext, recordings: Recordings): Promise<SpoolFacts[]> {
  const { config } = context;
  const subDirs = recordings.subDirs.filter((subDir) => !config.spoolDirs.has(subDir));
  const spools = [await readSpool({ ...context, subDirs }, recordings)];
  for (const spool of config.spoolDirs.values()) {
    // The mount point that is named is that of spool_dir.
    const requireMount = config.requireMount !== false;
    const own = { ...config, spool, requireMount, spoolDirs: new Map() };
    spools.push(await readSpool({ ...context, config: own }, recordings));
  }
  return spools;
}

async function readSpool(context: SpoolContext, recordings: Recordings): Promise<SpoolFacts> {
  const { spool: address } = context.config;
  const nothing = { localSpool: undefined, remoteSpool: undefined };
  if (address.kind === 'local') {
    const localSpool = await readLocalSpool(context, address.path);
    return { ...nothing, localSpool, archives: readLocalArchives(localSpool) };
  }
  const { readRemoteSpool } = await import('./remote-spool.ts');
  const remoteSpool = await readRemoteSpool(context, address);
  const isReached = remoteSpool.test?.failed === undefined && remoteSpool.test !== undefined;
  return {
    ...nothing,
    remoteSpool,
    archives: isReached ? await readRemoteArchives(context, recordings) : [],
  };
}

function readOwnFiles(config: Config, uid: number | undefined): OwnFiles {
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

function readForeign(workDir: string, uid: number): OwnFiles['foreign'] {
  const foreign = readdirSync(workDir, { recursive: true, withFileTypes: true })
    .slice(0, mostEntries)
    .map((entry) => ({ path: `${entry.parentPath}/${entry.name}`, isDirectory: entry.isDirectory() }))
    .filter(({ path }) => ![uid, undefined].includes(quietly(() => lstatSync(path))?.uid));
  const isInTheWay = foreign.some(({ path, isDirectory }) => isDirectory && !readPathFacts(path).isWritable);
  return foreign[0] && { count: foreign.length, first: foreign[0].path, isInTheWay };
}

function readNotify(program: string): OwnFiles['notify'] {
  const closedAbove = program.includes('/') ? readPathFacts(program).closedAbove : undefined;
  const file = findProgram(program, process.env);
  return { program, closedAbove, file, mayRun: file !== undefined && mayAccess(file, 1) };
}
