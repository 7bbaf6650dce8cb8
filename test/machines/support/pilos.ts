/** The PILOS server: the importer of the tests, run as PILOS' web server runs its jobs. */
import type { ImportAttempt } from '../../support/pilos/import-attempt.ts';
import { adminCommand, importerCommand, importerScripts } from '../../support/pilos/importer-command.ts';
import type { Machine } from './machine.ts';
import { spool } from './storage.ts';

const scripts = '/opt/pilos';
/** PILOS' recordings and database. */
const store = '/srv/pilos';
const webUser = 'www-data';

export async function setUpPilos(pilos: Machine): Promise<void> {
  await pilos.copy(importerScripts, scripts);
  await pilos.ask(`chmod -R a+rX ${scripts} && install -d -o ${webUser} ${store} && sync`);
  await pilos.ask(quoted(adminCommand(scripts, store, 'know', 'every meeting')), { user: webUser });
}

/** One look into the spool: every archive is tried once. */
export async function importSpool(pilos: Machine): Promise<ImportAttempt[]> {
  const command = `cd ${store} && ${quoted(importerCommand(scripts, { spool, store }))}`;
  const lines = await pilos.ask(command, { user: webUser, seconds: 120 });
  return lines
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as ImportAttempt);
}

function quoted(command: readonly string[]): string {
  return command.map((word) => `'${word}'`).join(' ');
}
