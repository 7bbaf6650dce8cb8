/** Delivery over NFS, and who may write under which export. */
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { bbbUser, publish } from './support/bbb.ts';
import { deliver } from './support/delivery.ts';
import { isFull, report, useMachines } from './support/machines.ts';
import { importSpool } from './support/pilos.ts';
import {
  emptySpool,
  exportSpool,
  listSpool,
  mountSpool,
  type NfsVersion,
  setManageGids,
  versions,
} from './support/storage.ts';

const { storage, bbb, pilos } = useMachines();

/** Exports the spool anew, and has the clients forget what they know of it. */
async function prepare(version: NfsVersion, options: string, { manageGids = true } = {}): Promise<void> {
  await setManageGids(storage, manageGids);
  await exportSpool(storage, options);
  for (const machine of [bbb, pilos]) await mountSpool(machine, version);
}

async function deliverOne(): Promise<string> {
  return await deliver({ bbb, storage, recording: await publish(bbb) });
}

describe.each(versions.filter((version) => isFull || version === '4.2'))(
  'Delivery over NFS %s',
  (version) => {
    beforeAll(() => setManageGids(storage, true));
    afterEach(() => emptySpool(storage));

    it('all_squash,anonuid=65534,anongid=2000; PILOS imports and deletes the archive', async ({ task }) => {
      await prepare(version, 'all_squash,anonuid=65534,anongid=2000');
      const delivered = await deliverOne();
      expect(delivered).toBe('exit 0, archive whole, -rw-rw-r-- 65534:2000');
      const imported = await importSpool(pilos);
      expect(imported).toMatchObject([
        { exception: null, deleted: true, formats: [{ format: 'presentation' }] },
      ]);
      expect(await listSpool(storage)).toEqual([]);
      report(task, `${delivered}; imported`);
    });

    it('root_squash, manage-gids=n; PILOS imports and deletes the archive', async ({ task }) => {
      await prepare(version, 'root_squash', { manageGids: false });
      const delivered = await deliverOne();
      expect(delivered).toBe('exit 0, archive whole, -rw-rw-r-- 997:2000');
      expect(await importSpool(pilos)).toMatchObject([{ exception: null, deleted: true }]);
      report(task, `${delivered}; imported`);
    });

    it.runIf(isFull)('root_squash, manage-gids=y, the server does not know the user', async ({ task }) => {
      await prepare(version, 'root_squash');
      const refused = await deliverOne();
      expect(refused).toBe('exit 77, nothing in the spool');
      report(task, refused);
    });

    it.runIf(isFull)('root_squash, manage-gids=y, the server has the user in the group', async ({ task }) => {
      await storage.ask('useradd --system --uid 997 --groups pilos-spool bbb-user');
      try {
        await prepare(version, 'root_squash');
        const delivered = await deliverOne();
        expect(delivered).toBe('exit 0, archive whole, -rw-rw-r-- 997:2000');
        report(task, delivered);
      } finally {
        await storage.ask('userdel bbb-user');
      }
    });

    it.runIf(isFull)('a BBB server whose user is not in the group', async ({ task }) => {
      await bbb.ask(`gpasswd --delete ${bbbUser} pilos-spool`);
      try {
        await prepare(version, 'root_squash', { manageGids: false });
        const refused = await deliverOne();
        expect(refused).toBe('exit 77, nothing in the spool');
        await prepare(version, 'all_squash,anonuid=65534,anongid=2000');
        const delivered = await deliverOne();
        expect(delivered).toBe('exit 0, archive whole, -rw-rw-r-- 65534:2000');
        report(task, `root_squash: ${refused}; all_squash: ${delivered}`);
      } finally {
        await bbb.ask(`gpasswd --add ${bbbUser} pilos-spool`);
      }
    });
  },
);
