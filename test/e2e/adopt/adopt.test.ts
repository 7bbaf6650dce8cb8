/** `adopt`, after an upgrade from PILOS' script: what that has sent is not sent again, and not deleted either. */
import { existsSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Meeting } from '../../support/bbb/bbb-meeting.ts';
import { installBbbRecord } from '../../support/bbb/bbb-record.ts';
import type { BbbTree } from '../../support/bbb/bbb-tree.ts';
import { useBbbTrees } from '../../support/bbb/use-bbb-trees.ts';
import { diffSnapshots, snapshotTree } from '../../support/files/snapshot-tree.ts';
import { ledgerFile, readLedger } from '../../support/program/traces.ts';

const createTree = useBbbTrees();

/** What PILOS' script leaves after it has sent something of a meeting, so many seconds from now. */
function writeSenderDone(tree: BbbTree, { id }: Meeting, seconds: number): void {
  const file = join(tree.recordingDir, 'status/published', `${id}-sender.done`);
  writeFileSync(file, `Published ${id}`);
  utimesSync(file, Date.now() / 1000 + seconds, Date.now() / 1000 + seconds);
}

async function createUpgradedServer() {
  const tree = createTree();
  const sent = tree.addMeeting();
  const sentBeforeItsLastFormat = tree.addMeeting();
  const neverSent = tree.addMeeting();
  const foreign = tree.addMeeting({ origin: 'Greenlight' });
  for (const meeting of [sent, foreign]) writeSenderDone(tree, meeting, 60);
  writeSenderDone(tree, sentBeforeItsLastFormat, -3600);
  return { tree, sent, sentBeforeItsLastFormat, neverSent, foreign };
}

it('keeps resend from sending the history of the server, and loses nothing that was not sent', async () => {
  const { tree, sent, sentBeforeItsLastFormat, neverSent } = await createUpgradedServer();
  const adopted = await tree.run(['adopt', '--json']);
  expect(adopted.status).toBe(0);
  expect(JSON.parse(adopted.stdout)).toEqual({ adopted: [`${sent.id}-presentation.tar`], exit_status: 0 });
  expect((await tree.run(['resend'])).status).toBe(0);
  const archives = [sentBeforeItsLastFormat, neverSent].map(({ id }) => `${id}-presentation.tar`);
  expect(tree.spoolFiles().toSorted()).toEqual(archives.toSorted());
  expect(existsSync(join(tree.recordingDir, 'status/published', `${sent.id}-sender.done`))).toBe(true);
});

it('leaves alone what the ledger knows, and does nothing the second time', async () => {
  const { tree, sent } = await createUpgradedServer();
  expect((await tree.run(['-m', sent.id])).status).toBe(0);
  const before = readLedger(tree, sent.id, 'presentation');
  for (let time = 0; time < 2; time += 1) {
    const { stdout } = await tree.run(['adopt']);
    expect(stdout).toContain('0 formats noted');
  }
  expect(readLedger(tree, sent.id, 'presentation')).toEqual(before);
});

it('is delivered again by hand, and when BBB publishes it again', async () => {
  const { tree, sent } = await createUpgradedServer();
  await tree.run(['adopt']);
  const later = Date.now() / 1000 + 10;
  utimesSync(join(sent.published('presentation'), 'metadata.xml'), later, later);
  await tree.run(['resend', '-m', sent.id]);
  expect(tree.spoolFiles()).toEqual([`${sent.id}-presentation.tar`]);
});

it('does not make prune delete what nobody knows to be whole in PILOS', async () => {
  const { tree, sent } = await createUpgradedServer();
  const { PATH } = installBbbRecord(tree);
  await tree.run(['adopt']);
  const { status, stderr } = await tree.run(['prune', '--older-than', '0m', '--verbose'], { env: { PATH } });
  expect(status).toBe(0);
  expect(stderr).toContain(
    `${sent.id} is kept: presentation was sent before pilos-post-publish was installed`,
  );
  expect(existsSync(sent.published('presentation'))).toBe(true);
});

it('touches nothing in a dry run', async () => {
  const { tree, sent } = await createUpgradedServer();
  tree.installHook();
  const before = snapshotTree(tree.root);
  const { status, stdout } = await tree.run(['adopt', '--dry-run']);
  expect({ status, stdout }).toMatchObject({
    status: 0,
    stdout: expect.stringContaining('1 format would be noted'),
  });
  expect(diffSnapshots(before, snapshotTree(tree.root))).toEqual([]);
  expect(existsSync(ledgerFile(tree, sent.id, 'presentation'))).toBe(false);
});
