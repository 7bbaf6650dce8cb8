/** A {@link CheckScene} whose spool is the module of a real rsync daemon, which lives in the scene's namespace. */
import { join } from 'node:path';
import { type RsyncDaemon, startRsyncDaemon } from '../rsync/rsync-daemon.ts';
import { createRemoteSpool, type RemoteSpool } from './check-remote-spool.ts';
import { type CheckScene, createCheckScene } from './check-scene.ts';

export interface CheckDaemonScene extends CheckScene, RemoteSpool {
  daemon: RsyncDaemon;
}

export async function createCheckDaemonScene(): Promise<CheckDaemonScene> {
  const scene = await createCheckScene({ mount: false, spool: 'pilos::spool' });
  const remote = await createRemoteSpool(scene);
  const { enter, pilos, sh, tree } = scene;
  const scratch = join(tree.root, 'rsyncd');
  await sh(`install -d ${scratch}`);
  const settings = [`uid = ${pilos.uid}`, `gid = ${pilos.gid}`];
  const daemon = await startRsyncDaemon(remote.spool, scratch, settings, enter);
  return {
    ...{ ...scene, ...remote, daemon },
    dispose: async () => {
      await daemon.stop();
      await scene.dispose();
    },
  };
}
