/** `migrate` and what PILOS makes of it: who may see a recording, whose it is, and what was refused. */
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { BbbTree } from '../../support/bbb/bbb-tree.ts';
import type { Meeting } from '../../support/bbb/meeting.ts';
import { migrate, statesOf } from '../../support/bbb/migration.ts';
import { useBbbTrees } from '../../support/bbb/use-bbb-trees.ts';
import { diffSnapshots, snapshotTree } from '../../support/files/snapshot-tree.ts';
import { createPilos } from '../../support/pilos/pilos.ts';

const createTree = useBbbTrees();
const origin = ['--origin', 'Greenlight'];
const greenlight = { origin: 'Greenlight', formats: ['podcast'] };

/** A PILOS that imports `public/`, too; it knows these meetings, any by default. */
function createImporter(tree: BbbTree, meetings?: string[]) {
  mkdirSync(join(tree.spoolDir, 'public'), { recursive: true });
  return createPilos({
    spool: tree.spoolDir,
    store: join(tree.root, 'pilos'),
    ...(meetings && { meetings }),
  });
}

/** As if the front end or BBB had written other metadata. */
function rewriteMetadata(meeting: Meeting, from: string | RegExp, to: string): void {
  const file = join(meeting.published('podcast'), 'metadata.xml');
  const text = readFileSync(file, 'utf8');
  expect(text.search(from)).toBeGreaterThan(0);
  writeFileSync(file, text.replace(from, to));
}

const accessOf = (pilos: Awaited<ReturnType<typeof createPilos>>, { id }: Meeting) =>
  pilos.format(id, 'podcast')?.access;

it('lets everyone see with --public what was not hidden', async () => {
  const tree = createTree({ formats: ['podcast'] });
  const pilos = await createImporter(tree);
  const [shown, hidden] = [tree.addMeeting(greenlight), tree.addMeeting(greenlight)];
  rewriteMetadata(hidden, '<state>published</state>', '<state>\n  unpublished</state>');
  const report = await migrate(tree, ...origin, '--public');
  expect(report.results.map((one) => [one.record_id, one.published, one.public]).sort()).toEqual(
    [
      [shown.id, true, true],
      [hidden.id, false, false],
    ].sort(),
  );
  await pilos.importOnce();
  expect([accessOf(pilos, shown), accessOf(pilos, hidden)]).toEqual(['everyone', 'owner']);
});

it('lets everyone see with --public-when what its front end had listed', async () => {
  const tree = createTree({ formats: ['podcast'] });
  const pilos = await createImporter(tree);
  const [listed, broken, other] = [1, 2, 3].map(() => tree.addMeeting(greenlight)) as [
    Meeting,
    Meeting,
    Meeting,
  ];
  rewriteMetadata(listed, '<meta>', '<meta><gl-listed>true</gl-listed>');
  rewriteMetadata(broken, '<meta>', '<meta><gl-listed>\n      true\n    </gl-listed>');
  rewriteMetadata(other, '<meta>', '<meta><gl-listed>false</gl-listed>');
  await migrate(tree, ...origin, '--public-when', 'gl-listed=true');
  await pilos.importOnce();
  expect([listed, broken, other].map((one) => accessOf(pilos, one))).toEqual([
    'everyone',
    'everyone',
    'owner',
  ]);
});

it('says that public/ is missing before it sends anything', async () => {
  const tree = createTree({ formats: ['podcast'] });
  tree.addMeeting(greenlight);
  const { status, stderr } = await tree.run(['migrate', '--no-wait', ...origin, '--public']);
  expect(status).toBe(73);
  expect(stderr).toContain(`${tree.spoolDir}/public does not exist`);
  expect(tree.spoolFiles()).toEqual([]);
});

it('files each under the meeting that --map names, and leaves the source as it is', async () => {
  const tree = createTree({ formats: ['podcast'] });
  const pilos = await createImporter(tree, ['room-1', 'room-2']);
  const balanced = tree.addMeeting({ ...greenlight, externalId: 'b3scale-1' });
  const spaced = tree.addMeeting({ ...greenlight, externalId: 'b3scale-2' });
  rewriteMetadata(spaced, '>b3scale-2<', '>\n      b3scale-2\n    <');
  tree.addMeeting({ ...greenlight, externalId: 'b3scale-3' });
  const before = snapshotTree(tree.publishedDir);
  const map = join(tree.root, 'map.txt');
  writeFileSync(map, '# b3scale, Greenlight\nb3scale-1 room-1\nb3scale-2\troom-2\n');
  const report = await migrate(tree, '--map', map);
  expect(report.results.map((one) => one.external_id).sort()).toEqual(['room-1', 'room-2']);
  await pilos.importOnce();
  expect(pilos.format(balanced.id, 'podcast')).toMatchObject({ meetingId: 'room-1', isPlayable: true });
  expect(pilos.format(spaced.id, 'podcast')).toMatchObject({ meetingId: 'room-2', isPlayable: true });
  expect(diffSnapshots(before, snapshotTree(tree.publishedDir))).toEqual([]);
  // Either id selects.
  const ids = join(tree.root, 'ids.txt');
  writeFileSync(ids, 'b3scale-1\nroom-2\n');
  const again = await migrate(tree, '--map', map, '--meeting-ids', ids);
  expect(statesOf(again).sort()).toEqual(
    [balanced, spaced].map(({ id }) => `${id}-podcast unchanged`).sort(),
  );
  expect(again.unknown_external_ids).toEqual([]);
});

it('lists what PILOS has refused, and sends it again with --refused, and nothing else', async () => {
  const tree = createTree({ formats: ['podcast'] });
  const pilos = await createImporter(tree, ['known']);
  const good = tree.addMeeting({ ...greenlight, externalId: 'known' });
  const bad = tree.addMeeting({ ...greenlight, externalId: 'unknown' });
  const first = await migrate(tree, ...origin);
  expect(first.results.map((one) => 'import_state' in one && one.import_state)).toEqual([
    'delivered',
    'delivered',
  ]);
  await pilos.importOnce();
  const second = await migrate(tree, ...origin);
  expect(statesOf(second).sort()).toEqual(
    [`${good.id}-podcast unchanged`, `${bad.id}-podcast refused`].sort(),
  );
  expect(second.exit_status).toBe(65);
  const { stdout } = await tree.run(['migrate', '--no-wait', ...origin]);
  expect(stdout).toMatch(/PILOS has refused .*migrate --refused/s);
  expect(stdout).toMatch(/\nrefused by PILOS +1\n/);

  await pilos.knows('unknown');
  const third = await migrate(tree, ...origin, '--refused');
  expect(statesOf(third).sort()).toEqual(
    [`${good.id}-podcast unchanged`, `${bad.id}-podcast delivered`].sort(),
  );
  await pilos.importOnce();
  expect(pilos.format(bad.id, 'podcast')).toMatchObject({ isPlayable: true });
  expect(
    statesOf(await migrate(tree, ...origin, '--refused')).every((one) => one.endsWith('unchanged')),
  ).toBe(true);
});

it('takes an unpublished/ without recordings beside a published/ that has some', async () => {
  const tree = createTree({ formats: ['podcast'] });
  const meeting = tree.addMeeting(greenlight);
  const unpublished = join(tree.publishedDir, '../unpublished');
  const trees = ['--from', tree.publishedDir, '--from', unpublished];
  mkdirSync(unpublished, { recursive: true });
  expect(statesOf(await migrate(tree, ...origin, ...trees))).toEqual([`${meeting.id}-podcast delivered`]);
  cpSync(join(tree.publishedDir, 'podcast'), join(unpublished, 'podcast'), { recursive: true });
  rmSync(join(unpublished, 'podcast', meeting.id), { recursive: true });
  expect(statesOf(await migrate(tree, ...origin, ...trees))).toEqual([`${meeting.id}-podcast unchanged`]);
});

it('does not send what PILOS could not import or would file elsewhere', async () => {
  const tree = createTree({ formats: ['podcast'] });
  const [noLink, otherFormat] = [tree.addMeeting(greenlight), tree.addMeeting(greenlight)];
  rewriteMetadata(noLink, /<link>.*<\/link>/, '<link>https://bbb.example.org</link>');
  rewriteMetadata(otherFormat, '<format>podcast<', '<format>video<');
  const { results, exit_status } = await migrate(tree, ...origin);
  const codes = results.map((one) => 'error' in one && one.error.code);
  expect(codes.sort()).toEqual(['metadata_format_mismatch', 'metadata_link_without_path']);
  expect(exit_status).toBe(65);
  expect(tree.spoolFiles()).toEqual([]);
});
