/** What PILOS made of the archives that were sent, now or by an earlier run. */
import { confirmImports } from '../delivery/confirm.ts';
import { openLedger } from '../delivery/ledger.ts';
import { type ImportState, importStateOf } from '../delivery/ledger-entry.ts';
import { refusedByPilos } from '../delivery/not-imported.ts';
import { ExpectedError } from '../errors.ts';
import type { Candidate } from './candidates.ts';
import { destinationsOf, type MigrationResult, notSent, type Sending } from './send.ts';

/** Asks the spool once, and notes in the ledger what became of these. */
export async function confirmSent(sending: Sending, candidates: readonly Candidate[]): Promise<void> {
  const { context, subDir } = sending;
  const ledger = openLedger(context.config.workDir, 'migrated');
  const here = destinationsOf(sending);
  const open = candidates.flatMap(({ published }) => {
    const delivered = ledger.read(published)?.delivered;
    if (delivered === undefined || delivered.import?.state === 'imported') return [];
    return here.includes(delivered.destination) ? [{ key: published, subDir, name: delivered.name }] : [];
  });
  if (open.length > 0) await confirmImports({ ...context, ledger }, open);
}

/** The result of what was sent, with what is known of its import; a refused one is a failure. */
export function withImport(sending: Sending, candidate: Candidate, result: MigrationResult): MigrationResult {
  if (result.state !== 'delivered' && result.state !== 'unchanged') return result;
  const state = readImportState(sending, candidate);
  if (state !== 'refused') return { ...result, import_state: state };
  const { message, exitStatus } = refusedByPilos(result.archive, candidate.published.meetingId);
  const reason = new ExpectedError(message, {
    ...{ code: 'import_refused', exitStatus },
    fix: "does PILOS have a meeting of this id? Its log has the reason; then send what was refused with 'migrate --refused'",
  });
  return { ...notSent(sending, candidate, reason), state: 'refused' };
}

function readImportState({ context }: Sending, { published }: Candidate): ImportState {
  const delivered = openLedger(context.config.workDir, 'migrated').read(published)?.delivered;
  return delivered === undefined ? 'delivered' : importStateOf(delivered);
}
