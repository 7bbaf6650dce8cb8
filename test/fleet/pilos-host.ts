/** A PILOS instance of the fleet: its sub directory of the spool, its importer, and in layout `ssh` its sshd. */
import type { Undo } from '../support/program/create-with-undo.ts';
import { type Host, startHost } from './host.ts';
import { cloneImage, makeOwned, toolDirectory, webUser } from './image.ts';
import { startLineProcess } from './line-process.ts';
import type { Instance } from './plan.ts';

/** What importer.php tells of an archive. Times are seconds. */
export interface Import {
  /** `<record id>-<format>` */
  name: string;
  /** Since the archive was written. */
  waited: number;
  size: number;
  /** It had been imported before. */
  isAgain: boolean;
  deleted: boolean;
  seconds: number;
  exception: string | null;
}

export interface PilosHost {
  instance: Instance;
  host: Host;
  /** Path of the spool on it, with the instance's sub directory in it. */
  spool: string;
  /** Where it unpacks, as this machine sees it: a directory for each archive. */
  store: string;
}

const storeDirectory = '/var/lib/pilos-recordings';

export async function startPilosHost(
  undo: Undo,
  signal: AbortSignal,
  { instance, image, tree, spool }: { instance: Instance; image: string; tree: string; spool: string },
): Promise<PilosHost> {
  await cloneImage(image, tree);
  const store = makeOwned(tree, storeDirectory, webUser);
  const host = await startHost(undo, signal, instance.replace('instance', 'pilos'), tree);
  return { instance, host, spool, store };
}

export interface Importer {
  imports: Import[];
  end(): Promise<void>;
}

/** Looks into the spool every second, as the user of PILOS' web server. */
export function startImporter({ host, instance, spool }: PilosHost): Importer {
  const imports: Import[] = [];
  const php = ['php', '-d', 'memory_limit=128M', '-d', 'display_errors=stderr'];
  const command = [...php, `${toolDirectory}/importer.php`, `${spool}/${instance}`, storeDirectory];
  const process = startLineProcess(host, command, 'www-data', {
    onLine: (value) => imports.push(value as Import),
  });
  return { imports, end: process.end };
}
