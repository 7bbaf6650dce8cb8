/** The support itself: each helper finds what it is there to find, or the tests that stand on it prove nothing. */
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type BbbTree, createBbbTree } from '../../support/bbb/bbb-tree.ts';
import { runWorker } from '../../support/bbb/worker.ts';
import { writeAwkwardFiles } from '../../support/files/awkward-names.ts';
import { compareTrees } from '../../support/files/compare-trees.ts';
import { diffSnapshots, snapshotTree } from '../../support/files/snapshot-tree.ts';
import { startObserver } from '../../support/program/observer.ts';
import { runOrThrow } from '../../support/program/run-program.ts';

const patient = { timeout: 120_000 };
let directory: string;
let tree: BbbTree;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'support-test-'));
  tree = createBbbTree({ seed: 'support' });
});

afterEach(() => {
  tree.remove();
  rmSync(directory, { recursive: true, force: true });
});

/** A directory with one small file, `<directory>/source/metadata.xml`, and what else the test puts there. */
function makeSource(): string {
  const source = join(directory, 'source');
  mkdirSync(source);
  writeFileSync(join(source, 'metadata.xml'), '<recording><id>1</id></recording>');
  return source;
}

/** `tar` of `source`, written by GNU tar into the spool under the name `archive.tar`. */
async function pack(...options: string[]): Promise<string> {
  const archive = join(tree.spoolDir, 'archive.tar');
  await runOrThrow('tar', ['--create', ...options, '--file', archive, '--directory', directory, 'source']);
  return archive;
}

describe('a BBB tree', () => {
  it('gives the same ids for the same seed, in the form that BBB gives them', () => {
    const again = createBbbTree({ seed: 'support' });
    const ids = [tree.addMeeting().id, tree.addMeeting().id];
    expect([again.addMeeting().id, again.addMeeting().id]).toEqual(ids);
    again.remove();
    expect(ids[0]).not.toBe(ids[1]);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{40}-\d{13}$/);
  });

  it('publishes each segment of a meeting on its own, and has paths of more than 100 bytes as BBB', () => {
    const { id, published } = tree.addMeeting({ segments: [1712758000000, 1712759000000] });
    const names = readdirSync(join(tree.publishedDir, 'presentation'));
    expect(names).toEqual([`${id}-1712758000000`, `${id}-1712759000000`]);
    const files = readdirSync(published('presentation'), { recursive: true, encoding: 'utf8' });
    expect(Math.max(...files.map((path) => `${id}/${path}`.length))).toBeGreaterThan(100);
  });

  it('writes an events.xml of any size with the metadata at its head', () => {
    const { eventsFile } = tree.addMeeting({ subDir: 'instance1', eventsSize: 500_000 });
    expect(statSync(eventsFile).size).toBeGreaterThanOrEqual(500_000);
    expect(readFileSync(eventsFile, 'utf8').slice(0, 1000)).toContain('pilos-sub-spool-dir="instance1"/>');
  });
});

describe('comparing trees', () => {
  it('finds nothing between a tree and its copy, whatever the names', patient, () => {
    const source = makeSource();
    writeAwkwardFiles(source);
    cpSync(source, join(directory, 'copy'), { recursive: true, dereference: true });
    // Node's own copy loses names that are not UTF-8; exactly these are missed.
    const differences = compareTrees(source, join(directory, 'copy'));
    expect(differences.filter(({ path }) => !path.startsWith('bytes:'))).toEqual([]);
  });

  it('finds a flipped byte, an empty directory too few, a file too many and a link that became empty', () => {
    const source = makeSource();
    mkdirSync(join(source, 'empty'));
    writeFileSync(join(source, 'big'), Buffer.alloc(9_000_000));
    symlinkSync('metadata.xml', join(source, 'link'));
    const copy = join(directory, 'copy');
    mkdirSync(copy);
    copyFileSync(join(source, 'metadata.xml'), join(copy, 'metadata.xml'));
    const flipped = Buffer.alloc(9_000_000);
    flipped[8_999_999] = 1;
    writeFileSync(join(copy, 'big'), flipped);
    for (const name of ['link', 'extra']) writeFileSync(join(copy, name), '');
    expect(compareTrees(source, copy)).toEqual([
      { path: 'big', kind: 'content' },
      { path: 'empty', kind: 'missing' },
      { path: 'link', kind: 'content' },
      { path: 'extra', kind: 'extra' },
    ]);
  });

  it('sees in two snapshots what was created, deleted, changed or merely touched', () => {
    const source = makeSource();
    for (const name of ['deleted', 'rewritten', 'kept']) writeFileSync(join(source, name), 'one');
    const before = snapshotTree(source);
    expect(diffSnapshots(before, snapshotTree(source))).toEqual([]);
    rmSync(join(source, 'deleted'));
    writeFileSync(join(source, 'rewritten'), 'two');
    writeFileSync(join(source, 'created'), '');
    const lines = diffSnapshots(before, snapshotTree(source));
    expect(lines.filter((line) => !/mtimeNs|^changed \.:/.test(line))).toEqual([
      expect.stringMatching(/^changed rewritten: content /),
      'created created',
      'deleted deleted',
    ]);
    expect(lines.some((line) => line.startsWith('changed rewritten: mtimeNs'))).toBe(true);
  });
});

describe('the observer', () => {
  it(
    'reports an archive that was partial for a moment, and one that appeared complete as seen',
    patient,
    async () => {
      makeSource();
      const archive = await pack('--format=gnu');
      const whole = readFileSync(archive);
      renameSync(archive, join(directory, 'whole'));
      const observer = await startObserver(tree.spoolDir);
      writeFileSync(archive, whole.subarray(0, 700));
      await new Promise((resolve) => setTimeout(resolve, 300));
      renameSync(join(directory, 'whole'), join(tree.spoolDir, 'renamed.tar'));
      const { seen, partial, polls } = await observer.stop();
      expect(polls).toBeGreaterThan(10);
      expect(seen).toEqual([{ name: 'renamed.tar', size: whole.length }]);
      expect(partial[0]).toMatchObject({ name: 'archive.tar' });
    },
  );

  it('counts an archive once that is replaced while it is looked at', patient, async () => {
    makeSource();
    const whole = readFileSync(await pack('--format=gnu'));
    const observer = await startObserver(tree.spoolDir);
    const replacements = 1000;
    for (let made = 0; made < replacements; made += 1) {
      // Blocks behind the archive's end: each of them has a size of its own.
      writeFileSync(join(directory, 'next'), Buffer.concat([whole, Buffer.alloc(512 * (made + 1))]));
      renameSync(join(directory, 'next'), join(tree.spoolDir, 'archive.tar'));
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    const { seen, partial } = await observer.stop();
    expect(partial).toEqual([]);
    const sizes = seen.map(({ size }) => size);
    // Under load it may miss some, but it sees none twice, and no more than there were.
    expect(sizes).toEqual([...new Set(sizes)]);
    expect(seen.length).toBeGreaterThan(1);
    expect(seen.length).toBeLessThanOrEqual(replacements + 1);
  });

  it('takes complete archives away like an importer when asked to', patient, async () => {
    makeSource();
    await pack('--format=gnu');
    const observer = await startObserver(tree.spoolDir, { take: true });
    const { seen, partial } = await observer.stop();
    expect({ seen: seen.length, partial, left: tree.spoolFiles() }).toEqual({
      seen: 1,
      partial: [],
      left: [],
    });
  });
});

describe("BBB's worker", () => {
  it('runs only *.rb, sorted, with -m and -f, and logs what a failing script said', patient, async () => {
    const scripts = {
      'b.rb': '$stdout.sync = true; puts ARGV.join(" "); warn "second"; exit 3',
      'a.rb': 'puts ENV.keys.sort.join(",")',
      c: 'exit',
    };
    for (const [name, text] of Object.entries(scripts)) writeFileSync(join(tree.postPublishDir, name), text);
    const { scripts: ran, failure, log } = await runWorker(tree, 'the-id', 'presentation');
    expect(ran).toEqual([
      { script: 'a', exitStatus: 0, succeeded: true },
      { script: 'b', exitStatus: 3, succeeded: false },
    ]);
    expect(failure).toBeNull();
    expect(log).toMatch(/INFO -- : HOME,LANG,PATH,PILOS_POST_PUBLISH_BBB_CONFIG,PILOS_POST_PUBLISH_CONFIG\n/);
    expect(log).toMatch(/INFO -- : -m the-id -f presentation\n.*INFO -- : second\n/);
    expect(log).toMatch(/WARN -- : Post publish script \S+b\.rb\/b failed\n/);
  });

  it('fails as a whole when a signal ends a script, so that later scripts do not run', patient, async () => {
    writeFileSync(join(tree.postPublishDir, 'a.rb'), 'Process.kill(:KILL, $$)');
    writeFileSync(join(tree.postPublishDir, 'b.rb'), '');
    const { scripts, failure } = await runWorker(tree, 'the-id', 'presentation');
    expect(scripts).toEqual([{ script: 'a', exitStatus: null, succeeded: false }]);
    expect(failure).toMatch(/^NoMethodError/);
  });
});
