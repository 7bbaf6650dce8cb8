/** What a cut transfer has left on the PILOS host is removed when its recording has been gone here for a week. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { LedgerEntry } from '../../../hook/delivery/ledger-entry.ts';
import { ledgerFile } from '../../support/program/traces.ts';
import { type HostKey, useRsyncHost } from '../../support/rsync/rsync-host.ts';
import { type Sender, useSenders, whenArrived } from '../../support/rsync/rsync-sender.ts';

const host = useRsyncHost();
const createSender = useSenders(host);

/** A recording whose transfer was cut, and which was deleted here afterwards. */
async function createCut(key: HostKey): Promise<Sender> {
  const sender = createSender({ key, size: 8_000_000, rsync: ['--bwlimit=2m'] });
  const running = sender.start();
  await whenArrived(sender.partial, 1_000_000);
  await host.server.killConnections();
  expect((await running.result).status).toBe(75);
  return sender;
}

function deleteHere({ meeting }: Sender): void {
  rmSync(meeting.published('presentation'), { recursive: true });
}

/** Lets the transfer have begun so many days ago. */
function age({ tree, meeting }: Sender, days: number): void {
  const file = ledgerFile(tree, meeting.id, 'presentation');
  const entry = JSON.parse(readFileSync(file, 'utf8')) as LedgerEntry;
  if (entry.cut === undefined) throw new Error('the ledger knows of no cut transfer');
  entry.cut.at = new Date(Date.now() - days * 24 * 3_600_000).toISOString();
  writeFileSync(file, JSON.stringify(entry));
}

const cutOf = ({ tree, meeting }: Sender) =>
  (JSON.parse(readFileSync(ledgerFile(tree, meeting.id, 'presentation'), 'utf8')) as LedgerEntry).cut;

it.each(['ordinary', 'rrsync-wo-no-lock', 'rrsync'] as const)(
  'after a week and not before, only when the recording is gone, and nothing else, with the key %s',
  async (key) => {
    const sender = await createCut(key);
    const name = `instance1/${sender.meeting.id}-presentation`;
    const other = `${sender.directory}/${'b'.repeat(40)}-1712758751753-presentation`;
    writeFileSync(other, 'of another server');
    deleteHere(sender);
    age(sender, 6);
    await sender.confirm();
    expect(host.files()).toContain(name);
    age(sender, 8);
    const { stdout } = await sender.confirm();
    expect(stdout).toContain(`removed what cut transfers had left in ${host.address(key)}`);
    expect(host.files()).toEqual(['instance1', `instance1/${'b'.repeat(40)}-1712758751753-presentation`]);
    expect(cutOf(sender)).toBeUndefined();
    expect(sender.temporaryFiles()).toEqual([]);
    const runs = sender.rsyncRuns();
    await sender.confirm();
    expect(sender.rsyncRuns()).toBe(runs);
  },
);

it('and not while it is here: then the next try goes on with it', async () => {
  const sender = await createCut('rrsync-wo-no-lock');
  age(sender, 8);
  expect((await sender.confirm()).status).toBe(0);
  expect(host.files()).toEqual(['instance1', `instance1/${sender.meeting.id}-presentation.tar`]);
  expect(cutOf(sender)).toBeUndefined();
});

it('and asks but once a server that lets nobody delete', async () => {
  const sender = await createCut('ordinary');
  deleteHere(sender);
  age(sender, 8);
  // Since then the key was restricted.
  const settings = readFileSync(sender.tree.pilosYml, 'utf8');
  const entry = readFileSync(ledgerFile(sender.tree, sender.meeting.id, 'presentation'), 'utf8');
  writeFileSync(
    sender.tree.pilosYml,
    settings.replace(host.address('ordinary'), host.address('rrsync-no-del')),
  );
  writeFileSync(
    ledgerFile(sender.tree, sender.meeting.id, 'presentation'),
    entry.replaceAll(host.address('ordinary'), host.address('rrsync-no-del').replace(/\/$/, '')),
  );
  await sender.confirm();
  expect(host.files()).toContain(`instance1/${sender.meeting.id}-presentation`);
  expect(cutOf(sender)).toBeUndefined();
});
