/** `deliver --moved-from OLD`: the same spool has another address now, and what was delivered to it stays delivered. */
import { parseSpoolAddress } from '../config/spool-address.ts';
import { EXIT, ExpectedError } from '../errors.ts';
import { openSpool } from '../spool/open-spool.ts';
import type { Spool } from '../spool/spool.ts';
import { quote } from '../terminal/escape.ts';
import type { DeliveryContext } from './context.ts';
import { type Ledger, openLedger } from './ledger.ts';
import { type Delivery, importStateOf, type LedgerEntry, type LedgerKey } from './ledger-entry.ts';

/** A delivery to the earlier address. */
interface Moved {
  key: LedgerKey;
  delivered: Delivery;
  subDir: string;
}

/**
 * Rewrites the ledgers. What was not seen imported, and does not lie at the new address, is delivered again: PILOS
 * drops what it has, and were it another spool after all, nobody else would notice that it never came.
 *
 * @param from the earlier address, as it stood in `pilos.yml`; throws ExpectedError (64) when nothing was delivered there
 */
export async function moveDeliveries(context: DeliveryContext, from: string): Promise<void> {
  const { config, ledger, run, spool } = context;
  const old = await openOldSpool(context, from);
  let count = 0;
  for (const one of [ledger, openLedger(config.workDir, 'migrated')]) {
    const moved = one.readAll().flatMap((entry) => findMoved(context, old, entry) ?? []);
    for (const [subDir, group] of Map.groupBy(moved, (each) => each.subDir)) {
      const open = group.filter(({ delivered }) => importStateOf(delivered) === 'delivered');
      const lost = await findLost(context, subDir, open);
      for (const each of group) move(run.log.info, one, each, lost, spool.destination(subDir));
      count += group.length;
    }
  }
  if (count === 0) throw nothingMoved(from, ledger);
  run.log.info(
    `${count} ${count === 1 ? 'delivery' : 'deliveries'} to ${from} ${count === 1 ? 'counts' : 'count'} as made to the address that pilos.yml has now`,
  );
}

async function openOldSpool({ config }: DeliveryContext, from: string): Promise<Spool> {
  const address = parseSpoolAddress(from);
  if (typeof address !== 'string')
    return await openSpool({ ...config, spool: address, spoolDirs: new Map(), requireMount: false });
  throw new ExpectedError(`--moved-from ${quote(from)} ${address}`, {
    code: 'not_a_spool_address',
    exitStatus: EXIT.usage,
    fix: 'give the address as it stood in pilos.yml',
  });
}

function findMoved({ config, spool }: DeliveryContext, old: Spool, entry: LedgerEntry): Moved | undefined {
  const { meeting_id: meetingId, record_id: recordId, format, delivered } = entry;
  if (delivered === undefined) return undefined;
  const subDir = delivered.sub_dir ?? subDirIn(old.destination(''), delivered.destination);
  // A sub directory in `spool_dirs` has an address of its own, at whose top its archives lie.
  const places = [old.destination(subDir), ...(config.spoolDirs.has(subDir) ? [old.destination('')] : [])];
  const isMoved =
    places.includes(delivered.destination) && delivered.destination !== spool.destination(subDir);
  return isMoved ? { key: { meetingId, recordId, format }, delivered, subDir } : undefined;
}

/** Version 1.0.0 did not note it. */
function subDirIn(top: string, destination: string): string {
  return destination.startsWith(`${top}/`) ? destination.slice(top.length + 1) : '';
}

/** Names of archives that are neither waiting nor refused at the new address. */
async function findLost(
  { run, spool }: DeliveryContext,
  subDir: string,
  open: readonly Moved[],
): Promise<ReadonlySet<string>> {
  if (open.length === 0) return new Set();
  const watcher = { signal: run.signal, warn: run.log.warn, debug: run.log.debug };
  const names = open.map(({ delivered }) => delivered.name);
  const { waiting, refused } = await spool.readArchives(subDir, names, watcher);
  return new Set(names.filter((name) => !waiting.has(name) && !refused.has(name)));
}

function move(
  say: (line: string) => void,
  ledger: Ledger,
  { key, delivered: { name } }: Moved,
  lost: ReadonlySet<string>,
  destination: string,
): void {
  if (!lost.has(name)) {
    ledger.recordMove(key, destination);
    return;
  }
  ledger.forgetDelivery(key);
  say(`${name} is delivered again: it was not seen imported, and does not lie in ${destination}`);
}

function nothingMoved(from: string, ledger: Ledger): ExpectedError {
  const known = new Set(ledger.readAll().flatMap(({ delivered }) => delivered?.destination ?? []));
  const places = known.size === 0 ? 'nowhere so far' : `to ${[...known].sort().slice(0, 5).join(', ')}`;
  return new ExpectedError(`nothing was delivered to ${quote(from)} under another address than now`, {
    code: 'nothing_moved',
    exitStatus: EXIT.usage,
    fix: `give the address as it stood in pilos.yml; archives were delivered ${places}`,
  });
}

/** The address that {@link moveDeliveries} wants, of a destination. */
export function topOf(destination: string, subDir: string): string {
  if (subDir === '') return destination;
  if (destination.endsWith(`/${subDir}`)) return destination.slice(0, -subDir.length - 1) || '/';
  return destination.endsWith(`:${subDir}`) ? destination.slice(0, -subDir.length) : destination;
}
