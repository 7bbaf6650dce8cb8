/** A {@link CheckScene} whose spool lies on "another host": a real sshd, with a key for each way to restrict it. */
import { join } from 'node:path';
import { type SshServer, startSshServer } from '../rsync/ssh-server.ts';
import { createRemoteSpool, type RemoteSpool } from './check-remote-spool.ts';
import { type CheckScene, createCheckScene } from './check-scene.ts';

type Scenario = 'ordinary' | 'good' | 'locking' | 'keeping' | 'refusing' | 'bare' | 'pythonless';

export interface CheckSshScene extends CheckScene, RemoteSpool {
  server: SshServer<Scenario>;
  /** The private key of a scenario. */
  keyOf(scenario: Scenario): string;
}

export async function createCheckSshScene(): Promise<CheckSshScene> {
  const scene = await createCheckScene({ mount: false, spool: 'pilos-good:/' });
  const { bbb, pilos, sh, tree } = scene;
  const remote = await createRemoteSpool(scene);
  // What `apt-get install` will put back: in no-rsync rsync, in no-python the interpreter of rrsync.
  const pythonless = `${tree.root}/no-python`;
  await sh(`install -d ${tree.root}/no-rsync ${pythonless}`);
  await sh(`sed '1s,.*,#!${pythonless}/python3,' /usr/bin/rrsync >${pythonless}/rrsync`);
  await sh(`chmod 755 ${pythonless}/rrsync`);
  const restricted = (flags: string, directory = '/usr/bin') =>
    `command="${directory}/rrsync ${flags} ${remote.spool}",restrict`;
  const server = await startSshServer<Scenario>({
    ...{ pilosUser: pilos, bbbUser: bbb, directory: join(tree.root, 'sshd') },
    keys: {
      ordinary: 'restrict',
      good: restricted('-wo -no-lock'),
      locking: restricted('-wo'),
      keeping: restricted('-no-del -no-lock'),
      refusing: 'command="/bin/false",restrict',
      bare: `environment="PATH=${tree.root}/no-rsync"`,
      pythonless: restricted('-wo -no-lock', pythonless),
    },
  });
  return {
    ...{ ...scene, ...remote, server },
    keyOf: (scenario) => join(bbb.home, `.ssh/id_ed25519_${scenario}`),
    dispose: async () => {
      await server.stop();
      await scene.dispose();
    },
  };
}
