/** What every delivery of a run shares, and the lock that keeps two runs from the same format. */
import { archiveName, type PublishedFormat } from '../bbb/bbb.ts';
import type { Config } from '../config/config.ts';
import { type ExitStatus, ExpectedError } from '../errors.ts';
import type { ConfiguredRun } from '../run.ts';
import { type HostStates, openHostStates } from '../spool/host-state.ts';
import { openSpool } from '../spool/open-spool.ts';
import type { Spool } from '../spool/spool.ts';
import { acquireLock, type Lock } from '../system/lock.ts';
import { saveMemory } from '../system/memory.ts';
import { requireProc } from '../system/proc.ts';
import type { ErrorDocument } from '../terminal/escape.ts';
import { type Ledger, openLedger } from './ledger.ts';

export interface DeliveryContext {
  run: ConfiguredRun;
  config: Config;
  spool: Spool;
  ledger: Ledger;
  /** What runs before this one have found. */
  hosts: HostStates;
  /** By location of the spool or by destination: what this run has found, and does not try again. */
  dead: Map<string, HostError>;
  /** By destination: since when it is another directory of the same name. */
  exchanged: Map<string, string>;
}

interface HostError {
  error: ErrorDocument;
  exit_status: ExitStatus;
}

export async function openDelivery(run: ConfiguredRun): Promise<DeliveryContext> {
  requireProc();
  saveMemory();
  const { config } = run;
  const { workDir } = config;
  const spool = await openSpool(config);
  const [ledger, hosts] = [openLedger(workDir), openHostStates(workDir)];
  return { run, config, spool, ledger, hosts, dead: new Map(), exchanged: new Map() };
}

/** One format on its way: what is published, and where it goes under which name. */
export interface FormatDelivery {
  published: PublishedFormat;
  /** Validated, `''` for none. */
  subDir: string;
  /** `<record id>-<format>.tar` */
  archive: string;
  destination: string;
  /** Gives the id by which PILOS knows the meeting, where that is not the one in `metadata.xml`. */
  mapMeetingId?: ((meetingId: string) => string) | undefined;
}

/** An error is why the meeting does not say where it goes. */
export function planDelivery(
  { spool }: Pick<DeliveryContext, 'spool'>,
  published: PublishedFormat,
  subDir: string | ExpectedError,
): FormatDelivery {
  const archive = archiveName(published);
  if (subDir instanceof ExpectedError) return { published, subDir: '', archive, destination: '' };
  return { published, subDir, archive, destination: spool.destination(subDir) };
}

/** The lock that every run holds while it works on one format of one recording. */
export function lockFormat(
  config: Config,
  published: PublishedFormat,
  signal: AbortSignal,
): Promise<Lock | undefined> {
  return acquireLock(`${config.workDir} ${archiveName(published)}`, { wait: true, signal });
}
