/** `status` as an admin sees it: on terminals of two widths, in a pipe, as JSON, as root. */
import { appendFileSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { RecordingStatus } from '../../../hook/status/status.ts';
import type { BbbTree } from '../../support/bbb/bbb-tree.ts';
import { useBbbTrees } from '../../support/bbb/use-bbb-trees.ts';
import { expectRefused } from '../../support/program/expect-refused.ts';
import { columnsOf, runOnTerminal, withoutEscapes } from '../../support/program/terminal.ts';
import { failFormat, ledgerFile } from '../../support/program/traces.ts';
import { createBbbUser, removeUser, type TestUser } from '../../support/program/users.ts';

const createTree = useBbbTrees();
const users: TestUser[] = [];
afterEach(async () => {
  for (const user of users.splice(0)) await removeUser(user);
});

const formats = ['presentation', 'video'];
const hostileNames = [
  'two\nlines\r\nand more',
  '\x1b[31mred\x1b[2J\x1b]0;title\x07',
  'turned \u202E around \u2066',
  '高等数学、線形代数学入門、確率論と統計学の基礎、微分方程式'.repeat(3),
  '🎓👩‍🏫🇩🇪'.repeat(30),
  `${'e\u0301'.repeat(100)}`,
  'x'.repeat(500),
];

interface Report {
  ran_as: string;
  recordings: RecordingStatus[];
}

async function readReport(tree: BbbTree, ...args: string[]): Promise<Report> {
  const { status, stdout, stderr } = await tree.run(['status', '--json', ...args]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return JSON.parse(stdout) as Report;
}

/** Recordings in every state, with names that try to break the table. */
async function createHostileTree(): Promise<BbbTree> {
  const tree = createTree({ formats });
  for (const name of hostileNames) tree.addMeeting({ formats, name });
  const failing = tree.addMeeting({ formats, name: 'Failing', subDir: 'missing' });
  const delivered = tree.addMeeting({ formats: ['presentation'], name: 'Delivered' });
  failFormat(tree, delivered.id, 'video');
  tree.addMeeting({ formats: [], name: 'In the works' });
  tree.addMeeting({ formats: ['presentation'], name: 'Segments', segments: [1712758760000, 1712758770000] });
  tree.addMeeting({ formats, name: 'Not for PILOS', origin: 'Greenlight' });
  expect((await tree.run(['-m', delivered.id])).status).toBe(0);
  expect((await tree.run(['-m', failing.id])).status).toBe(73);
  return tree;
}

describe('the table', () => {
  it.each([80, 200])('is no wider than a terminal of %d columns, in colours', async (columns) => {
    const tree = await createHostileTree();
    const { status, stdout } = await runOnTerminal(tree, ['status'], { columns });
    expect(status).toBe(0);
    const lines = withoutEscapes(stdout).trimEnd().split('\n');
    // Eleven recordings below a heading, of three lines or one each; then the three of the summary.
    expect(lines).toHaveLength((1 + 11) * (columns === 80 ? 3 : 1) + 3);
    for (const width of await columnsOf(lines)) expect(width).toBeLessThanOrEqual(columns);
    expect(withoutEscapes(stdout)).not.toMatch(/[^\P{Cc}\n]|\p{Cf}/u);
    expect(stdout).toContain('\x1b[31m');
    expect(stdout).toContain('\x1b[36mpresentation delivered\x1b[39m');
    expect(stdout).not.toContain('Not for PILOS');
  });

  it('has no colours on a terminal with NO_COLOR', async () => {
    const tree = await createHostileTree();
    const { stdout } = await runOnTerminal(tree, ['status'], { columns: 200, env: { NO_COLOR: '1' } });
    expect(stdout).toContain('presentation delivered');
    expect(stdout).not.toContain('\x1b');
  });

  it('cuts nothing in a pipe and has no escape in it', async () => {
    const tree = await createHostileTree();
    const { stdout, stderr, status } = await tree.run(['status']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).not.toMatch(/[^\P{Cc}\n]|\p{Cf}/u);
    expect(stdout).not.toContain('…');
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(1 + 11 + 3);
    for (const name of ['x'.repeat(500), 'two\\x0alines\\x0d\\x0aand more', 'e\u0301'.repeat(100)])
      expect(stdout).toContain(`  ${name}  `);
    expect(stdout).toMatch(
      / {2}Failing .* {2}presentation failed, video failed: the spool \S+ \S+\/missing does not exist: /,
    );
    expect(stdout).toMatch(/ {2}Delivered .* presentation delivered, video failed in BBB\n/);
    expect(stdout).toMatch(/ {2}In the works .* presentation processing, video processing\n/);
    expect(stdout).toMatch(/ {2}Segments .* presentation \(1712758760000\) waiting, /);
    expect(lines.slice(-2)).toEqual([
      expect.stringMatching(
        /^formats: (?=.*1 delivered)(?=.*16 waiting)(?=.*4 processing)(?=.*1 failed in BBB)/,
      ),
      "needs you: 2 failed; see 'pilos-post-publish status -m ID'",
    ]);
  });

  it('ends quietly when nobody reads on', async () => {
    const tree = await createHostileTree();
    const running = tree.start(['status']);
    running.child.stdout.destroy();
    expect(await running.result).toMatchObject({ status: 0, stderr: '' });
  });

  it('says so when there is nothing', async () => {
    expect((await createTree().run(['status'])).stdout).toMatch(/^0 recordings, read as user \S+\n$/);
  });
});

describe('what is asked for', () => {
  it('is the failed, the missing, or what began since then', async () => {
    const tree = createTree();
    const meetings = [1, 2, 3].map((day) => tree.addMeeting({ id: `m${day}-${Date.UTC(2026, 0, day)}` }));
    const [delivered, failed, waiting] = meetings.map(({ id }) => id) as [string, string, string];
    expect((await tree.run(['-m', delivered])).status).toBe(0);
    rmSync(join(tree.spoolDir, `${delivered}-presentation.tar`));
    expect((await tree.run(['-m', delivered])).stdout).toContain('PILOS has imported');
    rmSync(tree.spoolDir, { recursive: true });
    expect((await tree.run(['-m', failed])).status).toBe(73);
    const ids = async (...args: string[]) =>
      (await readReport(tree, ...args)).recordings.map((one) => one.meeting_id);
    expect(await ids()).toEqual([waiting, failed, delivered]);
    expect(await ids('--failed')).toEqual([failed]);
    expect(await ids('--missing')).toEqual([waiting, failed]);
    expect(await ids('--since', '2026-01-02')).toEqual([waiting, failed]);
    expect(await ids('--since', '2026-01-02', '--failed')).toEqual([failed]);
    expectRefused(await tree.run(['status', '--since', 'tomorrow']), 64, "--since 'tomorrow'", '2026-01-31');
  });

  it('is everything about one meeting: each attempt, where it went, and why not', async () => {
    const tree = createTree({ formats });
    const { id, name } = tree.addMeeting({ formats, subDir: 'later', name: 'Algebra' });
    tree.addMeeting({ name: 'Another' });
    expect((await tree.run(['-m', id])).status).toBe(73);
    const missing = await tree.run(['status', '-m', id]);
    expect(missing.stdout).toMatch(
      /\n {2}video failed since [^\n]+\n {4}the spool directory \S+\/later does not exist\n {4}fix: [^\n]+\n {4}[\d-]{10} [\d:]{5} {2}failed after 0 s: /,
    );
    await tree.run(['-m', id]);
    const [recording] = (await readReport(tree, '-m', id)).recordings;
    expect(recording?.formats.map((format) => format.attempts.length)).toEqual([2, 2]);
    const { stdout } = await runOnTerminal(tree, ['status', '-m', id], { columns: 80 });
    expect(withoutEscapes(stdout)).toContain(`${name}\n  meeting id    ${id}\n`);
    expect(stdout).not.toContain('Another');
  });

  it('is found in the ledger when the local copy was deleted', async () => {
    const tree = createTree();
    const { id, published } = tree.addMeeting({ eventsXml: false });
    expect((await tree.run(['-m', id])).status).toBe(0);
    rmSync(published('presentation'), { recursive: true });
    const { stdout, status } = await tree.run(['status', '-m', id]);
    expect(status).toBe(0);
    expect(stdout).toContain('  local copy    deleted');
    expect(stdout).toMatch(/presentation delivered since \S+ \S+ \(local copy deleted\)/);
    expect(stdout).toContain(`as ${id}-presentation.tar to ${tree.spoolDir}`);
  });

  it('is said to be unpublished when BBB has moved it there before it was sent', async () => {
    const tree = createTree();
    const { id, published } = tree.addMeeting();
    const unpublished = join(dirname(tree.publishedDir), 'unpublished');
    mkdirSync(join(unpublished, 'presentation'), { recursive: true });
    renameSync(published('presentation'), join(unpublished, 'presentation', id));
    expectRefused(
      await tree.run(['-m', id]),
      66,
      `BBB keeps its presentation in ${unpublished}`,
      'publishRecordings',
    );
    const { status, stdout } = await tree.run(['status', '-m', id]);
    expect({ status, stdout }).toEqual({
      status: 0,
      stdout: expect.stringContaining('presentation unpublished\n    BBB keeps its files'),
    });
  });

  it.each([
    ['is on no disk here', 'nobody-1712758751753'],
    ['is from another front end', undefined],
  ])('cannot be shown when it %s', async (_, id) => {
    const tree = createTree();
    const foreign = tree.addMeeting({ origin: 'Greenlight' });
    const result = await tree.run(['status', '-m', id ?? foreign.id]);
    expectRefused(result, 66, id ?? foreign.id, 'not from PILOS', 'bbb-record --list');
  });

  it('shows what a broken ledger still says, with nothing in it taken for granted', async () => {
    const tree = createTree();
    const { id } = tree.addMeeting({ subDir: 'missing' });
    expect((await tree.run(['-m', id])).status).toBe(73);
    appendFileSync(ledgerFile(tree, id, 'presentation'), 'half of ');
    expect((await tree.run(['status', '-m', id])).stdout).toContain('presentation waiting');
  });
});

it('says as whom it looked: as root it becomes the owner of published_dir', async () => {
  const tree = createTree();
  tree.addMeeting();
  const user = await createBbbUser();
  users.push(user);
  tree.giveTo(user);
  expect((await readReport(tree)).ran_as).toBe(user.name);
  expect((await tree.run(['status'])).stdout).toContain(
    `\n1 recording, read as user ${user.name}\nformats: 1 waiting\n`,
  );
});
