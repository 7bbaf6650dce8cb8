/** Delivery over NFS, and who may write under which export. */
import { describe, expect, it } from 'vitest';
import { bbbUser, publish } from './support/bbb.ts';
import { deliver } from './support/delivery.ts';
import { isFull, report, useMachines } from './support/machines.ts';
import { importSpool } from './support/pilos.ts';
import { listSpool, prepareSpool, squashAll, versions } from './support/storage.ts';

const { storage, bbb, pilos } = useMachines();

const clients = [bbb, pilos];

async function deliverOne(): Promise<string> {
  return await deliver({ bbb, storage, recording: await publish(bbb) });
}

describe.each(versions.filter((version) => isFull || version === '4.2'))(
  'Delivery over NFS %s',
  (version) => {
    it('all_squash,anonuid,anongid=2000; PILOS imports and deletes the archive', async ({ task }) => {
      await prepareSpool({ storage, clients, version, options: squashAll });
      const delivered = await deliverOne();
      expect(delivered).toBe('exit 0, archive whole, -rw-rw-r-- 65534:2000');
      const imported = await importSpool(pilos);
      expect(imported).toMatchObject([
        { result: 'imported', formats: [{ format: 'presentation', isMoved: true }] },
      ]);
      expect(await listSpool(storage)).toEqual([]);
      report(task, `${delivered}; imported`);
    });

    it('root_squash, manage-gids=y; the server has both users in the group; PILOS imports', async ({
      task,
    }) => {
      await storage.ask(`useradd --system --uid 997 --groups pilos-spool bbb-user
      gpasswd --add www-data pilos-spool`);
      try {
        await prepareSpool({ storage, clients, version, options: 'root_squash' });
        const delivered = await deliverOne();
        expect(delivered).toBe('exit 0, archive whole, -rw-rw-r-- 997:2000');
        expect(await importSpool(pilos)).toMatchObject([{ result: 'imported' }]);
        report(task, `${delivered}; imported`);
      } finally {
        await storage.ask('userdel bbb-user; gpasswd --delete www-data pilos-spool');
      }
    });

    it.runIf(isFull)('root_squash, manage-gids=y; the server does not know the user', async ({ task }) => {
      await prepareSpool({ storage, clients, version, options: 'root_squash' });
      const refused = await deliverOne();
      expect(refused).toBe('exit 77, nothing in the spool');
      report(task, refused);
    });

    it.runIf(isFull)(
      'root_squash, manage-gids=n; the server knows nobody; PILOS imports',
      async ({ task }) => {
        await prepareSpool({ storage, clients, version, options: 'root_squash', manageGids: false });
        const delivered = await deliverOne();
        expect(delivered).toBe('exit 0, archive whole, -rw-rw-r-- 997:2000');
        expect(await importSpool(pilos)).toMatchObject([{ result: 'imported' }]);
        report(task, `${delivered}; imported`);
      },
    );

    it.runIf(isFull)('a BBB server whose user is not in the group', async ({ task }) => {
      await bbb.ask(`gpasswd --delete ${bbbUser} pilos-spool`);
      try {
        await prepareSpool({ storage, clients, version, options: 'root_squash', manageGids: false });
        const refused = await deliverOne();
        expect(refused).toBe('exit 77, nothing in the spool');
        await prepareSpool({ storage, clients, version, options: squashAll });
        const delivered = await deliverOne();
        expect(delivered).toBe('exit 0, archive whole, -rw-rw-r-- 65534:2000');
        report(task, `root_squash: ${refused}; all_squash: ${delivered}`);
      } finally {
        await bbb.ask(`gpasswd --add ${bbbUser} pilos-spool`);
      }
    });
  },
);
