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
export async function importSpool(
  pilos: Machine,
  directory = spool,
  database = store,
): Promise<ImportAttempt[]> {
  const command = `cd ${database} && ${quoted(importerCommand(scripts, { spool: directory, store: database }))}`;
  const lines = await pilos.ask(command, { user: webUser, seconds: 120 });
  return lines
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as ImportAttempt);
}

/** As a PILOS that was set up anew: it knows no meeting. */
export async function refuseSpool(pilos: Machine): Promise<ImportAttempt[]> {
  await pilos.ask(`rm -rf ${store}-new && install -d -o ${webUser} ${store}-new`);
  return await importSpool(pilos, spool, `${store}-new`);
}

/** A spool for deliveries over ssh, on this server's own disk. */
export const sshSpool = '/srv/spool';

/** As docs/ssh.md says it: a user for deliveries, who accepts the key of the BBB server's user. */
export async function acceptKey(pilos: Machine, bbb: Machine, user: string): Promise<void> {
  const home = `/home/${user}/.ssh`;
  const key = await bbb.ask(
    `mkdir -p ${home} && { [ -e ${home}/id_ed25519 ] || ssh-keygen -q -t ed25519 -N '' -f ${home}/id_ed25519; }
    ssh-keyscan -t ed25519 pilos > ${home}/known_hosts && cat ${home}/id_ed25519.pub`,
    { user },
  );
  const script = `id -u pilos-spool >/dev/null 2>&1 || useradd --create-home --gid pilos-spool pilos-spool
    install -d -m 2775 -o pilos-spool -g pilos-spool ${sshSpool}
    install -d -m 700 -o pilos-spool -g pilos-spool ~pilos-spool/.ssh
    cat > ~pilos-spool/.ssh/authorized_keys && chown pilos-spool: ~pilos-spool/.ssh/authorized_keys`;
  await pilos.ask(script, { input: key });
}

function quoted(command: readonly string[]): string {
  return command.map((word) => `'${word}'`).join(' ');
}
