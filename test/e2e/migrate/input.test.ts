/** `migrate` with what it cannot use: each is reported with its reason, and the rest is sent all the same. */
import { chmodSync, cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { allOf, importAll, migrate, statesOf, writeIds } from '../../support/bbb/migration.ts';
import { useBbbTrees } from '../../support/bbb/use-bbb-trees.ts';
import { expectRefused } from '../../support/program/expect-refused.ts';
import { runOrThrow } from '../../support/program/run-program.ts';
import { createBbbUser, removeUser } from '../../support/program/users.ts';

const createTree = useBbbTrees();
const origin = ['--origin', 'Greenlight'];

/** A server with one recording of Greenlight that is in order. */
function createServer() {
  const tree = createTree();
  return { tree, good: tree.addMeeting({ origin: 'Greenlight' }) };
}

it.each([
  { args: [], said: ['nothing says which recordings to migrate', '--origin Greenlight'] },
  { args: ['--since', '7d'], said: ['nothing says which recordings'] },
  { args: ['--meeting-ids', '/nonexistent/ids'], said: ["--meeting-ids '/nonexistent/ids' does not exist"] },
  { args: ['--meeting-ids', '/dev'], said: ["--meeting-ids '/dev' is a directory"] },
  { args: ['--meeting-ids', '/dev/null'], said: ["--meeting-ids '/dev/null' has no ids"] },
  { args: [...origin, '--sub-dir', '../x'], said: ["--sub-dir '../x' is not allowed"] },
  { args: [...origin, '--sub-dir', 'two'], said: ["--sub-dir 'two' is not allowed", 'allowed_sub_dirs'] },
  { args: [...origin, '--until', 'soon'], said: ["--until 'soon' is neither a span of time nor a date"] },
  { args: [...origin, '--patience', '1'], said: ["--patience '1' is not a span of time", '10s'] },
  { args: [...origin, '--max-waiting', '0'], said: ["argument '0' is invalid"] },
])('refuses $args with 64', async ({ args, said }) => {
  const tree = createTree({ subDirs: ['one', 'two'], pilos: { allowed_sub_dirs: ['one'] } });
  tree.addMeeting({ origin: 'Greenlight' });
  expectRefused(await tree.run(['migrate', '--no-wait', ...args]), 64, ...said);
  expect(tree.spoolFiles()).toEqual([]);
});

it('reports a --from that is no tree of recordings, and the one that was probably meant', async () => {
  const { tree } = createServer();
  const run = (directory: string) => tree.run(['migrate', '--no-wait', ...origin, '--from', directory]);
  const parent = join(tree.publishedDir, '..');
  expectRefused(await run('/nonexistent'), 66, "--from '/nonexistent' does not exist", 'mount it');
  expectRefused(await run(tree.pilosYml), 66, 'is not a directory');
  expectRefused(await run(parent), 64, `name that one: --from '${tree.publishedDir}'`);
  expectRefused(await run(join(tree.publishedDir, 'presentation')), 66, 'DIR/presentation/MEETING_ID');
});

it('says which PILOS is needed before it sends the first recording', async () => {
  const { tree, good } = createServer();
  const { status, stdout, stderr } = await tree.run(['migrate', '--no-wait', ...origin]);
  expect(status).toBe(0);
  const said = `${stderr}${stdout}`;
  expect(said).toMatch(/PILOS must know the meetings.* since early 2026 \(pull request 3034\)/);
  expect(said.indexOf('early 2026')).toBeLessThan(said.indexOf(good.id));
});

it('says with 66 that nothing fits, and which origins there are', async () => {
  const { tree } = createServer();
  tree.addMeeting({ origin: 'Ro\u001bom\n' });
  tree.addMeeting();
  const { status, stderr } = await tree.run(['migrate', '--no-wait', '--origin', 'Grenlight']);
  expect(status).toBe(66);
  expect(stderr).toContain('what there is: origin ');
  for (const part of ['Greenlight 1', 'Ro\\x1bom 1', "1 are PILOS' own"]) expect(stderr).toContain(part);
});

it('reports which recordings cannot be packed and why, sends the others, and exits with 65', async () => {
  const { tree, good } = createServer();
  const add = () => tree.addMeeting({ origin: 'Greenlight' });
  const [without, broken, renamed, nameless] = [add(), add(), add(), add()];
  const metadata = ({ published }: typeof good) => join(published('presentation'), 'metadata.xml');
  rmSync(metadata(without));
  writeFileSync(metadata(broken), '<recording><meta>');
  const otherId = `${'0'.repeat(40)}-1712758751753`;
  await runOrThrow('mv', [
    renamed.published('presentation'),
    join(tree.publishedDir, 'presentation', otherId),
  ]);
  await runOrThrow('sed', ['-i', 's,<meetingId>.*</meetingId>,,', metadata(nameless)]);
  const link = tree.addMeeting({ origin: 'Greenlight' });
  await runOrThrow('ln', ['-s', '/etc/passwd', join(link.published('presentation'), 'passwd')]);
  const { status, stdout, stderr } = await tree.run(['migrate', '--no-wait', ...origin]);
  expect(status).toBe(65);
  for (const said of [
    `${without.id}-presentation.tar: ${metadata(without)} does not exist: restore it from a backup`,
    `${broken.id}-presentation.tar: ${metadata(broken)} is not well-formed XML`,
    `${otherId}-presentation.tar: `,
    `has the id '${renamed.id}', and the directory has another name: PILOS would import it`,
    `${metadata(nameless)} has no meetingId in its <meta>: PILOS would find no room for it`,
    `leads out of the recording, to '/etc/passwd'`,
  ]) {
    expect(stderr).toContain(said);
    // The report has the reasons once more, each beside its recording.
    expect(stdout).toContain(said.replace(/^\S+\.tar: /, ''));
  }
  expect(stdout).toMatch(/\nsent +1 .*\ncannot be packed +5\n/);
  expect(await importAll(tree, [good])).toEqual(allOf([good]));
});

it('never sends one of two directories that differ, and one of two that are the same', async () => {
  const { tree, good } = createServer();
  const twice = tree.addMeeting({ origin: 'Greenlight' });
  const copy = join(tree.root, 'copy');
  await runOrThrow('cp', ['--archive', tree.publishedDir, copy]);
  writeFileSync(join(copy, 'presentation', twice.id, 'shapes.svg'), '<svg/>');
  const from = ['--from', tree.publishedDir, '--from', copy];
  const report = await migrate(tree, ...from, ...origin);
  expect(report.exit_status).toBe(65);
  const states = Object.fromEntries(report.results.map(({ record_id, state }) => [record_id, state]));
  expect(states).toEqual({ [good.id]: 'delivered', [twice.id]: 'cannot_be_packed' });
  const places = `${twice.published('presentation')} and in ${copy}/presentation/${twice.id}`;
  expect(report.results.find(({ record_id }) => record_id === twice.id)).toMatchObject({
    error: { message: expect.stringContaining(`it lies in ${places}`) },
  });
  expect(tree.spoolFiles()).toEqual([`${good.id}-presentation.tar`]);
});

it('lists every unknown id with --json, and the first ones otherwise', async () => {
  const { tree, good } = createServer();
  const unknown = Array.from({ length: 30 }, (_, index) => `room ${index}`);
  const ids = writeIds(tree, [good.externalId, ...unknown].join('\n'));
  const { stdout } = await tree.run(['migrate', '--no-wait', '--meeting-ids', ids]);
  expect(stdout).toContain('\n30 ids have no recording here:\n  room 0\n');
  expect(stdout).toContain('\n  room 19\n  and 10 more, which --verbose and --json list\n');
  expect((await migrate(tree, '--meeting-ids', ids)).unknown_external_ids).toEqual(unknown);
});

it('waits for BBB while it still publishes a recording, and says so with 75', async () => {
  const { tree, good } = createServer();
  rmSync(join(tree.recordingDir, 'status/published', `${good.id}-presentation.done`));
  const report = await migrate(tree, ...origin);
  expect(report.results[0]).toMatchObject({
    error: { message: 'BBB is still publishing it', fix: 'run the same command again when that is done' },
  });
  expect({ files: tree.spoolFiles(), status: report.exit_status }).toEqual({ files: [], status: 75 });
});

it('says with 77 what the user bigbluebutton may not read, and writes no file as root', async () => {
  const user = await createBbbUser();
  try {
    const { tree } = createServer();
    const good = tree.addMeeting({ origin: 'Greenlight' });
    tree.giveTo(user);
    chmodSync(tree.spoolDir, 0o777);
    const closed = join(tree.root, 'closed');
    mkdirSync(closed, { mode: 0o700 });
    cpSync(join(tree.publishedDir, 'presentation'), join(closed, 'presentation'), { recursive: true });
    const refused = await tree.run(['migrate', '--no-wait', ...origin, '--from', closed]);
    expectRefused(refused, 77, `cannot read --from '${closed}'`, 'give the user bigbluebutton access to it');
    // The file of ids is the admin's: it is read before root becomes that user.
    const ids = writeIds(tree, good.externalId);
    chmodSync(ids, 0o600);
    chmodSync(good.published('presentation'), 0);
    const { status, stderr } = await tree.run(['migrate', '--no-wait', '--meeting-ids', ids]);
    expect(status).toBe(77);
    expect(stderr).toContain(`cannot read ${good.published('presentation')}/metadata.xml: permission denied`);
    chmodSync(good.published('presentation'), 0o755);
    expect(statesOf(await migrate(tree, '--meeting-ids', ids))).toEqual([
      `${good.id}-presentation delivered`,
    ]);
    const owners = await runOrThrow('find', [tree.workDir, '!', '-user', user.name]);
    expect(owners.stdout).toBe('');
  } finally {
    await removeUser(user);
  }
});
