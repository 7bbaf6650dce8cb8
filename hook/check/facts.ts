/** All that the checks decide about, gathered once. */
import { readWorkers } from '../bbb/worker.ts';
import type { Config } from '../config/config.ts';
import { attempt } from '../errors.ts';
import type { Run } from '../run.ts';
import type { ChildOptions } from '../system/child-process.ts';
import { requireAnswers } from '../system/network-mount.ts';
import { findClosed, readPathFacts } from '../system/paths.ts';
import { becomeOwner } from '../system/user.ts';
import { type Accounts, readAccounts, readOwner } from './accounts.ts';
import { type PlacedArchives, readLocalArchives } from './archives.ts';
import { hasRepeatedDelivery, readCalls } from './calls.ts';
import { readConfiguration } from './configuration.ts';
import { type LocalSpool, readLocalSpool, type SpoolContext } from './local-spool.ts';
import { readOwnFiles } from './own-files.ts';
import { readOwnCommands } from './own-program.ts';
import { type Recordings, readRecordings } from './recordings.ts';
import type { RemoteSpool } from './remote-spool.ts';

export type Facts = Awaited<ReturnType<typeof readFacts>>;

/** Seconds without an answer after which what was asked counts as hanging. */
const silentSeconds = 5;

export async function readFacts(run: Run, version: string) {
  const configuration = readConfiguration(run.choice, run.environment);
  const { bbb, config } = configuration;
  const commands = readOwnCommands(run.choice, run.environment);
  // The spool has checks of its own; without these directories there is nothing to check.
  const own = config === undefined ? [] : [config.workDir];
  await requireAnswers([bbb.publishedDir, bbb.recordingDir, bbb.logDir, ...own], run.signal);
  // Root sees what others may not, so it reads this before it becomes the user of BBB.
  const [workers, isRepeatedHere] = [readWorkers(), hasRepeatedDelivery()];
  const owner = readOwner([bbb.publishedDir, bbb.recordingDir, bbb.logDir]);
  if (owner !== undefined) attempt(() => becomeOwner(owner.directory));
  const options: ChildOptions = { silentSeconds, directory: '/', signal: run.signal, graceSeconds: 0.3 };
  const accounts = await readAccounts(owner, workers, options);
  const recordings = config && readRecordings(config);
  const { publishedDir, recordingDir, logDir } = bbb;
  return {
    ...{ configuration, commands, accounts },
    /** Undefined when `pilos.yml` does not say enough; then nothing of what is below it is known. */
    config,
    own: config && readOwnFiles(config, accounts.account?.uid),
    recordings,
    /** That of `spool_dir`, and those of `spool_dirs`. */
    spools: config && recordings ? await readSpools(config, accounts, options, recordings) : [],
    /** The first of the configuration files, or a directory above one, that we may not read. */
    closedFile: [configuration.pilosFile, ...bbb.files].map(findClosed).find((path) => path !== undefined),
    bbb: {
      published_dir: readPathFacts(publishedDir),
      recording_dir: readPathFacts(recordingDir),
      log_dir: readPathFacts(logDir),
    },
    /** Where BBB writes its status files, and we `-sender.done`. */
    statusDir: readPathFacts(`${recordingDir}/status/published`),
    calls: await readCalls(bbb.files, config?.workDir, version, isRepeatedHere, options),
  };
}

/** One of the two is there. */
interface SpoolFacts {
  localSpool?: LocalSpool;
  remoteSpool?: RemoteSpool;
  archives: readonly PlacedArchives[];
}

async function readSpools(
  config: Config,
  accounts: Accounts,
  options: ChildOptions,
  recordings: Recordings,
): Promise<SpoolFacts[]> {
  const { spoolDirs } = config;
  const { destinations } = recordings;
  const subDirs = recordings.subDirs.filter((subDir) => !spoolDirs.has(subDir));
  const spools = [await readSpool({ config, accounts, options, subDirs, destinations }, recordings)];
  for (const spool of spoolDirs.values()) {
    // The mount point that is named is that of spool_dir.
    const requireMount = config.requireMount !== false;
    const own = { ...config, spool, requireMount, spoolDirs: new Map() };
    spools.push(await readSpool({ config: own, accounts, options, subDirs: [], destinations }, recordings));
  }
  return spools;
}

async function readSpool(context: SpoolContext, recordings: Recordings): Promise<SpoolFacts> {
  const { spool: address } = context.config;
  if (address.kind === 'local') {
    const localSpool = await readLocalSpool(context, address.path);
    return { localSpool, archives: readLocalArchives(localSpool, recordings) };
  }
  const { readRemoteSpool } = await import('./remote-spool.ts');
  const remoteSpool = await readRemoteSpool(context, address, recordings);
  return { remoteSpool, archives: remoteSpool.archives };
}
