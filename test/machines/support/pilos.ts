/** The PILOS server: the importer of the tests, run as PILOS' web server runs its jobs. */
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ImportedArchive } from '../../support/pilos/pilos-import.ts';
import type { Machine } from './machine.ts';
import { spool } from './storage.ts';

const tools = '/opt/pilos';
const importer = join(import.meta.dirname, '../../fixtures/pilos_import.php');
/** Where recordings end up. */
export const store = '/srv/pilos';
export const webUser = 'www-data';

export async function setUpPilos(pilos: Machine): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'machines-pilos-'));
  copyFileSync(importer, join(directory, 'pilos_import.php'));
  await pilos.copy(directory, tools);
  rmSync(directory, { recursive: true });
  await pilos.ask(`chmod 755 ${tools} && install -d -o ${webUser} ${store} && sync`);
}

/** One round of the importer over the spool. */
export async function importSpool(pilos: Machine): Promise<ImportedArchive[]> {
  const options = JSON.stringify({ spool, store, keep: false });
  const answer = await pilos.ask(`php ${tools}/pilos_import.php '${options}'`, {
    user: webUser,
    seconds: 120,
  });
  return JSON.parse(answer) as ImportedArchive[];
}
