/** A {@link CheckScene} whose spool lies on "another host": a real sshd, with a key for each way to restrict it. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dump, load } from 'js-yaml';
import { type CheckScene, createCheckScene } from './check-scene.ts';
import { type SshServer, startSshServer } from './ssh-server.ts';

type Scenario = 'ordinary' | 'good' | 'locking' | 'keeping' | 'reading' | 'bare';

export interface CheckSshScene extends CheckScene {
  server: SshServer<Scenario>;
  /** PILOS' spool there. */
  spool: string;
  spoolFiles(): string[];
  /** Writes `spool_dir`, and further keys. */
  sendTo(address: string, further?: Record<string, unknown>): void;
}

export async function createCheckSshScene(): Promise<CheckSshScene> {
  const scene = await createCheckScene({ mount: false, spool: 'pilos-good:/' });
  const { bbb, pilos, tree } = scene;
  const spool = join(pilos.home, 'spool');
  await scene.sh(`install -d -m 2775 -o ${pilos.uid} -g ${pilos.gid} ${spool}`);
  await scene.sh(`install -d ${tree.root}/no-rsync`);
  const restricted = (flags: string) => `command="/usr/bin/rrsync ${flags} ${spool}",restrict`;
  const server = await startSshServer<Scenario>({
    ...{ pilosUser: pilos, bbbUser: bbb, directory: join(tree.root, 'sshd') },
    keys: {
      ordinary: 'restrict',
      good: restricted('-wo -no-lock'),
      locking: restricted('-wo'),
      keeping: restricted('-no-del -no-lock'),
      reading: restricted('-ro'),
      bare: `environment="PATH=${tree.root}/no-rsync"`,
    },
  });
  const { work_dir: workDir } = load(readFileSync(tree.pilosYml, 'utf8')) as { work_dir: string };
  return {
    ...{ ...scene, server, spool },
    spoolFiles: () => readdirSync(spool),
    sendTo: (address, further = {}) =>
      writeFileSync(tree.pilosYml, dump({ work_dir: workDir, spool_dir: address, ...further })),
    dispose: async () => {
      await server.stop();
      await scene.dispose();
    },
  };
}
