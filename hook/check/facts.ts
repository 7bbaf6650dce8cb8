/** All that the checks decide about, gathered once. */
import { readWorkers } from '../bbb/worker.ts';
import type { Config } from '../config/config.ts';
import { attempt } from '../errors.ts';
import type { Run } from '../run.ts';
import type { ChildOptions } from '../system/child-process.ts';
import { requireAnswers } from '../system/network-mount.ts';
import { findClosed, readPathFacts } from '../system/paths.ts';
import { becomeOwner } from '../system/user.ts';
import { readAccounts, readOwner } from './account-facts.ts';
import { hasRepeatedDelivery, readCalls, readOwnCommands } from './call-facts.ts';
import { readConfiguration } from './configuration-facts.ts';
import { readBbbDirectories, readOwnFiles } from './directory-facts.ts';
import { type LocalSpool, readLocalSpool, type SpoolContext } from './local-spool-facts.ts';
import { readRecordings } from './recording-facts.ts';
import type { RemoteSpool } from './remote-spool-facts.ts';

export type Facts = Awaited<ReturnType<typeof readFacts>>;

/** Seconds without an answer after which what was asked counts as hanging. */
const silentSeconds = 5;

export async function readFacts(run: Run) {
  const configuration = readConfiguration(run.choice, run.environment);
  const { bbb, config } = configuration;
  const commands = readOwnCommands(run.choice, run.environment);
  const directories = [bbb.publishedDir, bbb.recordingDir, bbb.logDir];
  // The spool has checks of its own; without these directories there is nothing to check.
  await requireAnswers([...directories, ...(config ? [config.workDir] : [])], run.signal);
  // Root sees what others may not, so it reads this before it becomes the user of BBB.
  const [workers, isRepeatedHere] = [readWorkers(), hasRepeatedDelivery()];
  const owner = readOwner(directories);
  if (owner !== undefined) attempt(() => becomeOwner(owner.directory));
  const options: ChildOptions = { silentSeconds, directory: '/', signal: run.signal, graceSeconds: 0.3 };
  const accounts = await readAccounts(owner, workers, options);
  const recordings = config && readRecordings(config);
  return {
    ...{ configuration, commands, accounts, recordings },
    /** Undefined when `pilos.yml` does not say enough; then nothing of what is below it is known. */
    config,
    own: config && readOwnFiles(config, accounts.account?.uid),
    /** That of `spool_dir`, and those of `spool_dirs`. */
    spools: config && recordings ? await readSpools({ config, accounts, options, recordings }) : [],
    /** The first of the configuration files, or a directory above one, that we may not read. */
    closedFile: [configuration.pilosFile, ...bbb.files].map(findClosed).find((path) => path !== undefined),
    bbb: readBbbDirectories(bbb),
    /** Where BBB writes its status files, and we `-sender.done`. */
    statusDir: readPathFacts(`${bbb.recordingDir}/status/published`),
    calls: await readCalls(bbb.files, config?.workDir, isRepeatedHere, options),
  };
}

async function readSpools(context: Omit<SpoolContext, 'subDirs'>): Promise<(LocalSpool | RemoteSpool)[]> {
  const { config, recordings } = context;
  const { spoolDirs } = config;
  const subDirs = recordings.subDirs.filter((subDir) => !spoolDirs.has(subDir));
  const spools = [await readSpool({ ...context, subDirs })];
  // The mount point that is named is that of spool_dir.
  const requireMount = config.requireMount !== false;
  for (const spool of spoolDirs.values()) {
    const own: Config = { ...config, spool, requireMount, spoolDirs: new Map() };
    spools.push(await readSpool({ ...context, config: own, subDirs: [] }));
  }
  return spools;
}

async function readSpool(context: SpoolContext): Promise<LocalSpool | RemoteSpool> {
  const { spool: address } = context.config;
  if (address.kind === 'local') return await readLocalSpool(context, address.path);
  const { readRemoteSpool } = await import('./remote-spool-facts.ts');
  return await readRemoteSpool(context, address);
}
