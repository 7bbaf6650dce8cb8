/** A recording that BBB has rebuilt replaces the archive that still lies there, and PILOS never sees half of one. */
import { statSync } from 'node:fs';
import { expect, it } from 'vitest';
import { startObserver } from '../../support/program/observer.ts';
import { sized } from '../../support/program/test-size.ts';
import { useRsyncHost, workingKeys } from '../../support/rsync/rsync-host.ts';
import { useSenders, withoutResumeWarning } from '../../support/rsync/rsync-sender.ts';

const host = useRsyncHost();
const createSender = useSenders(host);

/** In CI one that may rename and one that may not. */
const keys = sized(0, 1) === 1 ? workingKeys : (['rrsync-wo-no-lock', 'rrsync-no-del'] as const);
const small = { key: 'rrsync-wo-no-lock', size: 2_000_000 } as const;

it.each([...keys.map((key) => ({ key, size: 24_000_000 })), small])(
  'replaces the archive of a rebuilt recording, and never shows a partial one, with the key $key ($size bytes)',
  async ({ key, size }) => {
    const sender = createSender({ key, size });
    const name = `${sender.meeting.id}-presentation.tar`;
    // A poll each millisecond: one without a pause would take a processor from the program.
    const observer = await startObserver(sender.directory, { pause: 1 });
    const sizes: number[] = [];
    try {
      for (const isRebuilt of [false, true]) {
        if (isRebuilt) sender.rebuild();
        expect(withoutResumeWarning(await sender.deliver(), key)).toMatchObject({ status: 0, stderr: '' });
        sizes.push(statSync(sender.archive).size);
      }
    } finally {
      const { partial, seen, polls } = await observer.stop();
      expect(partial).toEqual([]);
      expect(seen).toEqual(sizes.map((size) => ({ name, size })));
      expect(polls).toBeGreaterThan(100);
    }
    expect(host.files()).toEqual(['instance1', `instance1/${name}`]);
    expect(await sender.import()).toEqual([`${name}: as published`]);
  },
);
