/** What is to be done about one format: is it sent, and if not, why? */
import { EXIT, ExpectedError } from '../errors.ts';
import { errorDocument } from '../terminal/escape.ts';
import { confirmImports, unconfirmed } from './confirm.ts';
import { type FormatState, readDeliveryState, refreshContent } from './content.ts';
import type { DeliveryContext, FormatDelivery } from './context.ts';
import { outdatedInPilos } from './not-imported.ts';
import { basisOf, type DeliveryResult, failureOf, tolerate } from './result.ts';
import { isOpen } from './state.ts';

export interface DeliveryRequest {
  /** Somebody asks for this one: also what was refused or adopted is sent. */
  isNamed: boolean;
  /** Send also what PILOS has, since it was deleted there. */
  again: boolean;
}

/** Sends it, or says why not: what is known of it may be older than the wait for the lock. */
export async function decide(
  context: DeliveryContext,
  delivery: FormatDelivery,
  { isNamed, again }: DeliveryRequest,
): Promise<DeliveryResult | 'send'> {
  const { run } = context;
  const { state, entry } = await readConfirmedState(context, delivery);
  const basis = basisOf(delivery);
  if (isOpen(state)) {
    const reason = mayBeImportedNow(entry);
    if (reason === undefined) return 'send';
    run.log.info(`${delivery.archive}: ${reason.message}`);
    return { ...basis, state: 'waiting', error: errorDocument(reason), exit_status: reason.exitStatus };
  }
  if (again && state !== 'delivered') return 'send';
  if (isNamed && (state === 'refused' || state === 'adopted')) return 'send';
  if (state === 'outdated') return reportOutdated(context, delivery);
  run.log.info(`${delivery.archive}: ${describeUnchanged[state]}`);
  return { ...basis, state: 'unchanged', known: state };
}

const describeUnchanged: Record<string, string> = {
  delivered: 'delivered already, waiting for PILOS',
  imported: 'PILOS has imported it already',
  taken: 'PILOS has taken it already',
  refused: "refused by PILOS; 'pilos-post-publish -m MEETING_ID' sends it again",
  adopted: "covered by an earlier -sender.done; 'pilos-post-publish -m MEETING_ID' sends it",
};

/** What is known of it now: the content is compared, and the spool is asked what became of the earlier archive. */
async function readConfirmedState(context: DeliveryContext, delivery: FormatDelivery): Promise<FormatState> {
  const { config, ledger, run } = context;
  const { published, subDir } = delivery;
  await tolerate(run, 'the ledger is not up to date', () =>
    refreshContent(config, ledger, published, run.signal),
  );
  const entry = ledger.read(published);
  const archive = unconfirmed(context, entry, subDir);
  if (archive !== undefined) await confirmImports(context, [archive]);
  return readDeliveryState(config, ledger, published);
}

/** PILOS' job may run for two minutes, and begins within one; it ends by deleting whatever has the archive's name. */
const importMilliseconds = 3 * 60_000;

function mayBeImportedNow(entry: FormatState['entry']): ExpectedError | undefined {
  const delivered = entry?.delivered;
  if (delivered?.import?.state !== 'delivered') return undefined;
  const age = Date.now() - Date.parse(delivered.at);
  if (age < 0 || age > importMilliseconds) return undefined;
  return new ExpectedError('PILOS may be importing the earlier archive at this moment', {
    code: 'import_under_way',
    exitStatus: EXIT.temporary,
    fix: "'pilos-post-publish deliver' sends the new one in some minutes",
  });
}

function reportOutdated({ run }: DeliveryContext, delivery: FormatDelivery): DeliveryResult {
  const reason = outdatedInPilos(delivery.published.meetingId);
  run.log.failure(reason, delivery.archive);
  return { ...basisOf(delivery), state: 'outdated', ...failureOf(reason) };
}
