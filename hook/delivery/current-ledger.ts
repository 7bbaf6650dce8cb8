/** The ledger as asking mounted spools would make it: for `status`, which records nothing. */
import type { MeetingId } from '../bbb/ids.ts';
import type { Config } from '../config/config.ts';
import { ExpectedError } from '../errors.ts';
import type { ConfiguredRun } from '../run.ts';
import { findSilence, openSpool } from '../spool/open-spool.ts';
import { importState, readArchives, unconfirmed } from './confirm.ts';
import { type Ledger, openLedger } from './ledger.ts';
import type { ImportState, LedgerEntry } from './ledger-entry.ts';
import { findLeftBehind } from './left-behind.ts';

export interface CurrentLedger {
  ledger: Ledger;
  /** Why some of it is only what was known when `deliver` ran last, or can never be known. */
  problem?: ExpectedError;
}

/** @param meetingIds empty: all */
export async function readCurrentLedger(
  run: ConfiguredRun,
  meetingIds: readonly MeetingId[],
): Promise<CurrentLedger> {
  const { config } = run;
  const ledger = openLedger(config.workDir);
  const spool = await openSpool(config);
  const entries =
    meetingIds.length === 0 ? ledger.readAll() : meetingIds.flatMap((id) => ledger.readMeeting(id));
  const archives = entries.flatMap((entry) => unconfirmed({ spool }, entry) ?? []);
  const states = new Map<string, ImportState>();
  let problem = await findSilence(config, run.signal);
  for (const [subDir, group] of Map.groupBy(archives, (archive) => archive.subDir)) {
    if (problem !== undefined || !isMounted(config, subDir)) continue;
    try {
      const seen = await readArchives({ run, spool, ledger }, subDir, group);
      const deliveries = group.flatMap(({ key }) => ledger.read(key)?.delivered ?? []);
      for (const { key } of group) {
        const delivered = ledger.read(key)?.delivered;
        if (delivered !== undefined) states.set(nameOf(key), importState(delivered, seen));
      }
      problem = findLeftBehind(spool.destination(subDir), deliveries, seen);
    } catch (error) {
      if (!(error instanceof ExpectedError)) throw error;
      problem = error;
    }
  }
  const current = states.size === 0 ? ledger : withStates(ledger, states);
  return { ledger: current, ...(problem === undefined ? {} : { problem }) };
}

/** Over rsync, asking costs a login. */
function isMounted({ spool, spoolDirs }: Config, subDir: string): boolean {
  return (spoolDirs.get(subDir) ?? spool).kind === 'local';
}

function nameOf({ recordId, format }: { recordId: string; format: string }): string {
  return `${recordId}-${format}`;
}

function withStates(ledger: Ledger, states: ReadonlyMap<string, ImportState>): Ledger {
  const current = (entry: LedgerEntry): LedgerEntry => {
    const { delivered, record_id: recordId, format } = entry;
    const state = states.get(nameOf({ recordId, format }));
    if (delivered === undefined || state === undefined || state === delivered.import?.state) return entry;
    return { ...entry, delivered: { ...delivered, import: { state, at: new Date().toISOString() } } };
  };
  return {
    ...ledger,
    read: (key) => {
      const entry = ledger.read(key);
      return entry && current(entry);
    },
    readMeeting: (meetingId) => ledger.readMeeting(meetingId).map(current),
    readMeetings: () => {
      const read = ledger.readMeetings();
      return (meetingId) => read(meetingId).map(current);
    },
    readAll: () => ledger.readAll().map(current),
  };
}
