/** A recording reaches PILOS over rsync with every kind of key, and nothing else does. */
import { chownSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { ProgramResult } from '../../support/program/run-program.ts';
import { oneOfEach } from '../../support/program/test-size.ts';
import { hasSenderDone, ledgerFile } from '../../support/program/traces.ts';
import { asBbbUser, useRsyncHost, workingKeys } from '../../support/rsync/rsync-host.ts';
import { largeSize, useSenders, withoutResumeWarning } from '../../support/rsync/rsync-sender.ts';

const host = useRsyncHost();
const createSender = useSenders(host);

// In CI each half of the keys meets one of the two: an option more or less makes no difference to each of the versions.
const deliveries = [
  ...oneOfEach(2, workingKeys).map((key) => ({ key, kind: 'small', size: 0 })),
  ...oneOfEach(2, workingKeys, 1).map((key) => ({ key, kind: 'large', size: largeSize })),
];

it.each(deliveries)(
  'delivers exactly the published files, also while they still lie there, with the key $key ($kind)',
  async ({ key, size }) => {
    const sender = createSender({ key, size });
    const withoutWarning = (result: ProgramResult) =>
      size === 0 ? result : withoutResumeWarning(result, key);
    const { archive, tree, meeting } = sender;
    const name = `${meeting.id}-presentation.tar`;
    // As root, which becomes the owner of BBB's files.
    expect(withoutWarning(await sender.deliver())).toMatchObject({ status: 0, stderr: '' });
    expect(host.files()).toEqual(['instance1', `instance1/${name}`]);
    const first = readFileSync(archive);
    const { mode, gid, uid } = statSync(archive);
    expect({ mode: (mode & 0o7777).toString(8), gid, uid }).toEqual({
      mode: '664',
      gid: statSync(sender.directory).gid,
      uid: host.pilosUser.uid,
    });
    expect(gid).toBe(host.pilosUser.gid);
    // PILOS has not imported it yet: it is not sent again, but when nobody remembers it. As the BBB user itself.
    // An archive has a time of whole seconds, and the next one may be sent in the same: so this one is older.
    utimesSync(archive, new Date(0), new Date(0));
    const { mtimeNs } = statSync(archive, { bigint: true });
    expect(await sender.deliver(asBbbUser(host))).toMatchObject({ status: 0, stderr: '' });
    expect(statSync(archive, { bigint: true }).mtimeNs).toBe(mtimeNs);
    rmSync(ledgerFile(tree, meeting.id, 'presentation'));
    const again = await sender.deliver(asBbbUser(host));
    expect(withoutWarning(again)).toMatchObject({ status: 0, stderr: '' });
    expect(statSync(archive, { bigint: true }).mtimeNs).not.toBe(mtimeNs);
    expect(host.files()).toEqual(['instance1', `instance1/${name}`]);
    expect(readFileSync(archive).equals(first)).toBe(true);
    expect(await sender.import()).toEqual([`${name}: as published`]);
    expect(host.files()).toEqual(['instance1']);
    expect(hasSenderDone(tree, meeting.id)).toBe(false);
    expect(await sender.confirm()).toMatchObject({ status: 0, stderr: '' });
    expect(hasSenderDone(tree, meeting.id)).toBe(true);
    expect(sender.temporaryFiles()).toEqual([]);
  },
);

it('delivers into the spool itself when the meeting has no sub directory', async () => {
  const sender = createSender({ key: 'rrsync-wo-no-lock', subDir: '' });
  expect(await sender.deliver()).toMatchObject({ status: 0, stderr: '' });
  expect(await sender.import()).toEqual([`${sender.meeting.id}-presentation.tar: as published`]);
  expect(host.files()).toEqual(['instance1']);
});

it("delivers to a path that is relative to the remote user's home", async () => {
  const sender = createSender({ spool: `${host.server.hosts.ordinary}:spool` });
  expect(await sender.deliver()).toMatchObject({ status: 0, stderr: '' });
  expect(await sender.import()).toEqual([`${sender.meeting.id}-presentation.tar: as published`]);
});

it.each(['with nothing there', 'after a cut transfer'])(
  'delivers in one step where rrsync -no-overwrite forbids renaming, %s',
  async (what) => {
    const sender = createSender({ key: 'rrsync-no-overwrite', size: largeSize });
    if (what === 'after a cut transfer') {
      writeFileSync(sender.partial, 'half');
      chownSync(sender.partial, host.pilosUser.uid, host.pilosUser.gid);
    }
    expect(await sender.deliver()).toMatchObject({ status: 0 });
    expect(await sender.import()).toEqual([`${sender.meeting.id}-presentation.tar: as published`]);
    expect(host.files()).toEqual(['instance1']);
  },
);

it.each(['rrsync-no-overwrite', 'rrsync-no-del'] as const)(
  'finds out once that %s forbids renaming, and sends each archive once from then on',
  async (key) => {
    const sender = createSender({ key, size: largeSize });
    const warning = 'a cut transfer cannot be resumed there';
    expect(await sender.deliver()).toMatchObject({ status: 0, stderr: expect.stringContaining(warning) });
    expect(await sender.import()).toHaveLength(1);
    const before = sender.rsyncRuns();
    const again = ['-m', sender.meeting.id, '-f', 'presentation', '--again'];
    const result = await sender.tree.run(again, { env: { PATH: sender.path } });
    expect(result).toMatchObject({ status: 0, stderr: expect.stringContaining(warning) });
    expect(await sender.import()).toEqual([`${sender.meeting.id}-presentation.tar: as published`]);
    // Two ask what PILOS has done with the first.
    expect(sender.rsyncRuns() - before).toBe(3);
    expect(host.files()).toEqual(['instance1']);
  },
);
