/** From delivered to imported: what becomes of an archive is seen over every kind of spool, and nothing is lost. */
import { existsSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import {
  createImportLane,
  type ImportLane,
  type LaneOptions,
  laneNames,
} from '../../support/pilos/import-lane.ts';
import { hasSenderDone, letDeliveryBe } from '../../support/program/traces.ts';
import { useRsyncHost } from '../../support/rsync/rsync-host.ts';

const host = useRsyncHost();

/** Sets `notify` to what writes a line with these words of the shell; returns the file. */
function notifyInto({ tree }: ImportLane, words: string): string {
  const notified = join(tree.recordingDir, 'notified');
  const script = join(tree.root, 'notify');
  writeFileSync(script, `#!/bin/sh\necho "${words}" >>${notified}\n`, { mode: 0o755 });
  writeFileSync(notified, '');
  writeFileSync(tree.pilosYml, `${readFileSync(tree.pilosYml, 'utf8')}notify: ${script}\n`);
  tree.giveTo(host.bbbUser);
  return notified;
}
const lanes: ImportLane[] = [];
afterEach(() => {
  for (const { tree, spool, meeting } of lanes.splice(0)) {
    tree.remove();
    for (const path of ['failed', `${meeting.id}-presentation.tar`])
      rmSync(join(spool, path), { recursive: true, force: true });
    rmSync(join(host.pilosUser.home, 'store'), { recursive: true, force: true });
  }
});

describe.each(laneNames)('over a spool that is %s', (name) => {
  async function createLane(options?: LaneOptions): Promise<ImportLane> {
    const lane = await createImportLane(host, name, options);
    lanes.push(lane);
    return lane;
  }

  it('what PILOS has imported is imported, and only then -sender.done is written', async () => {
    const { run, meeting, pilos, state, tree } = await createLane();
    expect((await run('-m', meeting.id)).status).toBe(0);
    expect(await state()).toBe('delivered');
    expect((await run('deliver')).status).toBe(0);
    expect(await state()).toBe('delivered');
    expect(hasSenderDone(tree, meeting.id)).toBe(false);
    await pilos.importOnce();
    // Over rsync, a look would cost a login.
    expect(await state()).toBe(name === 'mounted' ? 'imported' : 'delivered');
    expect(hasSenderDone(tree, meeting.id)).toBe(false);
    expect((await run('deliver')).stdout).toContain(`PILOS has imported ${meeting.id}-presentation.tar`);
    expect(await state()).toBe('imported');
    expect(hasSenderDone(tree, meeting.id)).toBe(true);
    expect(pilos.format(meeting.id, 'presentation')?.isPlayable).toBe(true);
  });

  it('what PILOS has refused is refused, is never marked as done, and is sent again when it is asked for', async () => {
    const { run, meeting, pilos, state, tree, spool } = await createLane({ knows: 'nothing' });
    expect((await run('-m', meeting.id)).status).toBe(0);
    await pilos.importOnce();
    expect((await run('deliver')).stderr).toContain(`PILOS has refused ${meeting.id}-presentation.tar`);
    expect(await state()).toBe('refused');
    expect(hasSenderDone(tree, meeting.id)).toBe(false);
    expect((await run('status', '-m', meeting.id)).stdout).toContain(
      `run 'pilos-post-publish -m ${meeting.id}'`,
    );
    // The timer leaves it alone.
    expect((await run('deliver')).stdout).toBe('nothing to deliver\n');
    await pilos.knows(meeting.externalId);
    expect((await run('-m', meeting.id)).status).toBe(0);
    expect(await state()).toBe('delivered');
    await pilos.importOnce();
    expect(existsSync(join(spool, 'failed', `${meeting.id}-presentation.tar`))).toBe(true);
    expect((await run('deliver')).status).toBe(0);
    expect(await state()).toBe('imported');
    expect(hasSenderDone(tree, meeting.id)).toBe(true);
  });

  it('what PILOS refuses a second time is refused a second time', async () => {
    const { run, meeting, pilos, state } = await createLane({ knows: 'nothing' });
    for (let time = 0; time < 2; time += 1) {
      expect((await run('-m', meeting.id)).status).toBe(0);
      await pilos.importOnce();
      expect((await run('deliver')).status).toBe(0);
      expect(await state()).toBe('refused');
    }
  });

  it('an archive of this name in failed/ from last year does not hide an import', async () => {
    const { run, meeting, pilos, state, spool } = await createLane();
    const old = join(spool, 'failed', `${meeting.id}-presentation.tar`);
    writeFileSync(old, 'last year');
    const lastYear = Date.now() / 1000 - 365 * 86_400;
    utimesSync(old, lastYear, lastYear);
    expect((await run('-m', meeting.id)).status).toBe(0);
    await pilos.importOnce();
    expect((await run('deliver')).status).toBe(0);
    expect(await state()).toBe('imported');
  });

  it('what PILOS took is taken where failed/ may not be entered', async () => {
    const { run, meeting, pilos, state, tree, spool } = await createLane({ failed: 'left to PILOS' });
    // PILOS makes failed/ itself, for its own eyes, when it refuses the first archive of nobody knows whom.
    const stranger = tree.addMeeting({ externalId: 'unknown to PILOS' });
    tree.giveTo(host.bbbUser);
    for (const { id } of [stranger, meeting]) expect((await run('-m', id)).status).toBe(0);
    await pilos.importOnce();
    expect(statSync(join(spool, 'failed')).mode & 0o777).toBe(0o700);
    expect((await run('deliver')).status).toBe(0);
    // Over rsync, this key's user is the one that PILOS runs as.
    expect(await state()).toBe(name === 'mounted' ? 'taken' : 'imported');
    expect(hasSenderDone(tree, meeting.id)).toBe(true);
  });

  it('what an earlier -sender.done covers is adopted when the ledger is lost, and sent when it is asked for', async () => {
    const { run, meeting, pilos, state, tree } = await createLane();
    expect((await run('-m', meeting.id)).status).toBe(0);
    await pilos.importOnce();
    expect((await run('deliver')).status).toBe(0);
    rmSync(join(tree.workDir, 'ledger'), { recursive: true });
    expect(await state()).toBe('adopted');
    expect((await run('deliver')).stdout).toBe('nothing to deliver\n');
    expect(hasSenderDone(tree, meeting.id)).toBe(true);
    expect((await run('-m', meeting.id)).status).toBe(0);
    expect(await state()).toBe('delivered');
    await pilos.importOnce();
    expect((await run('deliver')).status).toBe(0);
    expect(await state()).toBe('imported');
  });

  it('what BBB publishes again after its import is outdated, and sent with --again', async () => {
    const { run, meeting, pilos, state, tree } = await createLane();
    expect((await run('-m', meeting.id)).status).toBe(0);
    await pilos.importOnce();
    expect((await run('deliver')).status).toBe(0);
    rebuild(meeting.published('presentation'));
    const { status, stderr } = await run('-m', meeting.id, '-f', 'presentation');
    expect(status).toBe(65);
    expect(stderr).toContain(`run 'pilos-post-publish -m ${meeting.id} --again'`);
    expect(await state()).toBe('outdated');
    expect(hasSenderDone(tree, meeting.id)).toBe(false);
    expect((await run('deliver')).stdout).toBe('nothing to deliver\n');
    await pilos.deleteRecording(meeting.id);
    expect((await run('-m', meeting.id, '--again')).status).toBe(0);
    await pilos.importOnce();
    expect((await run('deliver')).status).toBe(0);
    expect(await state()).toBe('imported');
  });

  it('what BBB publishes again while the first still waits replaces it, when that is old enough', async () => {
    const { run, meeting, pilos, state, tree } = await createLane();
    expect((await run('-m', meeting.id)).status).toBe(0);
    rebuild(meeting.published('presentation'));
    expect((await run('-m', meeting.id)).status).toBe(75);
    expect(await state()).toBe('waiting');
    letDeliveryBe(tree, meeting.id, 'presentation', { minutes: 10 });
    expect((await run('deliver')).status).toBe(0);
    await pilos.importOnce();
    expect((await run('deliver')).status).toBe(0);
    expect(await state()).toBe('imported');
    const stored = pilos.format(meeting.id, 'presentation');
    expect(readFileSync(join(stored?.directory ?? '', 'captions_en.vtt'), 'utf8')).toBe('WEBVTT\n');
  });

  it('what bbb-conf --setip rewrites stays imported', async () => {
    const { run, meeting, pilos, state, tree } = await createLane();
    expect((await run('-m', meeting.id)).status).toBe(0);
    await pilos.importOnce();
    expect((await run('deliver')).status).toBe(0);
    const metadata = join(meeting.published('presentation'), 'metadata.xml');
    writeFileSync(
      `${metadata}.new`,
      readFileSync(metadata, 'utf8').replaceAll(/https:\/\/[^/<]+/g, 'https://new.example.org'),
    );
    renameSync(`${metadata}.new`, metadata);
    expect((await run('deliver')).stdout).toBe('nothing to deliver\n');
    expect(await state()).toBe('imported');
    expect(hasSenderDone(tree, meeting.id)).toBe(true);
  });

  it('a copied recording, with other times and inodes, stays imported', async () => {
    const { run, meeting, pilos, state } = await createLane();
    expect((await run('-m', meeting.id)).status).toBe(0);
    await pilos.importOnce();
    expect((await run('deliver')).status).toBe(0);
    for (const file of ['metadata.xml', 'shapes.svg'])
      utimesSync(join(meeting.published('presentation'), file), new Date(), new Date());
    expect((await run('deliver')).stdout).toBe('nothing to deliver\n');
    expect(await state()).toBe('imported');
  });

  it('what is deleted here before PILOS had it stays visible until it is forgotten', async () => {
    const { run, meeting, tree } = await createLane({ pilos: { deliver: 'later' } });
    expect((await run('-m', meeting.id)).status).toBe(0);
    rmSync(meeting.published('presentation'), { recursive: true });
    rmSync(join(tree.recordingDir, 'raw', meeting.id), { recursive: true });
    expect((await run('status', '--missing')).stdout).toContain('presentation lost');
    expect((await run('status', '--forget', meeting.id)).status).toBe(0);
    expect((await run('status', '--missing')).stdout).toMatch(/^0 recordings/);
  });
});

describe('a mounted spool', () => {
  it('that is gone is an error of status, which shows what was known before', async () => {
    const lane = await createImportLane(host, 'mounted');
    lanes.push(lane);
    expect((await lane.run('-m', lane.meeting.id)).status).toBe(0);
    renameSync(lane.spool, `${lane.spool}-away`);
    const { status, stdout, stderr } = await lane.run('status');
    const json = await lane.run('status', '--json');
    renameSync(`${lane.spool}-away`, lane.spool);
    expect(status).toBe(73);
    expect(stdout).toContain('presentation delivered');
    expect(stderr).toContain(`the spool directory ${lane.spool} does not exist`);
    expect(JSON.parse(json.stdout)).toMatchObject({
      recordings: [{ formats: [{ state: 'delivered' }] }],
      problem: { code: 'spool_dir_missing' },
      exit_status: 73,
    });
  });

  it('on which failed is a file does not make anything imported', async () => {
    const lane = await createImportLane(host, 'mounted', { failed: 'left to PILOS' });
    lanes.push(lane);
    writeFileSync(join(lane.spool, 'failed'), '');
    expect((await lane.run('-m', lane.meeting.id)).status).toBe(0);
    rmSync(join(lane.spool, `${lane.meeting.id}-presentation.tar`));
    expect((await lane.run('deliver')).status).toBe(0);
    expect(await lane.state()).toBe('taken');
  });

  it('where PILOS refuses an archive notifies once, of which one', async () => {
    const lane = await createImportLane(host, 'mounted', { knows: 'nothing' });
    lanes.push(lane);
    const { meeting, spool } = lane;
    const words = ['EVENT', 'MEETING_ID', 'RECORD_ID', 'FORMAT', 'DESTINATION', 'EXIT_STATUS'];
    const notified = notifyInto(lane, words.map((word) => `$PILOS_POST_PUBLISH_${word}`).join(' '));
    expect((await lane.run('-m', meeting.id)).status).toBe(0);
    await lane.pilos.importOnce();
    for (let run = 0; run < 2; run += 1) expect((await lane.run('deliver')).status).toBe(0);
    const line = `refused ${meeting.id} ${meeting.id} presentation ${spool} 65\n`;
    expect(readFileSync(notified, 'utf8')).toBe(line);
  });

  it('that PILOS takes nothing from is reported once as stuck, and once as recovered', async () => {
    const lane = await createImportLane(host, 'mounted', { pilos: { import_patience: '1h' } });
    lanes.push(lane);
    const notified = notifyInto(lane, '$PILOS_POST_PUBLISH_EVENT');
    expect((await lane.run('-m', lane.meeting.id)).status).toBe(0);
    expect((await lane.run('deliver')).stderr).toBe('');
    letDeliveryBe(lane.tree, lane.meeting.id, 'presentation', { minutes: 90 });
    for (let run = 0; run < 2; run += 1)
      expect((await lane.run('deliver')).stderr).toContain('PILOS has taken no archive from');
    expect(readFileSync(notified, 'utf8')).toBe('stuck\n');
    await lane.pilos.importOnce();
    expect((await lane.run('deliver')).status).toBe(0);
    expect(readFileSync(notified, 'utf8')).toBe('stuck\nrecovered\n');
    expect(existsSync(join(lane.spool, `${lane.meeting.id}-presentation.tar`))).toBe(false);
  });
});

/** As a caption upload, or BBB's rebuild, leaves it. */
function rebuild(published: string): void {
  writeFileSync(join(published, 'captions_en.vtt'), 'WEBVTT\n');
}
