/** A share of Samba as spool: the server decides owner and modes, the mount decides what is shown. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { publish } from './support/bbb.ts';
import { findProblems } from './support/check.ts';
import { deliver } from './support/delivery.ts';
import { isFull, report, useMachines } from './support/machines.ts';
import { importSpool } from './support/pilos.ts';
import { shareSpool, unshareSpool } from './support/samba.ts';
import { emptySpool, listSpool, unmountSpool } from './support/storage.ts';

const { storage, bbb, pilos } = useMachines();

describe.runIf(isFull)('Delivery over SMB 3.1.1', () => {
  beforeAll(async () => {
    for (const client of [bbb, pilos]) await unmountSpool(client);
    await shareSpool(storage, [bbb, pilos]);
    await emptySpool(storage);
  });
  afterAll(() => unshareSpool(storage, [bbb, pilos]));

  it('force user and group on the server; PILOS imports and deletes the archive', async ({ task }) => {
    const delivered = await deliver({ bbb, storage, recording: await publish(bbb) });
    expect(delivered).toBe('exit 0, archive whole, -rw-rw-r-- 65534:2000');
    expect(await importSpool(pilos)).toMatchObject([{ result: 'imported' }]);
    expect(await listSpool(storage)).toEqual([]);
    report(task, `${delivered}; imported`);
  });

  it('check finds nothing wrong with it', async ({ task }) => {
    expect(await findProblems(bbb, 'Spool')).toEqual([]);
    report(task, 'so it is');
  });
});
