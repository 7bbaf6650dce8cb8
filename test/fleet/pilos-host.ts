/** A PILOS instance of the fleet: its sub directory of the spool, its importer, and in layout `ssh` its sshd. */
import type { ImportAttempt } from '../support/pilos/import-attempt.ts';
import { adminCommand, importerCommand } from '../support/pilos/importer-command.ts';
import type { Undo } from '../support/program/create-with-undo.ts';
import { type Host, startHost } from './host.ts';
import { cloneImage, makeOwned, toolDirectory, webUser } from './image.ts';
import { startLineProcess } from './line-process.ts';
import type { Instance } from './plan.ts';

export interface PilosHost {
  instance: Instance;
  host: Host;
  /** Path of the spool on it, with the instance's sub directory in it. */
  spool: string;
  /** Its database and its recordings, as this machine sees them. */
  store: string;
}

const storeDirectory = '/var/lib/pilos';
const scripts = `${toolDirectory}/importer`;

export async function startPilosHost(
  undo: Undo,
  signal: AbortSignal,
  { instance, image, tree, spool }: { instance: Instance; image: string; tree: string; spool: string },
): Promise<PilosHost> {
  await cloneImage(image, tree);
  const store = makeOwned(tree, storeDirectory, webUser);
  const host = await startHost(undo, signal, instance.replace('instance', 'pilos'), tree);
  await host.runOrThrow(adminCommand(scripts, storeDirectory, 'know', 'every meeting'), 'www-data');
  return { instance, host, spool, store };
}

export interface Importer {
  imports: ImportAttempt[];
  end(): Promise<void>;
}

/** Looks into the spool every second, as the user of PILOS' web server. */
export function startImporter({ host, instance, spool }: PilosHost): Importer {
  const imports: ImportAttempt[] = [];
  // An hour of tries is too long for a test.
  const settings = {
    spool: `${spool}/${instance}`,
    store: storeDirectory,
    retrySeconds: 5,
    intervalSeconds: 1,
  };
  const command = importerCommand(scripts, settings);
  const process = startLineProcess(host, command, 'www-data', {
    onLine: (value) => imports.push(value as ImportAttempt),
  });
  return { imports, end: process.end };
}
