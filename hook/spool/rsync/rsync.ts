/** A spool on another host: the archive is made in `work_dir` and sent with rsync. */
import { mkdirSync, rmSync } from 'node:fs';
import { attemptAsync, ExpectedError } from '../../errors.ts';
import { withErrnoTranslated } from '../../system/errno.ts';
import { hasSpaceFor } from '../../system/free-space.ts';
import { shellQuote } from '../../system/shell-quote.ts';
import { temporaryPath } from '../../system/work-dir.ts';
import type { Parcel, Spool, SpoolWatcher } from '../spool.ts';
import {
  listArguments,
  removeArguments,
  renameArguments,
  sendArguments,
  sendWholeArguments,
} from './arguments.ts';
import { RsyncFailure } from './failure.ts';
import { parseListedArchives } from './output.ts';
import { patiently } from './patience.ts';
import { checkSpace, isSmall, prepare, readFree } from './prepare.ts';
import { probeWith, type RsyncProbe, withinSeconds } from './probe.ts';
import { createQueue, type Queue, type Queued } from './queue.ts';
import { readArchivesOverRsync } from './read-archives.ts';
import { openRenamingRefusal } from './renaming-refusal.ts';
import { createLink, type RsyncLink, type RsyncSpoolSettings, runRsync, transferOf } from './run-rsync.ts';
import { type Shipment, sendShipment, sendTogether, watcherOf } from './shipment.ts';
import { masterArguments } from './ssh-arguments.ts';
import { remoteDirectory } from './transfer.ts';

/** How many archives are packed, or wait for those that are being sent. */
const lanes = 64;

export interface RsyncSpool extends Spool {
  /** Tries out all that a delivery does, with a small file that PILOS ignores, within seconds. */
  probe(parcel: Parcel): Promise<RsyncProbe>;
}

export function rsyncSpool(settings: RsyncSpoolSettings): RsyncSpool {
  const { address } = settings;
  const destination = remoteDirectory({ address, subDir: '' });
  const link = { ...createLink(settings), knownRefusal: openRenamingRefusal(settings.workDir, destination) };
  const queue = createQueue<QueuedShipment>({
    mostBytes: settings.workSpace,
    hasRoom: (bytes) => hasSpaceFor(bytes, readFree(settings.workDir)),
    whenReady: async ({ shipment }) => await link.connection?.whenSettled(shipment.watcher),
    sendTogether: (items) => {
      const shipments = items.map(({ shipment }) => shipment);
      return patiently(settings, watcherOf(shipments), async () => {
        const left = await sendTogether(shipments);
        return items.filter((item) => left.includes(item.shipment));
      });
    },
    sendAlone: ({ shipment }) => patiently(settings, shipment.watcher, () => sendShipment(shipment)),
  });
  return {
    destination: (subDir) => remoteDirectory({ address, subDir }),
    location: () => address.host,
    lanes: () => lanes,
    deliver: (parcel) => deliverOverRsync(link, queue, parcel),
    probe: (parcel) => probeOverRsync(link, parcel),
    removeCut: (...cut) => queue.alone(() => removeCutOverRsync(link, ...cut)),
    readWaiting: (subDir, watcher) => queue.alone(() => readWaiting(link, subDir, watcher)),
    readArchives: (...question) => queue.alone(() => readArchivesOverRsync(link, ...question)),
    describeDelivery: async ({ name, size, subDir }) => {
      checkSpace(settings.workDir, size);
      const work = `${settings.workDir}/tmp/RUN`;
      const socket = link.connection === undefined ? undefined : `${work}/ssh`;
      const transfer = { ...transferOf(settings, name, subDir), controlSocket: socket };
      const archive = `${work}/${isSmall(size) ? name : transfer.baseName}`;
      const runs = isSmall(size)
        ? [sendWholeArguments(transfer, archive)]
        : [sendArguments(transfer, archive), renameArguments(transfer, `${work}/empty`)];
      return [
        ...(socket === undefined
          ? []
          : [`run: ${shellQuote(['ssh', ...masterArguments(transfer, socket)])}`]),
        `write the archive to ${archive}`,
        ...runs.map((run) => `run: ${shellQuote(['rsync', ...run])}`),
        `remove ${work}`,
      ];
    },
  };
}

/** Their names are those of the archives without `.tar`: nothing else can be meant. */
async function removeCutOverRsync(
  link: RsyncLink,
  subDir: string,
  names: readonly string[],
  watcher: SpoolWatcher,
): Promise<void> {
  const transfer = transferOf(link.settings, '', subDir);
  const directory = temporaryPath(link.settings.workDir);
  const baseNames = names.map((name) => name.replace(/\.tar$/, ''));
  try {
    withErrnoTranslated(`cannot write ${directory}`, () => mkdirSync(directory, { mode: 0o700 }));
    await patiently(link.settings, watcher, () =>
      runRsync({ link, transfer, watcher }, (to) => removeArguments(to, directory, baseNames)),
    );
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

interface QueuedShipment extends Queued {
  shipment: Shipment;
}

async function deliverOverRsync(
  link: RsyncLink,
  queue: Queue<QueuedShipment>,
  parcel: Parcel,
): Promise<void> {
  const { size, signal, subDir } = parcel;
  const isSentWhole = isSmall(size);
  // To a daemon each goes under its own name: see arguments.ts.
  const group = link.settings.address.kind === 'ssh' ? `${isSentWhole}/${subDir}` : undefined;
  const directory = temporaryPath(link.settings.workDir);
  try {
    const waited = await queue.deliver({ size, signal, group }, async () => {
      return { size, signal, group, shipment: await prepare(link, parcel, directory, isSentWhole) };
    });
    parcel.onWaited?.(waited);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Seconds for everything; a host that does not answer fails before. */
const probeSeconds = 30;

async function probeOverRsync(link: RsyncLink, parcel: Parcel): Promise<RsyncProbe> {
  const { address, workDir } = link.settings;
  const directory = temporaryPath(workDir);
  const facts = { destination: remoteDirectory({ address, subDir: parcel.subDir }), host: address.host };
  const probe = await attemptAsync(() =>
    withinSeconds(probeSeconds, facts, parcel.signal, async (signal) =>
      probeWith(await prepare(link, { ...parcel, signal }, directory, false)),
    ),
  );
  rmSync(directory, { recursive: true, force: true });
  parcel.signal.throwIfAborted();
  return probe instanceof ExpectedError ? { failure: probe } : probe;
}

async function readWaiting(
  link: RsyncLink,
  subDir: string,
  watcher: SpoolWatcher,
): Promise<string[] | undefined> {
  const transfer = transferOf(link.settings, '', subDir);
  try {
    const list = () => runRsync({ link, transfer, watcher }, listArguments);
    return parseListedArchives((await patiently(link.settings, watcher, list)).stdout);
  } catch (error) {
    const isRefused =
      error instanceof RsyncFailure &&
      (['rrsync_refused', 'option_refused'].includes(error.code) || /write[- ]only/.test(error.message));
    if (!isRefused) throw error;
    watcher.debug(error.message);
    return undefined;
  }
}
