/** The largest file that PILOS can import is delivered, one byte more is refused and said why. */
import { mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import type { BbbTree } from '../../support/bbb/bbb-tree.ts';
import { useBbbTrees } from '../../support/bbb/use-bbb-trees.ts';
import { compareTrees } from '../../support/files/compare-trees.ts';
import { writeSparseFile } from '../../support/files/large-files.ts';
import { importSpool } from '../../support/pilos/import-spool.ts';
import { expectRefused } from '../../support/program/expect-refused.ts';
import { runOrThrow } from '../../support/program/run-program.ts';
import { sized } from '../../support/program/test-size.ts';
import { readLedger } from '../../support/program/traces.ts';

const createTree = useBbbTrees();
/** 2³² − 512: PHP's PharData refuses more. */
const largest = 4_294_966_784;
/** In CI a file that is large enough to need more memory than PHP has; phar-data.test.ts knows the limit too. */
const large = sized(2_200_000_000, largest);

/** A spool on a disk takes minutes: `mnt/` of the tree is in memory where there is plenty of it. */
async function mountInMemory(tree: BbbTree): Promise<() => Promise<void>> {
  const available = Number(/MemAvailable: +(\d+) kB/.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]) * 1024;
  if (available < 3 * large) return async () => undefined;
  const mountPoint = dirname(tree.spoolDir);
  await runOrThrow('mount', ['-t', 'tmpfs', '-o', 'size=9g,mode=0755', 'tmpfs', mountPoint]);
  mkdirSync(tree.spoolDir);
  return async () => {
    await runOrThrow('umount', [mountPoint]);
  };
}

it(`delivers a file of ${large} bytes, and PILOS unpacks every one of them`, {
  timeout: 300_000,
}, async () => {
  const tree = createTree({ formats: ['podcast'] });
  const meeting = tree.addMeeting({ formats: ['podcast'] });
  writeSparseFile(join(meeting.published('podcast'), 'audio.ogg'), large);
  const unmount = await mountInMemory(tree);
  try {
    const { status, stdout, stderr } = await tree.run(['-m', meeting.id], { timeoutMilliseconds: 240_000 });
    expect({ status, stdout }).toEqual({
      status: 0,
      stdout: expect.stringMatching(/^delivered \S+-podcast\.tar \(2 files, \d+ bytes\) to /),
    });
    expect(stderr).toMatch(
      /-podcast\.tar is large: to import it, PILOS' PHP needs a memory_limit of \d+M\n$/,
    );
    const memoryLimit = /memory_limit of (\d+M)/.exec(stderr)?.[1] ?? '';
    const store = join(dirname(tree.spoolDir), 'store');
    const [imported] = await importSpool(tree.spoolDir, store, { memoryLimit });
    expect(imported).toMatchObject({ result: 'imported', formats: [{ id: meeting.id }] });
    const stored = imported?.formats[0]?.storedIn ?? '';
    expect(statSync(join(stored, 'audio.ogg')).size).toBe(large);
    expect(compareTrees(meeting.published('podcast'), stored)).toEqual([]);
  } finally {
    await unmount();
  }
});

it('refuses a file of one byte more before it writes anything, and names the limit', async () => {
  const tree = createTree({ formats: ['podcast'] });
  const meeting = tree.addMeeting({ formats: ['podcast'] });
  const file = join(meeting.published('podcast'), 'audio.ogg');
  writeSparseFile(file, largest + 1);
  expectRefused(
    await tree.run(['-m', meeting.id]),
    65,
    `'${file}' has 4294966785 bytes`,
    "PILOS unpacks with PHP's PharData, which refuses files over 4294966784 bytes; make the file smaller",
  );
  expect(tree.spoolFiles()).toEqual([]);
  expect(readLedger(tree, meeting.id, 'podcast')).toMatchObject({
    state: 'failed',
    attempts: [{ exit_status: 65 }],
  });
  // Once the file is gone, the same call delivers.
  rmSync(file);
  expect((await tree.run(['-m', meeting.id])).status).toBe(0);
});
