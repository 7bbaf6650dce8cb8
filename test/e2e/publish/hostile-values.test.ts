/** Whatever stands in the place of a meeting id, a format or a sub directory: refused, with nothing written. */
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LedgerEntry } from '../../../hook/delivery/ledger-entry.ts';
import type { DeliveryResult } from '../../../hook/delivery/result.ts';
import {
  type HostileValue,
  hostileNames,
  hostileValues,
  overlongFormat,
  overlongMeetingId,
  overlongSubDir,
} from '../../fixtures/hostile-values.ts';
import { type BbbTree, createBbbTree } from '../../support/bbb/bbb-tree.ts';
import { diffSnapshots, type Snapshot, snapshotTree } from '../../support/files/snapshot-tree.ts';
import { expectRefused } from '../../support/program/expect-refused.ts';
import { oneOfEach } from '../../support/program/test-size.ts';
import { readLog, rubyLogLine } from '../../support/program/traces.ts';

/** Linux refuses arguments with a NUL in them, and longer ones. */
const argumentValues = [...hostileValues, ...hostileNames].filter(
  ({ value }) => !value.includes('\0') && value.length < 100_000,
);

/** In CI each place gets a tenth of the values, another one each; safe-path.test.ts tries all of them in all. */
function valuesFor(place: number, values: readonly HostileValue[]): HostileValue[] {
  return oneOfEach(10, values, place);
}

const subDirs = valuesFor(0, [...hostileValues, { what: 'one that is too long', value: overlongSubDir }]);

/** Log and ledger remember what was refused; they may change, the rest may not. */
const remembered =
  /^(?:created|changed) var\/(?:log\/bigbluebutton(?:\/post_publish\.log)?|bigbluebutton\/recording\/pilos(?:\/(?:ledger|tmp)(?:\/[\w.-]*)?)?)(?::|$)/;

function changesSince(before: Snapshot, tree: BbbTree): string[] {
  return diffSnapshots(before, snapshotTree(tree.root));
}

/** Every character as a reference to it, so that nothing but the value itself can be what is refused. */
function asReferences(value: string): string {
  // As many letters as the head of events.xml can hold.
  if (value.length > 100_000) return value;
  return Array.from(value, (character) => `&#${character.codePointAt(0)};`).join('');
}

function eventsXmlFor(value: string): string {
  return `<recording><metadata bbb-origin="PILOS" pilos-sub-spool-dir="${asReferences(value)}"/></recording>`;
}

/** One server for all values of a table: nothing that is refused may leave a trace for the next. */
function useOneTree(prepare: (tree: BbbTree) => void): () => BbbTree {
  let tree: BbbTree | undefined;
  beforeAll(() => {
    tree = createBbbTree({ subDirs: ['a/b'] });
    tree.installHook();
    prepare(tree);
  });
  afterAll(() => tree?.remove());
  return () => {
    if (tree === undefined) throw new Error('no tree');
    return tree;
  };
}

describe('as a meeting id', () => {
  const tree = useOneTree((server) => void server.addMeeting());
  const values = [...valuesFor(1, argumentValues), { what: 'one letter too many', value: overlongMeetingId }];

  it.each(values)('$what is refused with 64, with nothing written or logged', async ({ value }) => {
    const before = snapshotTree(tree().root);
    // With an equals sign, for a value that looks like an option of its own.
    expectRefused(
      await tree().run([`--meeting-id=${value}`, '-f', 'presentation']),
      64,
      /-m '.*is not a meeting id/,
    );
    expect(changesSince(before, tree())).toEqual([]);
  });
});

describe('as a format', () => {
  let id = '';
  const tree = useOneTree((server) => {
    id = server.addMeeting().id;
  });
  const values = [...valuesFor(2, argumentValues), { what: 'one letter too many', value: overlongFormat }];

  it.each(values)('$what is refused with 64, with nothing written or logged', async ({ value }) => {
    const before = snapshotTree(tree().root);
    expectRefused(await tree().run(['-m', id, `--format=${value}`]), 64, /-f '.*is not a format/);
    expect(changesSince(before, tree())).toEqual([]);
  });
});

describe('as a sub directory', () => {
  const tree = useOneTree(() => undefined);

  it.each(subDirs)('$what is refused with 65, in events.xml', async ({ value }) => {
    const eventsXml = eventsXmlFor(value);
    const { id } = tree().addMeeting({ formats: ['notes'], subDir: value, eventsXml });
    const before = snapshotTree(tree().root);
    expectRefused(await tree().run(['-m', id, '-f', 'notes']), 65, `${id}-notes.tar: `);
    expect(changesSince(before, tree()).filter((change) => !remembered.test(change))).toEqual([]);
  });

  it('is remembered in log and ledger without a control character, and without filling them', () => {
    const log = readLog(tree());
    expect(log).toHaveLength(subDirs.length);
    for (const line of log) expect(line).toMatch(rubyLogLine);
    const files = readdirSync(join(tree().workDir, 'ledger'));
    expect(files).toHaveLength(subDirs.length);
    for (const file of files) {
      const text = readFileSync(join(tree().workDir, 'ledger', file), 'utf8');
      expect(text.length).toBeLessThan(2500);
      const { attempts } = JSON.parse(text) as LedgerEntry;
      expect(attempts).toEqual([expect.objectContaining({ result: 'failed', exit_status: 65 })]);
      expect(JSON.stringify(attempts[0]?.error)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    }
  });
});

describe('as a sub directory in metadata.xml, where BBB has deleted events.xml', () => {
  let ids: string[] = [];
  const tree = useOneTree((server) => {
    const of = ({ value }: HostileValue) => ({
      subDir: value,
      eventsXml: false as const,
      formats: ['notes'],
    });
    ids = subDirs.map((hostile) => server.addMeeting(of(hostile)).id);
  });

  it('every value is refused with 65, with nothing written', async () => {
    const before = snapshotTree(tree().root);
    const { status, stdout } = await tree().run(['deliver', '--json']);
    expect(status).toBe(65);
    const { results } = JSON.parse(stdout) as { results: DeliveryResult[] };
    expect(results.map(({ record_id }) => record_id).sort()).toEqual(ids.sort());
    for (const result of results) expect(result).toMatchObject({ state: 'failed', exit_status: 65 });
    expect(changesSince(before, tree()).filter((change) => !remembered.test(change))).toEqual([]);
    for (const line of readLog(tree())) expect(line).toMatch(rubyLogLine);
  });
});

describe('a sub directory of a harmless name', () => {
  /** Where it leads, from the spool directory. */
  const places = {
    'out of the spool': {
      target: '../../outside',
      says: /leads out of the spool directory, to '\/.*\/outside': replace/,
    },
    'up and away': { target: '..', says: /leads out of the spool directory/ },
    'to a neighbour whose name begins alike': {
      target: '../pilos-spool-2',
      says: /leads out of the spool directory/,
    },
    'to the root': { target: '/', says: /leads out of the spool directory, to '\/'/ },
    nowhere: { target: 'nowhere', says: /does not exist: create it/ },
    'to itself': { target: 'link', says: /is a symbolic link that leads to itself: create it as PILOS/ },
    'to a file': { target: 'a-file', says: /a-file is not a directory: .* put a directory in its place/ },
  };

  it.each(Object.entries(places))(
    'is refused when it is a link that leads %s',
    async (_, { target, says }) => {
      const tree = createBbbTree({ subDirs: ['a/b'] });
      try {
        for (const place of ['outside', 'mnt/pilos-spool-2']) mkdirSync(join(tree.root, place));
        writeFileSync(join(tree.spoolDir, 'a-file'), '');
        symlinkSync(target, join(tree.spoolDir, 'link'));
        const plain = tree.addMeeting({ subDir: 'link' });
        tree.installHook();
        const before = snapshotTree(tree.root);
        expectRefused(await tree.run(['-m', plain.id]), 73, says);
        expect(changesSince(before, tree).filter((change) => !remembered.test(change))).toEqual([]);
      } finally {
        tree.remove();
      }
    },
  );

  it('is used when it is a link that stays within the spool', async () => {
    const tree = createBbbTree({ subDirs: ['a/b'] });
    try {
      symlinkSync('a/b', join(tree.spoolDir, 'link'));
      const { id } = tree.addMeeting({ subDir: 'link' });
      expect((await tree.run(['-m', id])).status).toBe(0);
      expect(readdirSync(join(tree.spoolDir, 'a/b'))).toEqual([`${id}-presentation.tar`]);
    } finally {
      tree.remove();
    }
  });

  it('is refused when allowed_sub_dirs does not list it, and used when it does', async () => {
    const tree = createBbbTree({ subDirs: ['a/b'], pilos: { allowed_sub_dirs: ['a/b'] } });
    try {
      const [allowed, other] = [tree.addMeeting({ subDir: 'a/b' }), tree.addMeeting({ subDir: 'a' })];
      expect((await tree.run(['-m', allowed.id])).status).toBe(0);
      expectRefused(await tree.run(['-m', other.id]), 65, "'a', but allowed_sub_dirs has only a/b: add it");
      expect(tree.spoolFiles()).toEqual([`a/b/${allowed.id}-presentation.tar`]);
    } finally {
      tree.remove();
    }
  });
});
