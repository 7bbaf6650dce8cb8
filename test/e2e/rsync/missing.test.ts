/** A directory that does not exist on the PILOS host is never created, whatever the key; nor is one that is not our own. */
import { chmodSync, chownSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { expect, it } from 'vitest';
import { expectRefused } from '../../support/program/expect-refused.ts';
import { oneOfEach } from '../../support/program/test-size.ts';
import { hasSenderDone, readLedger } from '../../support/program/traces.ts';
import { useRsyncHost, workingKeys } from '../../support/rsync/rsync-host.ts';
import { largeSize, useSenders, withoutResumeWarning } from '../../support/rsync/rsync-sender.ts';

const host = useRsyncHost();
const createSender = useSenders(host);

// In CI each half of the keys meets one of the two.
it.each(oneOfEach(2, workingKeys))(
  'creates nothing when the sub directory is missing, with the key %s',
  async (key) => {
    const sender = createSender({ key, subDir: 'missing' });
    const result = await sender.deliver();
    expectRefused(result, 73, `${host.address(key)}`, '/missing does not exist', 'create it there');
    expect(host.files()).toEqual(['instance1']);
    expect(sender.temporaryFiles()).toEqual([]);
    expect(readLedger(sender.tree, sender.meeting.id, 'presentation').state).toBe('failed');
    expect(hasSenderDone(sender.tree, sender.meeting.id)).toBe(false);
  },
);

it.each(oneOfEach(2, workingKeys, 1))(
  'creates nothing when the spool itself is missing, with the key %s',
  async (key) => {
    const sender = createSender({ key, subDir: '' });
    rmSync(host.spool, { recursive: true });
    const before = readdirSync(host.pilosUser.home);
    expectRefused(
      await sender.deliver(),
      73,
      ...(key === 'ordinary' || key === 'old-ordinary'
        ? ([`the directory ${host.address(key)} does not exist`, 'create it there'] as const)
        : (['does not find its directory', 'create the directory that it names'] as const)),
    );
    expect(existsSync(host.spool)).toBe(false);
    expect(readdirSync(host.pilosUser.home)).toEqual(before);
  },
);

const closed = [
  { key: 'ordinary', mode: '755' },
  { key: 'ordinary', mode: '700' },
  { key: 'rrsync', mode: '755' },
  { key: 'rrsync-wo-no-lock', mode: '700' },
  { key: 'rrsync-no-del', mode: '755' },
  { key: 'old-rrsync', mode: '755' },
  { key: 'old-rrsync-wo-no-lock', mode: '700' },
] as const;

it.each(oneOfEach(2, closed))(
  "says that a directory of root's with mode $mode is not writable, with the key $key",
  async ({ key, mode }) => {
    const sender = createSender({ key, size: largeSize, retry: { attempts: 2, max_seconds: 60 } });
    chownSync(sender.directory, 0, 0);
    chmodSync(sender.directory, Number.parseInt(mode, 8));
    const result = withoutResumeWarning(await sender.deliver(), key);
    expectRefused(result, 77, '/instance1 is not writable', 'chgrp pilos-spool, chmod 2775');
    expect(host.files()).toEqual(['instance1']);
    // It is not tried a second time.
    expect(sender.rsyncRuns()).toBe(key === 'rrsync-no-del' ? 2 : 1);
  },
);

it('says that the key is for reading only', async () => {
  const sender = createSender({ key: 'rrsync-ro', retry: { attempts: 2, max_seconds: 60 } });
  expectRefused(
    await sender.deliver(),
    77,
    'is read-only',
    "use 'rrsync -wo -no-lock DIR' in authorized_keys",
  );
  expect(host.files()).toEqual(['instance1']);
  expect(sender.rsyncRuns()).toBe(1);
});
