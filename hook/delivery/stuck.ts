/** Does PILOS still import? An archive that waits longer than `import_patience` says that it does not. What `check` says of it is in check/importer-checks.ts. */
import { readFileSync } from 'node:fs';
import { EXIT } from '../errors.ts';
import { replaceFile } from '../system/work-dir.ts';
import { formatSeconds } from '../terminal/units.ts';
import type { DeliveryContext } from './context.ts';
import { importStateOf, type LedgerEntry } from './ledger-entry.ts';
import { isFromBefore } from './left-behind.ts';
import { notify } from './notify.ts';
import { tolerate } from './result.ts';

/** Destination → since when its oldest archive waits, ISO 8601. */
export type WaitingSince = ReadonlyMap<string, string>;

/** The oldest archive that waits in each spool. @param exchanged what was left in a former directory waits for nobody */
export function readWaitingSince(
  entries: readonly LedgerEntry[],
  exchanged: DeliveryContext['exchanged'],
): WaitingSince {
  const since = new Map<string, string>();
  for (const { delivered } of entries) {
    if (delivered === undefined || importStateOf(delivered) !== 'delivered') continue;
    const { destination, at } = delivered;
    if (isFromBefore(delivered, exchanged.get(destination))) continue;
    if (at < (since.get(destination) ?? '~')) since.set(destination, at);
  }
  return since;
}

/** Notifies once when PILOS stops to take archives from a spool, not once for each, and once when it does again. */
export async function reportStuck(context: DeliveryContext, waitingSince: WaitingSince): Promise<void> {
  const { config, run } = context;
  const file = `${config.workDir}/stuck.json`;
  const known = readKnown(file);
  const stuck = [...waitingSince].filter(([, at]) => Date.now() - Date.parse(at) > config.importPatience);
  const names = stuck.map(([destination]) => destination);
  for (const [destination, at] of stuck)
    await reportOne(context, destination, at, known.includes(destination));
  for (const destination of known.filter((one) => !names.includes(one))) {
    run.log.info(`PILOS takes archives from ${destination} again`);
    await notify(run, { ...nobody, event: 'recovered', destination, error: '', exitStatus: EXIT.ok });
  }
  if (names.join('\n') === known.join('\n')) return;
  await tolerate(run, 'the next run will notify again', () =>
    replaceFile(config.workDir, file, `${JSON.stringify(names)}\n`),
  );
}

const nobody = { meetingId: '', recordId: '', format: '' };

async function reportOne(
  { run }: DeliveryContext,
  destination: string,
  at: string,
  isKnown: boolean,
): Promise<void> {
  const waited = formatSeconds((Date.now() - Date.parse(at)) / 1000);
  const error = `PILOS has taken no archive from ${destination} for ${waited}: look at its scheduler and at Horizon`;
  run.log.warn(error);
  if (!isKnown)
    await notify(run, { ...nobody, event: 'stuck', destination, error, exitStatus: EXIT.temporary });
}

function readKnown(file: string): string[] {
  try {
    const read: unknown = JSON.parse(readFileSync(file).toString());
    return Array.isArray(read) ? read.filter((one) => typeof one === 'string') : [];
  } catch {
    return [];
  }
}
