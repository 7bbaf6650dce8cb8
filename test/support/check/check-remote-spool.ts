/** PILOS' spool of a {@link CheckScene} that lies on "another host", however it is reached. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dump, load } from 'js-yaml';
import type { CheckScene } from './check-scene.ts';

export interface RemoteSpool {
  /** The directory there. */
  spool: string;
  spoolFiles(): string[];
  /** Writes `spool_dir`, and further keys. */
  sendTo(address: string, further?: Record<string, unknown>): void;
  /** Makes a directory that PILOS can use. */
  makeDirectory(path: string): Promise<unknown>;
}

export async function createRemoteSpool({ pilos, sh, tree }: CheckScene): Promise<RemoteSpool> {
  const spool = join(pilos.home, 'spool');
  const makeDirectory = (path: string) => sh(`install -d -m 2775 -o ${pilos.uid} -g ${pilos.gid} ${path}`);
  await makeDirectory(spool);
  await makeDirectory(`${spool}/failed`);
  const { work_dir: workDir } = load(readFileSync(tree.pilosYml, 'utf8')) as { work_dir: string };
  return {
    spool,
    spoolFiles: () => readdirSync(spool),
    sendTo: (address, further = {}) =>
      writeFileSync(tree.pilosYml, dump({ work_dir: workDir, spool_dir: address, ...further })),
    makeDirectory,
  };
}
